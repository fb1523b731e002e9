"""The search structure cached beside an index: derived data, rebuilt if missing or damaged.

The file starts with a JSON header: the hash of the structure and the id of the vectors it was built
from. faiss only parses bytes whose hash matches.
"""

import json
import mmap
from contextlib import suppress
from pathlib import Path

from zcalc.errors import ZcalcError
from zcalc.index.manifest import Manifest, structure_file
from zcalc.index.structure import Structure
from zcalc.index.vectors import Vectors
from zcalc.storage import digest, write_atomically

_HEADER = 512  # bytes


def load_or_build(
    manifest: Manifest, vectors: Vectors, folder: Path | None, memory: int | None
) -> Structure:
    """The structure cached in `folder` or, failing that, a new one, which is cached if possible.

    Raises ZcalcError if no structure fits into `memory` bytes.
    """
    if folder is None:
        return Structure.build(vectors, memory)
    file = folder / structure_file(manifest)
    structure = _load(file, manifest, vectors, memory)
    if structure is None:
        structure = Structure.build(vectors, memory)
        if structure.kind != "exact":
            with suppress(OSError):  # a read-only folder
                _save(file, manifest, structure)
    return structure


def _save(file: Path, manifest: Manifest, structure: Structure) -> None:
    data = memoryview(structure.to_bytes())
    header = json.dumps({"sha256": digest(data), "about": manifest.vectors_id})
    write_atomically(file, header.encode().ljust(_HEADER), data)


def _load(file: Path, manifest: Manifest, vectors: Vectors, memory: int | None) -> Structure | None:
    try:
        with file.open("rb") as handle:
            data = memoryview(mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ))
        header = json.loads(bytes(data[:_HEADER]))
        if header["about"] != manifest.vectors_id or header["sha256"] != digest(data[_HEADER:]):
            return None
        return Structure.from_bytes(data[_HEADER:], vectors, memory)
    except (OSError, ValueError, KeyError, TypeError, ZcalcError):
        return None
