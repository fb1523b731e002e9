"""Models from the hub: found in its cache, downloaded with resume, checked before first use.

Files lie where huggingface_hub keeps them, so that other programs share them. It is asked what a
repository has; the bytes are fetched here, because it neither resumes nor checks hashes.
"""

import fnmatch
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from zcalc.errors import ZcalcError
from zcalc.models.hub_errors import DamagedError, explained
from zcalc.progress import BYTES, counter, notice, readable
from zcalc.storage import cache_folder, write_atomically

PATIENCE = 5.0  # seconds until the hub counts as unreachable
STALLED = 20.0  # seconds without a byte until a download counts as stalled
_BLOCK = 16 << 20  # bytes hashed at once
_SHA256, _GIT = 64, 40  # lengths of the hex digits that name a blob
_PART = ".zcalc-part"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository on the hub.

    `blob` is its name in the cache, and its hash: SHA-256 for large files, git's SHA-1 for others.
    """

    name: str
    size: int
    blob: str


def folder(
    repo: str, small: Sequence[str], weights: Sequence[str], hint: str, fetch: bool = True
) -> Path:
    """The folder of a hub repository's files: cached, or downloaded now if `fetch` allows it.

    `repo` is ORG/NAME or ORG/NAME@REVISION. Downloads the files that match the patterns in `small`,
    then the first of `weights` that the repository has. The weights come last, so a cache that has
    them and the first of `small` (a file that every such repository has) is complete.
    Raises ZcalcError if something can't be had, saying what to do; `hint` says how to get the files
    by hand.
    """
    found = _cached(repo, small, weights)
    if found is not None:
        for file in sorted(found.glob("*.safetensors")) if fetch else ():  # looking is quick
            check(file)
        return found
    if not fetch:
        raise ZcalcError(f"{repo} is not on this machine.", hint)
    with explained(repo, hint):
        return _download(repo, small, weights)


def check(file: Path) -> None:
    """Compare a cached file with the hash that the hub gave it, once.

    Raises ZcalcError if they differ, and removes the file, so that the next attempt downloads it.
    """
    blob = file.resolve()
    if len(blob.name) != _SHA256 or blob.parent.name != "blobs":
        return  # not of the hub's cache
    with suppress(OSError):
        if _seal(blob).read_text() == _stamp(blob):
            return
    if _hash(blob, blob.name) != blob.name:
        blob.unlink()
        file.unlink(missing_ok=True)
        raise DamagedError(file.name)
    _mark_checked(blob)


def _mark_checked(blob: Path) -> None:
    with suppress(OSError):  # it is checked again next time
        write_atomically(_seal(blob), _stamp(blob).encode())


def _seal(blob: Path) -> Path:
    """The file that says that a blob with a certain stamp was checked."""
    return cache_folder("checked", blob.name)


def _stamp(blob: Path) -> str:
    state = blob.stat()
    return f"{state.st_size} {state.st_mtime_ns}"


def _cached(repo: str, small: Sequence[str], weights: Sequence[str]) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    name, _, revision = repo.partition("@")
    for file in weights:
        cached = try_to_load_from_cache(name, file, revision=revision or None)
        if isinstance(cached, str) and all(Path(cached).with_name(n).is_file() for n in small[:1]):
            return Path(cached).parent
    return None


def _download(repo: str, small: Sequence[str], weights: Sequence[str]) -> Path:
    """Download what is missing of a repository, the weights last; returns its folder."""
    from huggingface_hub import HfApi

    name, _, revision = repo.partition("@")
    api = HfApi()
    info = api.model_info(name, revision=revision or None, timeout=PATIENCE, files_metadata=True)
    files = {s.rfilename: _remote(s) for s in info.siblings or ()}
    first = next((files[file] for file in weights if file in files), None)
    if first is None or info.sha is None:
        raise ZcalcError(
            f"{name} on the model hub has no {' or '.join(weights)}, and zcalc loads no pickles.",
            "Convert its weights (python -m zcalc.models.convert --help), or choose another model.",
        )
    wanted = [f for f in files.values() if any(fnmatch.fnmatch(f.name, p) for p in small)]
    wanted = [*(f for f in wanted if f != first), first]
    cache = _Cache(name, info.sha, revision)
    missing = [file for file in wanted if not cache.blob(file).is_file()]
    cache.check_space(sum(file.size - cache.fetched(file) for file in missing))
    for file in missing:
        cache.fetch(file, f"{api.endpoint}/{name}/resolve/{info.sha}/{file.name}")
    for file in wanted:
        cache.link(file)
    cache.name_revision()
    return cache.snapshot


def _remote(sibling: Any) -> RemoteFile:
    if sibling.lfs:
        return RemoteFile(sibling.rfilename, sibling.lfs.size, sibling.lfs.sha256)
    return RemoteFile(sibling.rfilename, sibling.size or 0, sibling.blob_id or "")


class _Cache:
    """The folder of one repository in huggingface_hub's cache, at one commit."""

    def __init__(self, name: str, commit: str, revision: str) -> None:
        from huggingface_hub.constants import HF_HUB_CACHE

        self._root = Path(HF_HUB_CACHE) / f"models--{name.replace('/', '--')}"
        self._commit, self._revision = commit, revision or "main"
        self.snapshot = self._root / "snapshots" / commit

    def blob(self, file: RemoteFile) -> Path:
        """Where a file's content lies."""
        return self._root / "blobs" / file.blob

    def fetched(self, file: RemoteFile) -> int:
        """The bytes of a file that an earlier attempt left."""
        part = self._part(file)
        return part.stat().st_size if part.is_file() else 0

    def check_space(self, needed: int) -> None:
        """Raise ZcalcError unless the disk has room for so many bytes."""
        existing = next(p for p in (self._root, *self._root.parents) if p.is_dir())
        free = shutil.disk_usage(existing).free
        if needed > free:
            raise ZcalcError(
                f"The download needs {readable(needed)}, and {existing} has {readable(free)} free.",
                "Make room, or set HF_HOME to a folder on a larger disk.",
            )

    def fetch(self, file: RemoteFile, url: str) -> None:
        """Download a file's content, going on where an earlier attempt ended, and check it."""
        blob, part = self.blob(file), self._part(file)
        blob.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{part}.lock"):
            if blob.is_file():  # another process was faster
                return
            with _keeping(part, file):
                _stream(url, part, file)
                if _hash(part, file.blob) != file.blob:
                    part.unlink()
                    raise DamagedError(file.name)
                os.replace(part, blob)
        Path(f"{part}.lock").unlink(missing_ok=True)
        _mark_checked(blob)

    def link(self, file: RemoteFile) -> None:
        """Put a file into the snapshot, as a link to its content or, without links, a copy."""
        target = self.snapshot / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            return
        target.unlink(missing_ok=True)
        try:
            target.symlink_to(os.path.relpath(self.blob(file), target.parent))
        except OSError:
            shutil.copyfile(self.blob(file), target)

    def name_revision(self) -> None:
        """Note which commit a branch or tag is, so that it is found without the hub."""
        if self._revision != self._commit:
            write_atomically(self._root / "refs" / self._revision, self._commit.encode())

    def _part(self, file: RemoteFile) -> Path:
        return self.blob(file).with_name(file.blob + _PART)


