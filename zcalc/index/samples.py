"""The sample pictures: their vectors ship with the package, so that the first use encodes nothing.

They are the vectors of the pictures alone: a share of the captions is added as in every index, so
that they hold for any caption and share. For the vectors of words, see `zcalc.vector_cache`.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from functools import partial

import numpy as np
from safetensors import SafetensorError, safe_open

from zcalc.algebra import unit
from zcalc.index.engine import Engine, Outcome, PictureEncoder, encode_locally, read
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
