"""What the functions of the language do to embeddings, each with the source of its definition.

An embedding here is a vector (d,), or anything else that can be added, multiplied with a number
and, by `@`, with its own kind, such as `evaluate.Combination`.
"""

import math
from typing import Any

import numpy as np

from zcalc.errors import ZcalcError

V = Any  # an embedding
_PARALLEL = 1e-6  # radians below which an arc is as good as straight


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scale vectors (…, d) to length 1; a vector of zeros stays one.

    >>> unit(np.array([3.0, 4.0])).tolist()
    [0.6, 0.8]
    """
    largest = np.abs(vectors).max(axis=-1, keepdims=True)  # (…, 1): squares must not overflow
    scaled = vectors / np.where(largest > 0, largest, 1)
    norms = np.linalg.norm(scaled, axis=-1, keepdims=True)  # (…, 1)
    return scaled / np.where(norms > 0, norms, 1)


def norm(x: Any) -> float:
    """The Euclidean length of an embedding, also where its square would overflow.

    >>> norm(np.array([0.0, 4e200]))
    4e+200
    """
    vector = getattr(x, "vector", x)  # (d,)
    largest = float(np.abs(vector).max())
    if not 0 < largest < math.inf:
        return largest
    return float(np.linalg.norm(vector / largest)) * largest


def direction(x: V) -> V:
    """An embedding's direction: the same, of length 1. The language calls it `unit`.

    Raises ZcalcError where there is none: for zero, NaN and infinity.
    """
    length = norm(x)
    if not math.isfinite(length):
        raise ZcalcError("This is not finite, so it has no direction", "Make its numbers smaller.")
    if length == 0:
        raise ZcalcError(
            "This cancels out: nothing is left of it, so it has no direction",
            "Change an operand or its weight, so that what is added is not all taken away.",
        )
    scale = 1.0 if 1e-300 < length < 1e300 else length  # one over the length must be finite
    return (x / scale) / (length / scale)


def cos(a: V, b: V) -> float:
    """The cosine of the angle between two embeddings.

    Source: Salton, Wong, Yang 1975, "A vector space model for automatic indexing".
    """
    a, b = direction(a), direction(b)
    cosine = float(a @ b)
    if abs(cosine) < 0.9:
        return cosine
    apart = norm(a - b) if cosine > 0 else norm(a + b)  # exact where they are all but parallel
    return math.copysign(1 - apart * apart / 2, cosine)


def mean(*embeddings: V) -> V:
    """The mean direction, of length 1: every embedding counts by its direction alone.

    Source: Mardia, Jupp 2000, "Directional Statistics", section 9.2.1. Raises ZcalcError where
    the directions cancel out.
    """
    first, *rest = (direction(x) for x in embeddings)
    return direction(_settled(sum(rest, first), len(embeddings)))


def proj(x: V, on: V) -> V:
    """The part of `x` along `on` (Gram–Schmidt): (x·u) u with u the direction of `on`."""
    along = direction(on)
    return float(x @ along) * along


def rej(x: V, off: V) -> V:
    """What is left of `x` without its part along `off`, at a right angle to it.

    Source: Gram–Schmidt; on word vectors Bolukbasi et al. 2016 ("Man is to computer programmer as
    woman is to homemaker?"), who call it neutralising.
    """
    return x - proj(x, off)


def lerp(a: V, b: V, t: float) -> V:
    """The point at `t` of the straight line from `a` (0) to `b` (1): (1 − t) a + t b."""
    return (1 - t) * a + t * b


def slerp(a: V, b: V, t: float) -> V:
    """The direction at `t` of the shorter great arc from `a` (0) to `b` (1), of length 1.

    Source: Shoemake 1985, "Animating rotation with quaternion curves". Opposite directions have
    no one arc between them: ZcalcError.
    """
    a, b = direction(a), direction(b)
    angle = 2 * math.atan2(norm(a - b), norm(a + b))  # Kahan's: exact near 0 and near π
    if math.pi - angle < _PARALLEL:
        raise ZcalcError(
            "These two point in opposite directions, so no arc between them is the shortest",
            "Go by way of a third, or write lerp(a, b, t) for the straight line.",
        )
    if angle < _PARALLEL:
        return direction(lerp(a, b, t))
    return (math.sin((1 - t) * angle) * a + math.sin(t * angle) * b) / math.sin(angle)


def analogy(a: V, b: V, c: V) -> V:
    """What is to `c` as `b` is to `a`: b − a + c.

    Source: Mikolov, Yih, Zweig 2013, "Linguistic regularities in continuous space word
    representations".
    """
    return b - a + c


def center(x: V, mean_of_modality: V) -> V:
    """An embedding without the mean of its modality, pictures or texts.

    Source: Mu, Viswanath 2018, "All-but-the-top"; that pictures and texts each have their own
    mean: Liang et al. 2022, "Mind the gap".
    """
    return x - mean_of_modality


def _settled(x: V, size: float) -> V:
    """Take what is no more than rounding noise, against `size`, as the zero it stands for."""
    return 0.0 * x if norm(x) <= 1e-12 * size else x
