"""Pictures in tar shards (the webdataset layout), with their sidecar files as metadata."""

import json
import os
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from zcalc import sidecars
from zcalc.errors import ZcalcError
from zcalc.index.items import Item, resolve_file
from zcalc.pictures import SUFFIXES, printable

_MAX_SIDECAR = 1 << 20  # bytes; larger sidecar files are ignored


class Shards:
    """The pictures in tar files in webdataset's layout.

    The metadata of `x.jpg` are the fields of `x.json`, with `x.txt` as its caption. A picture's
    name combines its shard and its key: `00007/x`.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self.files = [resolve_file(path) for path in files]
        self.roots = tuple(dict.fromkeys(str(path.parent) for path in self.files))

    def __iter__(self) -> Iterator[Item]:
        for file in self.files:
            yield from _items(file)


def shards_in(root: Path) -> Iterator[Path]:
    """The tar files in a folder and its subfolders."""
    for folder, subfolders, files in os.walk(root):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield from (Path(folder, f) for f in sorted(files) if f.lower().endswith(".tar"))


def _items(shard: Path) -> Iterator[Item]:
    """The pictures of a tar file, with their metadata."""
    try:
        mtime_ns = shard.stat().st_mtime_ns
        with tarfile.open(shard, "r:") as tar:
            sample: list[tarfile.TarInfo] = []
            for member in tar:
                if sample and _key(member.name) != _key(sample[0].name):
                    yield from _sample_items(shard, mtime_ns, tar, sample)
                    sample = []
                if member.isreg():
                    sample.append(member)
            yield from _sample_items(shard, mtime_ns, tar, sample)
    except (OSError, tarfile.TarError, ValueError) as error:
        reason = f"the tar can't be read: {printable(str(error))}"
        yield Item(shard.stem, str(shard), str(shard), skipped=reason)


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
        name = printable(f"{shard.stem}/{_key(member.name)}")
        path = f"{shard}!{member.name}"
        place = (str(shard), member.size, mtime_ns, member.offset_data)
        yield Item(name, path, *place, metadata, caption=caption)


def _fields(suffix: str, data: bytes) -> dict[str, Any]:
    text = data.decode("utf-8", "replace")
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


def _key(member: str) -> str:
    """The key that the members of a sample share: the path up to the first dot of the file name."""
    folder, _, name = member.rpartition("/")
    key = name.partition(".")[0]
    return f"{folder}/{key}" if folder else key
