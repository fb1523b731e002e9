"""Vectors that come with the models of the package, so that nothing waits for them the first time.

`python -m tools.mini.vectors` writes them. They are taken where model and content are the same.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from zcalc.algebra import unit
from zcalc.storage import cache_folder, digest, pack, unpack, write_atomically

FOLDER = Path(__file__).parent / "models" / "mini"


def kept_vectors(kind: str, count: int, make: Callable[[], np.ndarray], **about: str) -> np.ndarray:
    """Vectors (count, d): from the package or the cache folder, else made now and kept there.

    `kind` is "texts" or "tokens", `about` says of which model and of what they are. Where the
    cache can't be written they are made again next time.
    """
    rows = _read(FOLDER / f"{kind}.safetensors", count, about)
    if rows is not None:
        return unit(rows)  # they are float16 there
    file = cache_folder(kind, f"{digest(str(about))[:16]}.safetensors")
    rows = _read(file, count, about)
    if rows is None:
        rows = make()
        with suppress(OSError):
            write_atomically(file, pack(rows, **about))
    return rows


def _read(file: Path, count: int, about: Mapping[str, str]) -> np.ndarray | None:
    rows = unpack(file.read_bytes(), **about) if file.is_file() else None
    return rows if rows is not None and len(rows) == count else None
