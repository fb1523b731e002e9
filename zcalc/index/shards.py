"""Pictures in tar files in the layout of webdataset, with what lies beside them as metadata."""

import json
import os
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from zcalc.gallery import SUFFIXES, printable
from zcalc.index.items import Item, existing

_TEXT = 1 << 20  # bytes of a picture's metadata that are read


class Shards:
    """The pictures in tar files in the layout of webdataset.

    `x.jpg` with `x.json` beside it has the JSON object's fields as metadata, with `x.txt` a
    caption. A picture is called by its shard's name and its own: `00007/x`.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self.files = [existing(path) for path in files]
        self.roots = tuple(dict.fromkeys(str(path.parent) for path in self.files))

    def __iter__(self) -> Iterator[Item]:
        for file in self.files:
            yield from _members(file)


def shards_in(root: Path) -> Iterator[Path]:
    """The tar files in a folder and below."""
    for folder, below, files in os.walk(root):
        below[:] = sorted(name for name in below if not name.startswith("."))
        yield from (Path(folder, f) for f in sorted(files) if f.lower().endswith(".tar"))


def _members(shard: Path) -> Iterator[Item]:
    """The pictures of a tar, with what the members beside them say."""
    try:
        changed = shard.stat().st_mtime_ns
        with tarfile.open(shard, "r:") as opened:
            group: list[tarfile.TarInfo] = []
            for member in opened:
                if group and _key(member.name) != _key(group[0].name):
                    yield from _group(shard, changed, opened, group)
                    group = []
                if member.isreg():
                    group.append(member)
            yield from _group(shard, changed, opened, group)
    except (OSError, tarfile.TarError, ValueError) as error:
        reason = f"the tar can't be read: {printable(str(error))}"
        yield Item(shard.stem, str(shard), str(shard), skipped=reason)


def _group(
    shard: Path, changed: int, opened: tarfile.TarFile, group: list[tarfile.TarInfo]
) -> Iterator[Item]:
    """The pictures among members with one key; the others are their metadata."""
    metadata: dict[str, Any] = {}
    pictures = []
    for member in group:
        suffix = Path(member.name).suffix.lower()
        if suffix in SUFFIXES:
            pictures.append(member)
        elif suffix in (".json", ".txt") and member.size <= _TEXT:
            text = opened.extractfile(member)
            metadata |= _fields(suffix, text.read() if text else b"")
    for member in pictures:
        name = printable(f"{shard.stem}/{_key(member.name)}")
        path = f"{shard}!{member.name}"
        yield Item(
            name, path, str(shard), member.size, changed, member.offset_data, metadata
        )  # fmt: skip


def _fields(suffix: str, data: bytes) -> dict[str, Any]:
    text = data.decode("utf-8", "replace")
    if suffix == ".txt":
        return {"caption": text.strip()}
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {str(k): v for k, v in fields.items()} if isinstance(fields, dict) else {}


def _key(member: str) -> str:
    """What the members of one sample have in common: the path up to the first dot of the name."""
    folder, _, name = member.rpartition("/")
    key = name.partition(".")[0]
    return f"{folder}/{key}" if folder else key
