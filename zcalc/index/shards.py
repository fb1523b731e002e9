"""Pictures in tar shards (the webdataset layout), with their sidecar files as metadata."""

import json
import os
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from unicodedata import normalize

from zcalc import sidecars
from zcalc.archives import is_archive_name, plain_tar
from zcalc.errors import ZcalcError
from zcalc.index.items import Item, resolve_file
from zcalc.index.manifest import SourceInfo
from zcalc.pictures import SUFFIXES, printable

_MAX_SIDECAR = 1 << 20  # bytes; larger sidecar files are ignored
_OF_A_MAC = "._"  # files that a Mac adds beside others


class Shards:
    """The pictures in tar files in webdataset's layout, compressed ones too.

    The metadata of `x.jpg` are the fields of `x.json`, with `x.txt` as its caption, wherever in the
    tar these are. A picture's name combines its shard and its key: `00007/x`.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self.files = [resolve_file(path) for path in files]
        self.roots = tuple(dict.fromkeys(str(path.parent) for path in self.files))
        self.infos = tuple(SourceInfo(str(path), str(path.parent)) for path in self.files)

    def __iter__(self) -> Iterator[Item]:
        for file in self.files:
            yield from _items(file)


def shards_in(root: Path) -> Iterator[Path]:
    """The tar files in a folder and its subfolders."""
    for folder, subfolders, files in os.walk(root):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        shown = (name for name in sorted(files) if not name.startswith("."))
        yield from (Path(folder, name) for name in shown if is_archive_name(name))


def _items(shard: Path) -> Iterator[Item]:
    """The pictures of a tar file, with their metadata."""
    mtime_ns = 0
    samples: dict[str, list[tarfile.TarInfo]] = {}
    reason = ""
    try:
        mtime_ns = shard.stat().st_mtime_ns
        with tarfile.open(plain_tar(shard), "r:") as tar:
            try:
                for member in tar:
                    if member.isreg() and not _is_added(member.name):
                        samples.setdefault(_key(member.name), []).append(member)
            except (OSError, tarfile.TarError, ValueError) as error:  # its end is missing
                reason = str(error)
            for sample in samples.values():
                yield from _sample_items(shard, mtime_ns, tar, sample)
    except (OSError, EOFError, tarfile.TarError, ValueError, ZcalcError) as error:
        reason = error.message if isinstance(error, ZcalcError) else str(error)
    if reason:
        reason = f"the tar can't be read: {printable(reason)}"
        yield Item(shard.stem, str(shard), str(shard), skipped=reason, source=str(shard))


def _sample_items(
    shard: Path, mtime_ns: int, tar: tarfile.TarFile, sample: list[tarfile.TarInfo]
) -> Iterator[Item]:
    """The pictures among the members of one sample; the other members are their metadata."""
    metadata: dict[str, Any] = {}
    caption, pictures = "", []
    for member in sample:
        suffix = Path(member.name).suffix.lower()
        if suffix in SUFFIXES:
            pictures.append(member)
        elif suffix in (".json", ".txt") and member.size <= _MAX_SIDECAR:
            sidecar = tar.extractfile(member)
            data = sidecar.read() if sidecar else b""
            metadata |= _fields(suffix, data)
            caption = _caption(data) if suffix == ".txt" else caption
    for member in pictures:
        name = printable(f"{_stem(shard)}/{_key(member.name)}")
        path = f"{shard}!{member.name}"
        place = (str(shard), member.size, mtime_ns, member.offset_data)
        yield Item(name, path, *place, metadata, caption=caption, source=str(shard))


def _fields(suffix: str, data: bytes) -> dict[str, Any]:
    text = data.decode("utf-8-sig", "replace")
    if suffix == ".txt":
        return {"caption": text.strip()}
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {str(k): v for k, v in fields.items()} if isinstance(fields, dict) else {}


def _caption(data: bytes) -> str:
    """The caption in a text file, "" if it isn't text."""
    try:
        return sidecars.parse(data)
    except ZcalcError:
        return ""


def _is_added(member: str) -> bool:
    """Whether a member is none of the collection's own files."""
    *folders, name = member.split("/")
    return name.startswith(_OF_A_MAC) or "__MACOSX" in folders


def _stem(shard: Path) -> str:
    return shard.name.partition(".")[0] or shard.name


def _key(member: str) -> str:
    """The key that the members of a sample share: the path up to the first dot of the file name."""
    folder, _, name = normalize("NFC", member).rpartition("/")
    key = name.partition(".")[0]
    return f"{folder}/{key}" if folder else key
