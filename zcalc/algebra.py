"""What +, − and numbers do to embeddings: one tree and its operands' vectors to one vector."""

import math
from collections.abc import Mapping

import numpy as np

from zcalc.errors import ZcalcError
from zcalc.language import Image, Inverse, Neg, Node, Number, Product, Sum, Text

CANCELLED = 1e-6  # a norm below this share of what was added up is rounding noise
Vectors = Mapping[Image | Text, np.ndarray]


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scale vectors (…, d) to length 1; a vector of zeros stays one.

    >>> unit(np.array([3.0, 4.0])).tolist()
    [0.6, 0.8]
    """
    largest = np.abs(vectors).max(axis=-1, keepdims=True)  # (…, 1): squares must not overflow
    scaled = vectors / np.where(largest > 0, largest, 1)
    norms = np.linalg.norm(scaled, axis=-1, keepdims=True)  # (…, 1)
    return scaled / np.where(norms > 0, norms, 1)


def evaluate(node: Node, vectors: Vectors) -> np.ndarray | float:
    """Compute an expression: an embedding (d,) float64, or a number.

    `vectors` has one (d,) for each picture and text of the tree.

    >>> tea, cup = Text("tea"), Text("cup")
    >>> evaluate(Sum((tea, Neg(cup))), {tea: np.array([1.0, 0.0]), cup: np.array([0.0, 1.0])})
    array([ 1., -1.])
    """
    match node:
        case Image() | Text():
            return np.asarray(vectors[node], dtype=np.float64)  # (d,)
        case Number(value):
            return value
        case Neg(operand):
            return -evaluate(operand, vectors)
        case Inverse(operand):
            return 1 / evaluate(operand, vectors)
        case Sum(terms):
            return sum(evaluate(term, vectors) for term in terms)
        case Product(factors):
            return math.prod(evaluate(factor, vectors) for factor in factors)


def point(node: Node, vectors: Vectors) -> tuple[np.ndarray, float]:
    """Compute an expression's direction (d,) float32, of length 1, and its norm before that.

    Raises ZcalcError where the operands cancel out, so that no direction is left.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.asarray(evaluate(node, vectors))  # (d,)
        added = _size(node, {key: _norm(vector) for key, vector in vectors.items()})
        norm = _norm(total)
    if not (math.isfinite(norm) and math.isfinite(added)):
        raise ZcalcError("The expression's numbers are too large.", "Make them smaller.")
    if norm <= CANCELLED * added:
        raise ZcalcError(
            "The expression cancels out: nothing is left of it, so it has no direction.",
            "Change an operand or its weight, so that what is added is not all taken away.",
        )
    return unit(total).astype(np.float32), norm


def _norm(vector: np.ndarray) -> float:
    """The length of a vector (d,), also where its square would overflow."""
    largest = float(np.abs(vector).max())
    return float(np.linalg.norm(vector / largest) * largest) if largest > 0 else 0.0


def _size(node: Node, norms: Mapping[Image | Text, float]) -> float:
    """The length an expression would have if all its operands pointed the same way."""
    match node:
        case Image() | Text():
            return norms[node]
        case Number(value):
            return value
        case Neg(operand):
            return _size(operand, norms)
        case Inverse(operand):
            return 1 / abs(float(evaluate(operand, {})))
        case Sum(terms):
            return sum(_size(term, norms) for term in terms)
        case Product(factors):
            return math.prod(_size(factor, norms) for factor in factors)
