"""The search structure of an index, kept beside it: derived, so it may be lacking or be damaged.

Its file begins with the hash of what follows and of the vectors that it was made of; faiss reads
only bytes whose hash is right.
"""

import json
import mmap
from pathlib import Path
from typing import TYPE_CHECKING

from zcalc.errors import ZcalcError
from zcalc.index import manifest as manifests
from zcalc.index.structure import Structure
from zcalc.storage import digest, write_atomically

if TYPE_CHECKING:
    from zcalc.index.store import Index

_HEAD = 512  # bytes before the structure


def structure_of(index: "Index") -> Structure:
    """The structure of an index: the one in its folder, or a new one, which is put there."""
    found = _read(index)
    if found is None:
        found = Structure.build(index.vectors, index.memory)
        keep(index, found)
    return found


def keep(index: "Index", structure: Structure) -> None:
    """Write a structure beside its index, where that can be written."""
    if index.folder is None or structure.kind == "exact":
        return
    data = memoryview(structure.to_bytes())
    head = (
        json.dumps({"sha256": digest(data), "about": index.manifest.vectors_id})
        .encode()
        .ljust(_HEAD)
    )
    try:
        write_atomically(_file(index), head, data)
    except OSError:  # a folder that can only be read
        return


def _read(index: "Index") -> Structure | None:
    if index.folder is None:
        return None
    try:
        with _file(index).open("rb") as opened:
            data = memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
        head = json.loads(bytes(data[:_HEAD]))
        if head["about"] != index.manifest.vectors_id or head["sha256"] != digest(data[_HEAD:]):
            return None
        return Structure.from_bytes(data[_HEAD:], index.vectors, index.memory)
    except (OSError, ValueError, KeyError, TypeError, ZcalcError):
        return None


def _file(index: "Index") -> Path:
    assert index.folder is not None
    return index.folder / manifests.structure_file(index.manifest)
