"""The sample pictures: their vectors come with the package, so nothing is encoded at first.

`zcalc.shipped` has those of the words.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import partial

import numpy as np
from safetensors import SafetensorError, safe_open

from zcalc.algebra import unit
from zcalc.index.engine import Engine, Outcome, PictureEncoder, encode_here
from zcalc.index.items import Item
from zcalc.shipped import FOLDER


def picture_engine(identity: str) -> Engine:
    """The engine that knows the sample pictures' vectors of a model, and encodes all others."""
    return partial(_encode_unknown, picture_vectors(identity))


def picture_vectors(identity: str) -> dict[bytes, np.ndarray]:
    """Vectors (d,) of the sample pictures by the hash of their bytes; none of another model."""
    try:
        with safe_open(FOLDER / "pictures.safetensors", "np") as file:
            if (file.metadata() or {}).get("model") != identity:
                return {}
            contents, rows = file.get_tensor("contents"), file.get_tensor("vectors")
    except (OSError, SafetensorError):
        return {}
    rows = unit(rows.astype(np.float32))  # (n, d)
    return {one.tobytes(): row for one, row in zip(contents, rows, strict=True)}


def _encode_unknown(
    shipped: Mapping[bytes, np.ndarray],
    items: Sequence[Item],
    encoder: PictureEncoder,
    known: Set[bytes],
) -> Iterator[list[Outcome]]:
    """What `encode_here` gives; contents that are shipped are read, but not decoded."""
    found, rest = [], []
    for number, item in enumerate(items):
        content = _content(item) if shipped else b""
        if content in shipped and content not in known:
            found.append(Outcome(number, content, shipped[content]))
        else:
            rest.append(number)
    yield found
    for batch in encode_here([items[number] for number in rest], encoder, known):
        for outcome in batch:
            outcome.number = rest[outcome.number]
        yield batch


def _content(item: Item) -> bytes:
    try:
        return hashlib.sha256(item.read()).digest()
    except OSError:
        return b""  # to be reported by the one who decodes it
