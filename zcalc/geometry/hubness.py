"""Hubness: a few points are near neighbours of many; whitening reduces it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zcalc.errors import ZcalcError
from zcalc.geometry.base import Measure, Table
from zcalc.geometry.checks import as_directions, as_points, require_spread

_BATCH = 1024
_RANK = 1e-10  # variance, relative to the largest, below which an axis is rounding noise


@dataclass(frozen=True, eq=False)
class Hubs(Measure):
    """How often each of n points is among the `k` nearest neighbours of a query: k-occurrence, N_k.

    `counts` (n,) sum to k times the number of queries; `whitened` (n,) are the counts after
    whitening. `of` names the points.
    """

    names: tuple[str, ...]
    k: int
    counts: np.ndarray
    whitened: np.ndarray
    of: str = "points"

    @property
    def skewness(self) -> float:
        """The skewness of N_k: 0 for a symmetric distribution, large where there are hubs."""
        return skewness(self.counts)

    @property
    def skewness_whitened(self) -> float:
        """The skewness of N_k after whitening."""
        return skewness(self.whitened)

    def largest(self, count: int = 10) -> list[tuple[str, int, int]]:
        """Return the largest hubs: name, N_k, and N_k after whitening."""
        best = np.argsort(-self.counts, kind="stable")[:count]
        return [(self.names[i], int(self.counts[i]), int(self.whitened[i])) for i in best]

    def table(self) -> Table:
        """Return the skewness, the share of points with N_k = 0, and the largest hubs."""
        orphans = [float((counts == 0).mean()) for counts in (self.counts, self.whitened)]
        rows: list[tuple[Any, ...]] = [
            ("skewness", self.skewness, self.skewness_whitened),
            (f"share with N_{self.k} = 0", *orphans),
        ]
        headings = (f"N_{self.k} of {len(self.counts)} {self.of}", "original", "whitened")
        return headings, [*rows, *self.largest()]

    def data(self) -> dict[str, Any]:
        """Return the skewness and the largest hubs."""
        skew = {"before": round(self.skewness, 4), "whitened": round(self.skewness_whitened, 4)}
        return {"k": self.k, "skewness": skew, "hubs": self.largest()}


def k_occurrence(points: np.ndarray, k: int = 10, queries: np.ndarray | None = None) -> np.ndarray:
    """Count how often each of points (n, d) is among a query's k nearest by cosine: (n,) int64.

    The queries are `queries` (q, d) or, by default, the points themselves, each without itself as
    a neighbour. Source: Radovanović, Nanopoulos, Ivanović 2010, "Hubs in space: popular nearest
    neighbors in high-dimensional data". Raises ZcalcError for a k outside 1 … n − 1.
    """
    rows = as_directions(points, what="points").astype(np.float32)
    if not 1 <= k < len(rows):
        message = f"k must be between 1 and {len(rows) - 1}, got {k}."
        raise ZcalcError(message, f"There are {len(rows)} points.")
    query_rows = rows
    if queries is not None:
        query_rows = as_directions(queries, what="queries").astype(np.float32)
    counts = np.zeros(len(rows), dtype=np.int64)  # (n,)
    for start in range(0, len(query_rows), _BATCH):
        scores = query_rows[start : start + _BATCH] @ rows.T  # (b, n)
        if queries is None:
            diagonal = np.arange(len(scores))
            scores[diagonal, start + diagonal] = -np.inf
        best = np.argpartition(-scores, k - 1, axis=1)[:, :k]  # (b, k)
        counts += np.bincount(best.ravel(), minlength=len(rows))
    return counts


def skewness(values: np.ndarray) -> float:
    """Compute the third standardized moment of values (n,): E[(x − μ)³] / σ³.

    >>> skewness(np.array([1, 2, 3])), round(skewness(np.array([0, 0, 0, 4])), 2)
    (0.0, 1.15)
    """
    centred = np.asarray(values, dtype=np.float64) - np.mean(values)
    deviation = float(np.sqrt((centred**2).mean()))
    return float((centred**3).mean()) / deviation**3 if deviation else 0.0


def whiten(points: np.ndarray, others: np.ndarray | None = None) -> np.ndarray:
    """Transform points (n, d) to uncorrelated coordinates (n, r) of unit variance.

    r is the rank of the points. With `others` (m, d), such as pictures next to texts, those are
    returned instead, (m, r): transformed by the same map after subtracting their own mean.
    Source: Kessy, Lewin, Strimmer 2018, "Optimal whitening and decorrelation", PCA whitening; on
    sentence vectors Su et al. 2021, "Whitening sentence representations". Raises ZcalcError where
    all points are identical.
    """
    rows = require_spread(as_points(points, 2))
    centred = rows - rows.mean(axis=0)
    variances, axes = np.linalg.eigh(centred.T @ centred / (len(rows) - 1))  # (d,), (d, d)
    significant = variances > _RANK * variances[-1]
    scale = axes[:, significant] / np.sqrt(variances[significant])  # (d, r)
    if others is None:
        return centred @ scale
    other_rows = as_points(others)
    return (other_rows - other_rows.mean(axis=0)) @ scale


def hubness(
    names: Sequence[str],
    points: np.ndarray,
    k: int = 10,
    queries: np.ndarray | None = None,
    of: str = "points",
) -> Hubs:
    """Measure the hubness of named points (n, d) before and after whitening.

    The queries are `queries` (q, d) or, by default, the points themselves.
    """
    rows = as_directions(points, 2, of)
    query_rows = None if queries is None else as_directions(queries, 2, "queries")
    whitened_queries = None if query_rows is None else whiten(rows, query_rows)
    whitened = k_occurrence(whiten(rows), k, whitened_queries)
    return Hubs(tuple(names), k, k_occurrence(rows, k, query_rows), whitened, of)
