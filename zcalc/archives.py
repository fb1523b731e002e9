"""Tar archives of pictures: what counts as one, and compressed ones unpacked in the cache folder.

A picture in a compressed tar can't be read without all that comes before it. So `a.tar.gz` is
decompressed once, to a plain tar in the cache, which goes when the archive changes.
"""

import re
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from zcalc.errors import ZcalcError
from zcalc.progress import readable, track

_COMPRESSED = (".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz")
SUFFIXES = (".tar", *_COMPRESSED)
_MEMBER = re.compile(r"(.*?\.(?:tar|tgz|tbz2|txz|tar\.gz|tar\.bz2|tar\.xz))!(.*)\Z", re.S | re.I)
_CHUNK = 8 << 20  # bytes that are decompressed at a time


def is_archive(path: Path) -> bool:
    """Whether a file is a tar, by its name."""
    return is_archive_name(path.name)


def is_archive_name(name: str) -> bool:
    """Whether a file name is that of a tar."""
    return name.lower().endswith(SUFFIXES)


def split_member(path: str) -> tuple[str, str]:
    """A path as that of an archive and of the file in it; without "!", the path and "".

    >>> split_member("shards/a.tar!b/c.jpg"), split_member("hi!.jpg")
    (('shards/a.tar', 'b/c.jpg'), ('hi!.jpg', ''))
    """
    match = _MEMBER.match(path)
    return (match[1], match[2]) if match else (path, "")


def plain_tar(archive: Path) -> Path:
    """The archive itself or, of a compressed one, its plain tar in the cache, made if need be.

    Raises OSError or EOFError if it can't be read, ZcalcError if the cache has no space for it.
    """
    if not archive.name.lower().endswith(_COMPRESSED):
        return archive
    from filelock import FileLock

    from zcalc.storage import cache_folder, digest  # imports NumPy

    status = archive.stat()
    place = digest(str(archive))[:24]
    folder = cache_folder("archives")
    version = digest(f"{status.st_size} {status.st_mtime_ns}")[:16]
    unpacked = folder / f"{place}-{version}.tar"
    if unpacked.is_file():
        return unpacked
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{place}.lock"):
        for other in folder.glob(f"{place}-*.tar*"):
            if other != unpacked:
                other.unlink(missing_ok=True)
        if not unpacked.is_file():
            _unpack(archive, unpacked)
    return unpacked


def _unpack(archive: Path, to: Path) -> None:
    temporary = to.with_suffix(".tar.part")
    with _decompressed(archive) as source, temporary.open("wb") as out:
        try:
            blocks = iter(lambda: source.read(_CHUNK), b"")
            for block in track(blocks, f"Decompressing {archive.name}"):
                if shutil.disk_usage(to.parent).free < 2 * _CHUNK:
                    hint = f"Decompress {archive} yourself, or set ZCALC_CACHE to a larger disk."
                    size = readable(temporary.stat().st_size)
                    raise ZcalcError(f"{to.parent} is full after {size} of {archive.name}.", hint)
                out.write(block)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    temporary.replace(to)


def _decompressed(archive: Path) -> AbstractContextManager[Any]:
    """The bytes of the plain tar."""
    import bz2
    import gzip
    import lzma

    with archive.open("rb") as file:
        start = file.read(2)
    if start == b"BZ":
        return bz2.open(archive, "rb")
    return lzma.open(archive, "rb") if start == b"\xfd7" else gzip.open(archive, "rb")
