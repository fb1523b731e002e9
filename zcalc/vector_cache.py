"""Embeddings that are computed once: shipped with the package's models, or cached on disk.

`python -m tools.mini.vectors` writes the shipped ones. They are used if model and content match.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from zcalc.algebra import unit
from zcalc.storage import cache_folder, digest, pack, unpack, write_atomically

FOLDER = Path(__file__).parent / "models" / "mini"


def cached_vectors(
    kind: str, count: int, compute: Callable[[], np.ndarray], **metadata: str
) -> np.ndarray:
    """Vectors (count, d): shipped, cached, or else computed now and cached.

    `kind` is "texts" or "tokens"; `metadata` identifies the model and the content. If the cache is
    not writable, they are recomputed next time.
    """
    rows = _read(FOLDER / f"{kind}.safetensors", count, metadata)
    if rows is not None:
        return unit(rows)  # shipped as float16
    file = cache_folder(kind, f"{digest(str(metadata))[:16]}.safetensors")
    rows = _read(file, count, metadata)
    if rows is None:
        rows = compute()
        with suppress(OSError):
            write_atomically(file, pack(rows, **metadata))
    return rows


def _read(file: Path, count: int, metadata: Mapping[str, str]) -> np.ndarray | None:
    rows = unpack(file.read_bytes(), **metadata) if file.is_file() else None
    return rows if rows is not None and len(rows) == count else None
