"""Embeddings as linear combinations of the operands of an expression."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from zcalc import algebra
from zcalc.errors import ZcalcError


@dataclass(frozen=True, slots=True, eq=False)
class Combination:
    """An embedding (d,) as a linear combination of the operands, with their weights (n,).

    `size` is the norm it would have if all its terms pointed in the same direction.
    """

    vector: np.ndarray
    weights: np.ndarray
    size: float
    __array_ufunc__: ClassVar[None] = None  # numpy scalars defer to __rmul__

    def __add__(self, other: "Combination") -> "Combination":
        return Combination(
            self.vector + other.vector, self.weights + other.weights, self.size + other.size
        )

    def __mul__(self, scale: float) -> "Combination":
        return Combination(self.vector * scale, self.weights * scale, self.size * abs(scale))

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> "Combination":
        return Combination(self.vector / divisor, self.weights / divisor, self.size / abs(divisor))

    def __sub__(self, other: "Combination") -> "Combination":
        return self + other * -1.0

    def __matmul__(self, other: "Combination") -> float:
        return float(self.vector @ other.vector)


def point(value: object) -> tuple[np.ndarray, float]:
    """Return the direction of an embedding, (d,) float32 of length 1, and its norm.

    Raises ZcalcError if the operands cancel out, leaving no direction.

    >>> point(Combination(np.array([3.0, -4.0]), np.array([1.0, -1.0]), 7.0))
    (array([ 0.6, -0.8], dtype=float32), 5.0)
    """
    assert isinstance(value, Combination), "a number has no direction"
    length = algebra.norm(value)
    if length == 0:
        raise ZcalcError(
            "The expression cancels out to zero, so it has no direction",
            "Change an operand or its weight so that the terms do not cancel.",
        )
    return algebra.unit(value.vector).astype(np.float32), length