def _stream(url: str, part: Path, file: RemoteFile) -> None:
    """Append to `part` what it lacks of a file; shows a progress bar."""
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    start = part.stat().st_size if part.is_file() else 0
    if start >= file.size > 0:
        return
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    options: dict[str, Any] = {"headers": headers, "timeout": STALLED, "follow_redirects": True}
    with get_session().stream("GET", url, **options) as response:
        if response.is_error:
            response.read()
        hf_raise_for_status(response)
        resumes = response.status_code == 206
        done = start if resumes else 0
        counting = counter(file.name, file.size, BYTES)
        with part.open("ab" if resumes else "wb") as out, counting as count:
            for chunk in response.iter_bytes():
                out.write(chunk)
                done += len(chunk)
                count(done)


@contextmanager
def _keeping(part: Path, file: RemoteFile) -> Iterator[None]:
    """Say, when a download ends early, that what is there is kept."""
    try:
        yield
    except (KeyboardInterrupt, OSError):
        kept = part.stat().st_size if part.is_file() else 0
        if kept:
            of = f"{readable(kept)} of {readable(file.size)}"
            notice(f"{file.name}: {of} are kept; the next attempt goes on from there.")
        raise


def _hash(file: Path, expected: str) -> str:
    """The SHA-256 of a file, or git's SHA-1 if `expected` is one; shows progress for large ones."""
    size = file.stat().st_size
    digest: Any = hashlib.sha256()
    if len(expected) == _GIT:
        digest = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    with file.open("rb") as content, counter("Checking the download", size, BYTES) as count:
        while block := content.read(_BLOCK):
            digest.update(block)
            count(content.tell())
    return str(digest.hexdigest())
