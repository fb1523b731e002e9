"""The shape of a space: cosines, the gap between pictures and texts, the cone they lie in."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.algebra import unit
from zcalc.errors import ZcalcError
from zcalc.geometry.checks import directions_of, points_of, spread_rows, vary
from zcalc.geometry.shown import Shown, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Cosines(Shown):
    """The cosines (n, n) of things with one another, from -1 to 1; `paths` are their pictures."""

    names: tuple[str, ...]
    matrix: np.ndarray
    paths: tuple[Path | None, ...] = ()

    def plot(self) -> "Figure":
        """The matrix in colours, with the numbers where there is room."""
        from zcalc.geometry.draw_measures import draw_cosines

        return draw_cosines(self)

    def table(self) -> Table:
        """One row for each thing."""
        rows = [(n, *row) for n, row in zip(self.names, self.matrix.tolist(), strict=True)]
        return ("cosine", *self.names), rows

    def data(self) -> dict[str, Any]:
        """The names and the matrix."""
        return {"names": list(self.names), "cosines": self.matrix.round(4).tolist()}


def cosines(a: np.ndarray, b: np.ndarray | None = None) -> np.ndarray:
    """The cosines (n, m) of directions (n, d) with others (m, d), or with one another.

    Raises ZcalcError for NaN, infinity, and a vector of zeros.

    >>> cosines(np.array([[1.0, 0.0], [3.0, 4.0]])).round(2).tolist()
    [[1.0, 0.6], [0.6, 1.0]]
    """
    first = directions_of(a)
    second = first if b is None else directions_of(b)
    return np.clip(first @ second.T, -1.0, 1.0)


def cosine_matrix(
    names: Sequence[str], vectors: np.ndarray, paths: Sequence[Path | None] = ()
) -> Cosines:
    """The cosines of n named things with one another; at least two."""
    return Cosines(tuple(names), cosines(directions_of(vectors, 2, "things")), tuple(paths))


@dataclass(frozen=True, eq=False)
class Gap(Shown):
    """The gap between pictures and texts.

    `vector` (d,) leads from the mean text to the mean picture, `norm` is its length (0 for no gap,
    at most 2). `before` and `after` hold the cosines of pairs, by kind of pair ("image–image",
    "text–text", "image–text"), as they are and with each modality's mean taken out.
    """

    vector: np.ndarray
    before: dict[str, np.ndarray]
    after: dict[str, np.ndarray]

    @property
    def norm(self) -> float:
        """The length of the gap."""
        return float(np.linalg.norm(self.vector))

    def plot(self) -> "Figure":
        """Histograms of the cosines, before and after centring."""
        from zcalc.geometry.draw_measures import draw_gap

        return draw_gap(self)

    def table(self) -> Table:
        """The mean and standard deviation of each kind of pair."""
        rows: list[tuple[Any, ...]] = [
            (kind, before.mean(), before.std(), after.mean(), after.std())
            for (kind, before), after in zip(self.before.items(), self.after.values(), strict=True)
        ]
        head = ("pairs", "mean cosine", "deviation", "centred: mean", "deviation")
        return head, [*rows, ("length of the gap", self.norm, "", "", "")]

    def data(self) -> dict[str, Any]:
        """The length of the gap, and the mean cosines before and after centring."""
        means = {
            when: {kind: round(float(c.mean()), 4) for kind, c in found.items()}
            for when, found in (("before", self.before), ("after", self.after))
        }
        return {"norm": round(self.norm, 4), **means}


def gap(images: np.ndarray, texts: np.ndarray, most: int = 1000) -> Gap:
    """Measure the gap between pictures (n, d) and texts (m, d), at least two of each.

    Every vector counts at length 1; the gap is the mean picture less the mean text. The cosines are
    those of all pairs of at most `most` of each, evenly spread, no thing with itself.
    Source: Liang et al. 2022, "Mind the gap: understanding the modality gap in multi-modal
    contrastive representation learning", section 2. Raises ZcalcError for too few, and where all
    of one kind are the same.
    """
    pictures, words = directions_of(images, 2, "pictures"), directions_of(texts, 2, "texts")
    for points, what in ((pictures, "pictures"), (words, "texts")):
        vary(points, what)
    vector = pictures.mean(axis=0) - words.mean(axis=0)  # (d,)
    plain = pictures[spread_rows(len(pictures), most)], words[spread_rows(len(words), most)]
    without = (
        unit(plain[0] - pictures.mean(axis=0)),
        unit(plain[1] - words.mean(axis=0)),
    )
    return Gap(vector, _pairs(*plain), _pairs(*without))


def _pairs(images: np.ndarray, texts: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "image–image": _each_pair(images @ images.T),
        "text–text": _each_pair(texts @ texts.T),
        "image–text": (images @ texts.T).ravel(),
    }


def _each_pair(matrix: np.ndarray) -> np.ndarray:
    return matrix[np.triu_indices(len(matrix), 1)]


@dataclass(frozen=True, eq=False)
class Cone(Shown):
    """The cone that directions lie in.

    `mean` (d,) is the mean direction, of length 1, `length` how long the mean was before (1: all
    point the same way), `along` (n,) each one's cosine with it. `anisotropy` is the mean cosine of
    two different ones. `variances` (d,) are those along the principal axes, largest first;
    `dimension` is how many axes of equal variance would spread as they do.
    """

    mean: np.ndarray
    length: float
    along: np.ndarray
    anisotropy: float
    variances: np.ndarray
    of: str = "points"

    @property
    def dimension(self) -> float:
        """The participation ratio of the variances, from 1 to d."""
        return participation(self.variances)

    def plot(self) -> "Figure":
        """How far from the mean direction they lie, and the variance of each axis."""
        from zcalc.geometry.draw_measures import draw_cone

        return draw_cone(self)

    def table(self) -> Table:
        """The cone in four numbers."""
        rows = [
            ("anisotropy (mean cosine of two)", self.anisotropy),
            ("length of the mean", self.length),
            ("mean cosine with the mean direction", float(self.along.mean())),
            (f"effective dimension, of {len(self.variances)}", round(self.dimension, 1)),
        ]
        return (f"cone of {len(self.along)} {self.of}", ""), rows

    def data(self) -> dict[str, Any]:
        """The same numbers."""
        found = {"anisotropy": self.anisotropy, "length": self.length, "dimension": self.dimension}
        return {name: round(value, 4) for name, value in found.items()}


def cone(points: np.ndarray, of: str = "points") -> Cone:
    """Measure the cone of directions (n, d), at least three and not all the same.

    Source: Ethayarajh 2019, "How contextual are contextualized word representations?", for
    anisotropy as a mean cosine. `of` is what the points are called.
    """
    rows = vary(directions_of(points, 3, of), of)
    count, mean = len(rows), rows.mean(axis=0)
    length = float(np.linalg.norm(mean))
    if length < 1e-9:
        raise ZcalcError("The directions cancel out, so they have no mean direction.")
    total = rows.sum(axis=0)
    anisotropy = float((total @ total - count) / (count * (count - 1)))
    spread = rows - mean
    lengths = np.linalg.svd(np.linalg.qr(spread, mode="r"), compute_uv=False)
    variances = np.zeros(rows.shape[1])
    variances[: len(lengths)] = lengths**2 / (count - 1)
    return Cone(mean / length, length, rows @ (mean / length), anisotropy, variances, of)


def participation(variances: np.ndarray) -> float:
    """The participation ratio (Σλ)² / Σλ² of variances (d,): the effective dimension.

    Source: Gao et al. 2017, "A theory of multineuronal dimensionality, dynamics and measurement".

    >>> participation(np.array([1.0, 1.0, 0.0]))
    2.0
    """
    return float(variances.sum() ** 2 / (variances**2).sum())


def centred(points: np.ndarray) -> np.ndarray:
    """Directions (n, d) without their mean, at length 1 again; at least two, not all the same."""
    rows = vary(points_of(directions_of(points, 2), 2))
    return unit(rows - rows.mean(axis=0))
