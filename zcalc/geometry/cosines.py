"""Pairwise cosine similarities."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zcalc.geometry.base import Measure, Table
from zcalc.geometry.checks import as_directions


@dataclass(frozen=True, eq=False)
class Cosines(Measure):
    """The pairwise cosines (n, n) of named embeddings; `paths` are the files of pictures."""

    names: tuple[str, ...]
    matrix: np.ndarray
    paths: tuple[Path | None, ...] = ()

    def table(self) -> Table:
        """Return one row per embedding."""
        rows = [(n, *row) for n, row in zip(self.names, self.matrix.tolist(), strict=True)]
        return ("cosine", *self.names), rows

    def data(self) -> dict[str, Any]:
        """Return the names and the matrix."""
        return {"names": list(self.names), "cosines": self.matrix.round(4).tolist()}


def cosines(a: np.ndarray, b: np.ndarray | None = None) -> np.ndarray:
    """Compute the cosines (n, m) of the rows of a (n, d) with those of b (m, d), by default a.

    Raises ZcalcError for NaN, infinity, and zero vectors.

    >>> cosines(np.array([[1.0, 0.0], [3.0, 4.0]])).round(2).tolist()
    [[1.0, 0.6], [0.6, 1.0]]
    """
    first = as_directions(a)
    second = first if b is None else as_directions(b)
    return np.clip(first @ second.T, -1.0, 1.0)


def cosine_matrix(
    names: Sequence[str], vectors: np.ndarray, paths: Sequence[Path | None] = ()
) -> Cosines:
    """Compute the pairwise cosines of named vectors (n, d), at least two."""
    return Cosines(tuple(names), cosines(as_directions(vectors, 2, "embeddings")), tuple(paths))
