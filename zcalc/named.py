"""Named vectors in a file: what the names of a program stand for, kept for other programs.

A `.zvec` file is safetensors: unit vectors (n, d) in float32, with their names, their norms and the
encoder's identity as metadata.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zcalc.errors import ZcalcError
from zcalc.language import Bound, Type, image, parse, unparse
from zcalc.pictures import printable
from zcalc.storage import pack, read_packed, write_atomically


@dataclass(frozen=True)
class NamedVectors:
    """Unit vectors (n, d) by one encoder, with a name and a norm each."""

    model: str
    names: tuple[str, ...]
    norms: tuple[float, ...]
    vectors: np.ndarray

    def bound(self) -> dict[str, Bound]:
        """The names as a program knows them: each is its norm times an embedding of that name."""
        pairs = zip(self.names, self.norms, strict=True)
        trees = {name: parse(f"{norm!r} * {unparse(image(name))}") for name, norm in pairs}
        return {name: Bound(tree, Type.EMBEDDING, 1) for name, tree in trees.items()}

    def put_into(self, calculator: Any) -> None:
        """Let the programs of a calculator use the names; raises ZcalcError for another encoder."""
        identity = calculator.models.encoder.identity
        if identity != self.model:
            message = f"The named vectors are {self.model}'s, not {identity}'s."
            raise ZcalcError(message, "Use that model, or name them again with this one.")
        for name, vector in zip(self.names, self.vectors, strict=True):
            calculator.adhoc.put(name, vector)
        calculator.names.update(self.bound())


def load(file: Path) -> NamedVectors:
    """Read named vectors; raises ZcalcError if the file is missing, damaged or something else."""
    hint = "Name a .zvec file that zcalc wrote."
    try:
        packed = read_packed(file.read_bytes())
    except OSError as error:
        raise ZcalcError(f"Can't read {file}: {error.strerror}.", hint) from error
    try:
        if packed is None:
            raise ValueError
        rows, metadata = packed
        names = tuple(map(str, json.loads(metadata["names"])))
        norms = tuple(map(float, json.loads(metadata["norms"])))
        if not len(names) == len(norms) == len(rows):
            raise ValueError
        vectors = NamedVectors(metadata["model"], names, norms, rows)
        vectors.bound()
        return vectors
    except (KeyError, TypeError, ValueError, ZcalcError) as error:
        raise ZcalcError(f"{file} is damaged or holds no named vectors.", hint) from error


def save(calculator: Any, file: Path, names: Collection[str] | None = None) -> int:
    """Write the embeddings among a calculator's names, or some of them; returns how many.

    Raises ZcalcError if there are none, or the file can't be written.
    """
    wanted = calculator.names if names is None else names
    bound = {name: calculator.names[name] for name in wanted if name in calculator.names}
    found = {name: calculator(name) for name, b in bound.items() if b.kind is Type.EMBEDDING}
    if not found:
        raise ZcalcError("No name stands for an embedding.", 'Bind one: leader = img(a) - "b"')
    rows = np.stack([value.vector for value in found.values()]).astype(np.float32)  # (n, d)
    data = pack(
        rows,
        model=calculator.models.encoder.identity,
        names=json.dumps(list(found)),
        norms=json.dumps([value.norm for value in found.values()]),
    )
    try:
        write_atomically(file, data)
    except OSError as error:
        message = f"Can't write {printable(str(file))}: {error.strerror}."
        raise ZcalcError(message, "Check its path.") from error
    return len(found)
