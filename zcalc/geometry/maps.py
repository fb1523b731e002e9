"""Maps: points in two dimensions, by PCA or UMAP, with the arithmetic as arrows."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc import hooks
from zcalc.errors import ZcalcError, require
from zcalc.geometry.base import Measure, NamedVectors, Table
from zcalc.geometry.checks import as_directions, as_points, require_spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = ("pca", "umap")


@dataclass(frozen=True)
class TermSum:
    """An expression to draw as a chain of arrows from the origin.

    `parts` (m, d) are its terms, weight times operand; `signs` (m,) are "+" or "−"; `end` is the
    row of the normalised result among the map's points.
    """

    name: str
    parts: np.ndarray
    signs: tuple[str, ...]
    end: int


@dataclass(frozen=True, eq=False)
class ArrowChain:
    """An expression on the map: `places` (m + 1, 2), joined by m arrows with `signs`.

    A dotted line connects the last place with the result, the point in row `end`.
    """

    name: str
    places: np.ndarray
    signs: tuple[str, ...]
    end: int


@dataclass(frozen=True, eq=False)
class Map(Measure):
    """Named points in two dimensions, `places` (n, 2), and expressions as chains of arrows.

    `share` is the fraction of variance explained (None for UMAP, which preserves neighbourhoods,
    not distances). Names that start with ★ are results.
    """

    names: tuple[str, ...]
    places: np.ndarray
    share: float | None
    method: str
    chains: tuple[ArrowChain, ...] = ()
    paths: tuple[Path | None, ...] = ()

    def plot(self, interactive: bool = False) -> "Figure | Any":
        """Draw the map as a figure, or as a zoomable jupyter-scatter widget if `interactive`."""
        return hooks.draw(self, interactive=interactive)

    def table(self) -> Table:
        """Return the position of every point."""
        points = zip(self.names, self.places.tolist(), strict=True)
        method = "UMAP" if self.share is None else f"{self.share:.1%} of the variance"
        return (f"map ({method})", "x", "y"), [(name, x, y) for name, (x, y) in points]

    def data(self) -> dict[str, Any]:
        """Return the position of every point, the share of variance, and the method."""
        points = zip(self.names, self.places.round(4).tolist(), strict=True)
        return {
            "points": [{"name": name, "x": x, "y": y} for name, (x, y) in points],
            "variance": None if self.share is None else round(self.share, 4),
            "method": self.method,
        }


def principal(points: np.ndarray, count: int = 2) -> tuple[np.ndarray, np.ndarray, float]:
    """Compute the mean (d,), the first principal axes (d, count), and their share of variance.

    Each axis is oriented toward its farthest point, so the same points give the same map.
    Source: Pearson 1901. Raises ZcalcError for fewer than two points (n, d), and where all are
    identical.
    """
    rows = require_spread(as_points(points, 2))
    mean = rows.mean(axis=0)
    centred = rows - mean  # (n, d)
    _, lengths, axes = np.linalg.svd(np.linalg.qr(centred, mode="r"), full_matrices=False)
    first = axes[:count].T * (lengths[:count] > 1e-9 * lengths[0])  # (d, <= count)
    flat = centred @ first
    farthest = flat[np.abs(flat).argmax(axis=0), range(flat.shape[1])]
    oriented = first * np.where(farthest < 0, -1, 1)
    padded = np.pad(oriented, ((0, 0), (0, count - oriented.shape[1])))  # (d, count)
    return mean, padded, float((lengths[:count] ** 2).sum() / (lengths**2).sum())


def plane(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Project points (n, d) on their two principal axes: (n, 2), and the share of variance.

    Collinear points have 0 as their second coordinate. Raises ZcalcError as `principal` does.

    >>> np.abs(plane(np.array([[0.0, 0.0], [0.0, 0.0], [3.0, 6.0]]))[0]).round(3).tolist()
    [[2.236, 0.0], [2.236, 0.0], [4.472, 0.0]]
    """
    mean, axes, share = principal(points)
    return (as_points(points) - mean) @ axes, share


def umap(points: np.ndarray, neighbours: int = 15, seed: int = 0) -> np.ndarray:
    """Embed points (n, d) in two dimensions by UMAP with the cosine metric, (n, 2).

    Source: McInnes, Healy, Melville 2018, "UMAP: uniform manifold approximation and projection".
    Raises ZcalcError where umap-learn is not installed, and for fewer than five points.
    """
    rows = require_spread(as_directions(points, 5))
    umap_learn = require("umap", "geometry", "A UMAP map")
    reducer = umap_learn.UMAP(
        n_neighbors=min(neighbours, len(rows) - 1),
        init=plane(rows)[0],
        metric="cosine",
        random_state=seed,
        n_jobs=1,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(reducer.fit_transform(rows), dtype=np.float64)


def map_of(points: NamedVectors, sums: Sequence[TermSum] = (), method: str = "pca") -> Map:
    """Map named points (n, d), L2-normalised, with the arithmetic of `sums`.

    PCA is linear, so its arrows are the terms themselves, head to tail. UMAP is not: its arrows
    connect the places of the partial sums.
    """
    if method not in METHODS:
        raise ZcalcError(f"Unknown map method {method!r}.", f"Use {' or '.join(METHODS)}.")
    rows = as_directions(points.vectors)
    if len(rows) < 2:
        message = "A map needs at least two different points, got only one."
        raise ZcalcError(message, "Add another picture or text.")
    partial = [np.vstack([0 * s.parts[:1], s.parts.cumsum(axis=0)]) for s in sums]  # (m + 1, d)
    if method == "umap":
        partial = [rows[1:] for rows in partial]  # the zero vector has no direction
        flat = umap(np.vstack([rows, *partial]))
        places, *corners = np.split(flat, np.cumsum([len(rows), *map(len, partial)])[:-1])
        share = None
    else:
        mean, axes, share = principal(rows)
        places = (rows - mean) @ axes
        corners = [(sums - mean) @ axes for sums in partial]
    chains = (
        ArrowChain(s.name, chain, s.signs[-(len(chain) - 1) :] if len(chain) > 1 else (), s.end)
        for s, chain in zip(sums, corners, strict=True)
    )
    return Map(tuple(points.names), places, share, method, tuple(chains), tuple(points.paths))
