"""Hubs: the few that are near to many; and whitening, which makes them fewer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.errors import ZcalcError
from zcalc.geometry.checks import directions_of, points_of, vary
from zcalc.geometry.shown import Shown, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BATCH = 1024
_RANK = 1e-10  # variance, against the largest, below which an axis is rounding noise


@dataclass(frozen=True, eq=False)
class Hubs(Shown):
    """How often each of n things is among the `k` nearest of the others (its k-occurrence N_k).

    `counts` (n,) sum up to k times the number of those that ask; `whitened` (n,) are the counts
    after whitening.
    """

    names: tuple[str, ...]
    k: int
    counts: np.ndarray
    whitened: np.ndarray
    of: str = "things"

    @property
    def skewness(self) -> float:
        """The skewness of N_k: 0 for a symmetric spread, large where there are hubs."""
        return skewness(self.counts)

    @property
    def skewness_whitened(self) -> float:
        """The skewness of N_k after whitening."""
        return skewness(self.whitened)

    def largest(self, count: int = 10) -> list[tuple[str, int, int]]:
        """The greatest hubs: name, N_k, and N_k after whitening."""
        best = np.argsort(-self.counts, kind="stable")[:count]
        return [(self.names[i], int(self.counts[i]), int(self.whitened[i])) for i in best]

    def plot(self) -> "Figure":
        """How the counts are spread before and after whitening, and the greatest hubs."""
        from zcalc.geometry.draw_measures import draw_hubs

        return draw_hubs(self)

    def table(self) -> Table:
        """The skewness, the share that is never near, and the greatest hubs."""
        never = [float((counts == 0).mean()) for counts in (self.counts, self.whitened)]
        rows: list[tuple[Any, ...]] = [
            ("skewness", self.skewness, self.skewness_whitened),
            ("share that is never among them", *never),
        ]
        return (f"N_{self.k} of {len(self.counts)} {self.of}", "as it is", "whitened"), [
            *rows,
            *self.largest(),
        ]

    def data(self) -> dict[str, Any]:
        """The skewness and the greatest hubs."""
        skew = {"before": round(self.skewness, 4), "whitened": round(self.skewness_whitened, 4)}
        return {"k": self.k, "skewness": skew, "hubs": self.largest()}


def k_occurrence(points: np.ndarray, k: int = 10, queries: np.ndarray | None = None) -> np.ndarray:
    """How often each of points (n, d) is among the k nearest by cosine, (n,) whole numbers.

    Those that ask are `queries` (q, d), or the points themselves, each of the others.
    Source: Radovanović, Nanopoulos, Ivanović 2010, "Hubs in space: popular nearest neighbors in
    high-dimensional data". Raises ZcalcError where there are no more than k points.
    """
    rows = directions_of(points, what="points").astype(np.float32)
    if not 1 <= k < len(rows):
        message = f"{k} nearest of {len(rows)} points can't be looked for."
        raise ZcalcError(message, "k is at least 1 and below the number of points.")
    asking = rows if queries is None else directions_of(queries, what="queries").astype(np.float32)
    counts = np.zeros(len(rows), dtype=np.int64)  # (n,)
    for start in range(0, len(asking), _BATCH):
        near = asking[start : start + _BATCH] @ rows.T  # (b, n)
        if queries is None:
            own = np.arange(len(near))
            near[own, start + own] = -np.inf
        best = np.argpartition(-near, k - 1, axis=1)[:, :k]  # (b, k)
        counts += np.bincount(best.ravel(), minlength=len(rows))
    return counts


def skewness(values: np.ndarray) -> float:
    """The third standardised moment of values (n,): E[(x − μ)³] / σ³.

    >>> skewness(np.array([1, 2, 3])), round(skewness(np.array([0, 0, 0, 4])), 2)
    (0.0, 1.15)
    """
    off = np.asarray(values, dtype=np.float64) - np.mean(values)
    deviation = float(np.sqrt((off**2).mean()))
    return float((off**3).mean()) / deviation**3 if deviation else 0.0


def whiten(points: np.ndarray, others: np.ndarray | None = None) -> np.ndarray:
    """Points (n, d) as coordinates (n, r) that are uncorrelated, each of variance 1.

    r is the rank of the points. `others` (m, d) are taken through the same map, (m, r), less their
    own mean, as pictures beside texts. Source: Kessy, Lewin, Strimmer 2018, "Optimal whitening and
    decorrelation", PCA whitening; on sentence vectors Su et al. 2021, "Whitening sentence
    representations". Raises ZcalcError where all points are the same.
    """
    rows = vary(points_of(points, 2))
    spread = rows - rows.mean(axis=0)
    variances, axes = np.linalg.eigh(spread.T @ spread / (len(rows) - 1))  # (d,), (d, d)
    kept = variances > _RANK * variances[-1]
    scale = axes[:, kept] / np.sqrt(variances[kept])  # (d, r)
    if others is None:
        return spread @ scale
    more = points_of(others)
    return (more - more.mean(axis=0)) @ scale


def hubness(
    names: Sequence[str],
    points: np.ndarray,
    k: int = 10,
    queries: np.ndarray | None = None,
    of: str = "things",
) -> Hubs:
    """The hubs among named points (n, d), as they are and after whitening.

    Those that ask are `queries` (q, d), or the points themselves.
    """
    rows = directions_of(points, 2, of)
    asking = None if queries is None else directions_of(queries, 2, "queries")
    after = None if asking is None else whiten(rows, asking)
    whitened = k_occurrence(whiten(rows), k, after)
    return Hubs(tuple(names), k, k_occurrence(rows, k, asking), whitened, of)
