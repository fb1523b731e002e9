"""Queries made of several embeddings: what is near all of them, any, or one but not another.

A sum of embeddings asks for their average, where people often mean *and*. So each operand is scored
by itself, the scores are made comparable, and then they are multiplied, as in BASIC (Psomas et al.
2025, arXiv 2510.25387).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from zcalc.errors import ZcalcError

MOST = 256  # pictures and texts of a query, as of an expression
_EPSILON = 0.001  # of 3CosMul: Levy and Goldberg 2014
_LEAST_SPREAD = 1e-6


@dataclass(frozen=True, eq=False)
class Spread:
    """Mean (d,) and covariance (d, d) of the unit vectors of a modality.

    From them follow the mean and standard deviation of its cosines with any point.
    """

    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, chunks: Iterable[np.ndarray]) -> "Spread":
        """The spread of unit vectors, given in chunks (m, d). Raises ZcalcError for none."""
        count, total, squares = 0, np.zeros(()), np.zeros(())
        for chunk in chunks:
            rows = np.asarray(chunk, np.float64)  # (m, d)
            count, total, squares = count + len(rows), total + rows.sum(0), squares + rows.T @ rows
        if not count:
            raise ZcalcError("There is nothing to rank.", "Add pictures or words.")
        mean = total / count
        return cls(mean, squares / count - np.outer(mean, mean))

    def moments(self, point: np.ndarray) -> tuple[float, float]:
        """Mean and standard deviation of the cosines with a unit point (d,)."""
        variance = float(point @ self.covariance @ point)
        return float(point @ self.mean), max(_LEAST_SPREAD, variance) ** 0.5

    def probabilities(self, vectors: np.ndarray, point: np.ndarray) -> np.ndarray:
        """Φ(z) (n,) of the cosines of unit vectors (n, d) with a unit point (d,)."""
        from scipy.special import ndtr

        mean, deviation = self.moments(point)
        return ndtr((vectors @ point - mean) / deviation)


Part: TypeAlias = "Compound | np.ndarray"  # a query, or a unit point (d,)


@dataclass(frozen=True, eq=False)
class Compound:
    """A query: an operator and its parts, in order.

    With p = Φ(z) of each part, a vector's score is their product for "both", their maximum for
    "either", and p(a)·(1 − p(b)) for "butnot". For "mul", 3CosMul (Levy and Goldberg 2014,
    "Linguistic regularities in sparse and explicit word representations", equation 4), it is
    s / (1 + s) with s = cos(b)·cos(c) / (cos(a) + 0.001), the cosines shifted to [0, 1].
    """

    operator: str
    parts: tuple[Part, ...]

    def scores(self, vectors: np.ndarray, spread: Spread) -> np.ndarray:
        """Scores (n,) from 0 to 1 of unit vectors (n, d) of a modality with this spread."""
        if self.operator == "mul":
            a, b, c = ((1 + vectors @ p) / 2 for p in self.parts if not isinstance(p, Compound))
            ratio = b * c / (a + _EPSILON)
            return ratio / (1 + ratio)
        rows = [
            part.scores(vectors, spread)
            if isinstance(part, Compound)
            else spread.probabilities(vectors, part)
            for part in self.parts
        ]
        match self.operator:
            case "both":
                return np.prod(rows, axis=0)
            case "either":
                return np.max(rows, axis=0)
            case _:
                return rows[0] * (1 - rows[1])

    def points(self, sign: int = 1) -> Iterator[tuple[np.ndarray, int]]:
        """The unit points (d,) in it, and whether each attracts (1) or repels (-1)."""
        for i, part in enumerate(self.parts):
            repels = (self.operator, i) in (("butnot", 1), ("mul", 0))
            own = -sign if repels else sign
            if isinstance(part, Compound):
                yield from part.points(own)
            else:
                yield part, own

    def direction(self, spread: Spread) -> np.ndarray:
        """The direction (d,) of its points' sum over their spreads; what repels is negative."""
        from zcalc.algebra import unit

        scaled = [sign * point / spread.moments(point)[1] for point, sign in self.points()]
        total = np.sum(scaled, axis=0)
        if np.linalg.norm(total) < _LEAST_SPREAD:
            total = next(point for point, sign in self.points() if sign > 0)
        return unit(total).astype(np.float32)


@dataclass(frozen=True, eq=False)
class PictureVectors:
    """A set of pictures: unit vectors (n, d) under one operand of the expression."""

    vectors: np.ndarray
    index: int


def compound(operator: str, values: Iterable[Any]) -> Compound:
    """A query of unit points (d,), queries and sets; all pictures of a set are parts of it.

    Raises ZcalcError for more than 256 parts.
    """
    parts: list[Part] = []
    for value in values:
        if not isinstance(value, PictureVectors):
            parts.append(value)
        elif operator == "butnot":
            parts.append(Compound("either", tuple(value.vectors)))
        else:
            parts += list(value.vectors)
    query = Compound(operator, tuple(parts))
    count = sum(1 for _ in query.points())
    if count > MOST:
        message = f"A query of {count:,} pictures and texts is too large; the limit is {MOST}"
        raise ZcalcError(message, 'Take the mean of a set: both(mean(imgs("trips/*")), "snow").')
    return query
