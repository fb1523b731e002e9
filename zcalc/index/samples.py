"""The sample pictures: their vectors ship with the package, so that the first use encodes nothing.

They are the vectors of the pictures alone: a share of the captions is added as in every index, so
that they hold for any caption and share. For the vectors of words, see `zcalc.vector_cache`.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import cache, partial

import numpy as np
from safetensors import SafetensorError, safe_open

from zcalc.algebra import unit
from zcalc.gallery import Picture
from zcalc.index.engine import Engine, Outcome, PictureEncoder, encode_locally, read
from zcalc.index.items import Item
from zcalc.vector_cache import FOLDER

LARGEST = 2 << 20  # bytes: no sample picture is larger, and larger ones are not hashed


def picture_engine(identity: str) -> Engine:
    """An engine that has the shipped vectors of this model, and encodes everything else."""
    vectors = {content: unit(row) for content, row in shipped_embeddings(identity).items()}
    return partial(_encode_missing, vectors)


@cache
def shipped_embeddings(identity: str) -> Mapping[bytes, np.ndarray]:
    """A model's shipped embeddings (d,), raw, by the SHA-256 of the file; none for other models."""
    try:
        with safe_open(FOLDER / "pictures.safetensors", "np") as file:
            if (file.metadata() or {}).get("model") != identity:
                return {}
            contents, rows = file.get_tensor("contents"), file.get_tensor("vectors")
    except (OSError, SafetensorError):
        return {}
    return {content.tobytes(): row for content, row in zip(contents, rows, strict=True)}


def shipped_embedding(picture: Picture, identity: str) -> np.ndarray | None:
    """A model's shipped embedding (d,), raw, of a whole sample picture; None for others."""
    shipped = shipped_embeddings(identity)
    if not shipped or picture.pixels is not None or picture.box is not None:
        return None
    try:
        if picture.path.stat().st_size > LARGEST:
            return None
        return shipped.get(hashlib.sha256(picture.path.read_bytes()).digest())
    except OSError:
        return None


def _encode_missing(
    shipped: Mapping[bytes, np.ndarray],
    items: Sequence[Item],
    encoder: PictureEncoder,
    encoded: Set[bytes],
) -> Iterator[list[Outcome]]:
    """Like `encode_locally`, but shipped contents are read and hashed, not decoded."""
    outcomes, rest = [], []
    for number, item in enumerate(items):
        outcome = _read(number, item) if shipped else Outcome(number)
        outcome.vector = shipped.get(outcome.sha256)
        if outcome.vector is not None and outcome.key not in encoded:
            outcomes.append(outcome)
        else:
            rest.append(number)
    yield outcomes
    for batch in encode_locally([items[number] for number in rest], encoder, encoded):
        for outcome in batch:
            outcome.number = rest[outcome.number]
        yield batch


def _read(number: int, item: Item) -> Outcome:
    try:
        return read(number, item)[0]
    except OSError:
        return Outcome(number)  # `encode_locally` reports it
