"""What the functions of the language do to embeddings, each with the source of its definition.

An embedding here is a vector (d,), or any type with `+`, `-`, scaling by numbers, and `@` as the
inner product, such as `evaluator.Combination`.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from zcalc.errors import ZcalcError

V = Any  # an embedding
_DEPENDENT = 1e-6  # length of what is left of a direction that others span
_PARALLEL = 1e-6  # radians; a shorter arc counts as a straight line


def unit(vectors: np.ndarray) -> np.ndarray:
    """Scale vectors (…, d) to length 1; zero vectors stay zero.

    >>> unit(np.array([3.0, 4.0])).tolist()
    [0.6, 0.8]
    """
    largest = np.abs(vectors).max(axis=-1, keepdims=True)  # (…, 1); the squares must not overflow
    scaled = vectors / np.where(largest > 0, largest, 1)
    norms = np.linalg.norm(scaled, axis=-1, keepdims=True)  # (…, 1)
    return scaled / np.where(norms > 0, norms, 1)


def captioned(pictures: np.ndarray, captions: np.ndarray, share: float) -> np.ndarray:
    """The points (n, d) of pictures with captions: unit(unit(picture) + share · unit(caption)).

    Each has the length of its picture's embedding, which is 1 unless raw features are added up.

    >>> captioned(np.array([[2.0, 0.0]]), np.array([[0.0, 3.0]]), 0.75).tolist()
    [[1.6, 1.2]]
    """
    lengths = np.linalg.norm(pictures, axis=-1, keepdims=True)  # (n, 1)
    return lengths * unit(unit(pictures) + share * unit(captions))


def norm(x: Any) -> float:
    """The Euclidean norm of an embedding, even if its square would overflow.

    >>> norm(np.array([0.0, 4e200]))
    4e+200
    """
    vector = getattr(x, "vector", x)  # (d,)
    largest = float(np.abs(vector).max())
    if not 0 < largest < math.inf:
        return largest
    return float(np.linalg.norm(vector / largest)) * largest


def direction(x: V) -> V:
    """Scale an embedding to length 1; the language calls this `unit`.

    Raises ZcalcError for zero, NaN and infinity, which have no direction.
    """
    length = norm(x)
    if not math.isfinite(length):
        raise ZcalcError("This is not finite, so it has no direction", "Use smaller numbers.")
    if length == 0:
        raise ZcalcError(
            "This cancels out to zero, so it has no direction",
            "Change an operand or its weight so that the terms do not cancel.",
        )
    scale = 1.0 if 1e-300 < length < 1e300 else length  # 1 / length must be finite
    return (x / scale) / (length / scale)


def cos(a: V, b: V) -> float:
    """The cosine of the angle between two embeddings.

    Source: Salton, Wong, Yang 1975, "A vector space model for automatic indexing".
    """
    a, b = direction(a), direction(b)
    cosine = float(a @ b)
    if abs(cosine) < 0.9:
        return cosine
    chord = norm(a - b) if cosine > 0 else norm(a + b)  # precise for nearly parallel vectors
    return math.copysign(1 - chord * chord / 2, cosine)


@dataclass(frozen=True, eq=False)
class Total:
    """The sum of `count` directions, as one argument of `mean`."""

    sum: V
    count: int


def mean(*embeddings: V | Total) -> V:
    """The mean direction, of length 1; the lengths of the embeddings have no influence.

    Source: Mardia, Jupp 2000, "Directional Statistics", section 9.2.1. Raises ZcalcError if the
    directions cancel out.
    """
    first, *rest = (x.sum if isinstance(x, Total) else direction(x) for x in embeddings)
    count = sum(x.count if isinstance(x, Total) else 1 for x in embeddings)
    return direction(_without_noise(sum(rest, first), count))


def proj(x: V, on: V) -> V:
    """The component of `x` along `on` (Gram–Schmidt): (x·u) u, where u is the direction of `on`."""
    along = direction(on)
    return float(x @ along) * along


def rej(x: V, *off: V) -> V:
    """The component of `x` orthogonal to all embeddings in `off`, so to all that they span.

    Source: Gram–Schmidt; for word vectors Bolukbasi et al. 2016 ("Man is to computer programmer as
    woman is to homemaker?"), who call it neutralizing.
    """
    basis: list[V] = []
    for embedding in off:
        along = direction(embedding)
        for other in basis:
            along = along - proj(along, other)
        if not basis or norm(along) > _DEPENDENT:
            basis.append(direction(along))
    for along in basis:
        x = x - float(x @ along) * along
    return x


def without_span(x: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """The component of `x` (d,) orthogonal to all that vectors (n, d) span.

    The span leaves out directions of less than a millionth of the largest singular value.
    """
    _, values, rows = np.linalg.svd(vectors, full_matrices=False)  # (r,), (r, d)
    basis = rows[values > _DEPENDENT * values[0]]
    return x - basis.T @ (basis @ x)


def edit(x: V, a: V, b: V, by: float = 1.0) -> V:
    """`x` with `a` changed to `b`: unit(x) + by · (unit(b) − unit(a)).

    Source: SIMAT, Couairon et al. 2021 (arXiv 2112.03162), where `by` is λ.
    """
    return direction(x) + by * (direction(b) - direction(a))


def lerp(a: V, b: V, t: float) -> V:
    """The point at `t` on the straight line from `a` (t = 0) to `b` (t = 1): (1 − t) a + t b."""
    return (1 - t) * a + t * b


def slerp(a: V, b: V, t: float) -> V:
    """The direction at `t` on the shorter great arc from `a` (t = 0) to `b` (t = 1), of length 1.

    Source: Shoemake 1985, "Animating rotation with quaternion curves". Raises ZcalcError for
    opposite directions, between which the arc is not unique.
    """
    a, b = direction(a), direction(b)
    angle = 2 * math.atan2(norm(a - b), norm(a + b))  # Kahan's formula: precise near 0 and π
    if math.pi - angle < _PARALLEL:
        raise ZcalcError(
            "These two point in opposite directions, so there is no shortest arc between them",
            "Use lerp(a, b, t) for the straight line, or go through a third embedding.",
        )
    if angle < _PARALLEL:
        return direction(lerp(a, b, t))
    return (math.sin((1 - t) * angle) * a + math.sin(t * angle) * b) / math.sin(angle)


def analogy(a: V, b: V, c: V) -> V:
    """b − a + c: what is to `c` as `b` is to `a`.

    Source: Mikolov, Yih, Zweig 2013, "Linguistic regularities in continuous space word
    representations".
    """
    return b - a + c


def odd_one(points: np.ndarray) -> int:
    """The row of unit points (n, d) with the lowest cosine with their mean.

    Source: gensim's `KeyedVectors.doesnt_match`.

    >>> odd_one(np.array([[1.0, 0.0], [0.8, 0.6], [0.0, -1.0]]))
    2
    """
    return int((points @ points.mean(axis=0)).argmin())


def center(x: V, mean_of_modality: V) -> V:
    """An embedding minus the mean of its modality, pictures or texts.

    Source: Mu, Viswanath 2018, "All-but-the-top"; for a mean per modality, Liang et al. 2022,
    "Mind the gap".
    """
    return x - mean_of_modality


def _without_noise(x: V, size: float) -> V:
    """Round an embedding to zero if it is only rounding noise relative to `size`."""
    return 0.0 * x if norm(x) <= 1e-12 * size else x
