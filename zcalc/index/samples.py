"""The sample pictures: their vectors ship with the package, so that the first use encodes nothing.

For the vectors of words, see `zcalc.vector_cache`.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import partial

import numpy as np
from safetensors import SafetensorError, safe_open

from zcalc.algebra import unit
from zcalc.index.engine import Engine, Outcome, PictureEncoder, encode_locally
from zcalc.index.items import Item
from zcalc.vector_cache import FOLDER


def picture_engine(identity: str) -> Engine:
    """An engine that has the shipped vectors of this model, and encodes everything else."""
    return partial(_encode_missing, picture_vectors(identity))


def picture_vectors(identity: str) -> dict[bytes, np.ndarray]:
    """The shipped vectors (d,) of a model, by the SHA-256 of the picture; none for other models."""
    try:
        with safe_open(FOLDER / "pictures.safetensors", "np") as file:
            if (file.metadata() or {}).get("model") != identity:
                return {}
            contents, rows = file.get_tensor("contents"), file.get_tensor("vectors")
    except (OSError, SafetensorError):
        return {}
    rows = unit(rows.astype(np.float32))  # (n, d)
    return {content.tobytes(): row for content, row in zip(contents, rows, strict=True)}


def _encode_missing(
    shipped: Mapping[bytes, np.ndarray],
    items: Sequence[Item],
    encoder: PictureEncoder,
    encoded: Set[bytes],
) -> Iterator[list[Outcome]]:
    """Like `encode_locally`, but shipped contents are read and hashed, not decoded."""
    outcomes, rest = [], []
    for number, item in enumerate(items):
        content = _hash(item) if shipped else b""
        if content in shipped and content not in encoded:
            outcomes.append(Outcome(number, content, shipped[content]))
        else:
            rest.append(number)
    yield outcomes
    for batch in encode_locally([items[number] for number in rest], encoder, encoded):
        for outcome in batch:
            outcome.number = rest[outcome.number]
        yield batch


def _hash(item: Item) -> bytes:
    try:
        return hashlib.sha256(item.read()).digest()
    except OSError:
        return b""  # `encode_locally` reports it
