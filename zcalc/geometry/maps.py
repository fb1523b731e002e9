"""Maps: points on a plane, by their principal axes or by UMAP, with the arithmetic as arrows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.errors import ZcalcError
from zcalc.geometry.checks import directions_of, points_of, vary
from zcalc.geometry.shown import Shown, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = ("pca", "umap")
_EXTRA = "Install it: pip install 'zcalc[geometry]'"


@dataclass(frozen=True)
class Steps:
    """An expression as a walk: it starts at 0 and goes by `parts` (m, d), weight times operand.

    `signs` (m,) are "+" and "−"; what it comes to, at length 1, is the point number `end`.
    """

    name: str
    parts: np.ndarray
    signs: tuple[str, ...]
    end: int


@dataclass(frozen=True, eq=False)
class Walk:
    """A walk on the map: the places (m + 1, 2) it goes through, the signs (m,), and its end."""

    name: str
    places: np.ndarray
    signs: tuple[str, ...]
    end: int


@dataclass(frozen=True, eq=False)
class Map(Shown):
    """Named points on a plane, `places` (n, 2), and the arithmetic between them, `walks`.

    `share` is how much of the points' variance the plane shows (None for UMAP, which keeps
    neighbourhoods, no distances). Names that begin with ★ are results.
    """

    names: tuple[str, ...]
    places: np.ndarray
    share: float | None
    method: str
    walks: tuple[Walk, ...] = ()
    paths: tuple[Path | None, ...] = ()

    def plot(self, interactive: bool = False) -> "Figure | Any":
        """The map as a figure; `interactive` gives a widget to zoom into (jupyter-scatter)."""
        from zcalc.geometry.draw_maps import draw_map, scatter

        return scatter(self) if interactive else draw_map(self)

    def table(self) -> Table:
        """Where everything lies."""
        points = zip(self.names, self.places.tolist(), strict=True)
        about = "UMAP" if self.share is None else f"{self.share:.1%} of the variance"
        return (f"map ({about})", "x", "y"), [(name, x, y) for name, (x, y) in points]

    def data(self) -> dict[str, Any]:
        """Where everything lies, and the share of variance."""
        points = zip(self.names, self.places.round(4).tolist(), strict=True)
        found = {"points": [{"name": name, "x": x, "y": y} for name, (x, y) in points]}
        share = None if self.share is None else round(self.share, 4)
        return {**found, "variance": share, "method": self.method}


def principal(points: np.ndarray, count: int = 2) -> tuple[np.ndarray, np.ndarray, float]:
    """The mean (d,), the first principal axes (d, count), and their share of the variance.

    Each axis points to the side of its farthest point, so that the same points give the same map.
    Source: Pearson 1901. Raises ZcalcError for fewer than two points (n, d), and where all are
    the same.
    """
    rows = vary(points_of(points, 2))
    mean = rows.mean(axis=0)
    spread = rows - mean  # (n, d)
    _, lengths, axes = np.linalg.svd(np.linalg.qr(spread, mode="r"), full_matrices=False)
    found = axes[:count].T * (lengths[:count] > 1e-9 * lengths[0])  # (d, <= count)
    flat = spread @ found
    farthest = flat[np.abs(flat).argmax(axis=0), range(flat.shape[1])]
    found = np.pad(found * np.where(farthest < 0, -1, 1), ((0, 0), (0, count - found.shape[1])))
    return mean, found, float((lengths[:count] ** 2).sum() / (lengths**2).sum())


def plane(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Points (n, d) on their two principal axes, (n, 2), and the share of their variance there.

    Points on one line have 0 for the second. Raises ZcalcError as `principal` does.

    >>> np.abs(plane(np.array([[0.0, 0.0], [0.0, 0.0], [3.0, 6.0]]))[0]).round(3).tolist()
    [[2.236, 0.0], [2.236, 0.0], [4.472, 0.0]]
    """
    mean, axes, share = principal(points)
    return (points_of(points) - mean) @ axes, share


def umap(points: np.ndarray, neighbours: int = 15, seed: int = 0) -> np.ndarray:
    """Points (n, d) on a plane that keeps neighbourhoods by cosine, (n, 2).

    Source: McInnes, Healy, Melville 2018, "UMAP: uniform manifold approximation and projection".
    Raises ZcalcError where umap-learn is missing, and for fewer than five points.
    """
    rows = vary(directions_of(points, 5))
    try:
        from umap import UMAP
    except ImportError as error:
        raise ZcalcError("A UMAP needs umap-learn, which isn't installed.", _EXTRA) from error
    import warnings

    settings = {"metric": "cosine", "random_state": seed, "n_jobs": 1}
    made = UMAP(n_neighbors=min(neighbours, len(rows) - 1), init=plane(rows)[0], **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(made.fit_transform(rows), dtype=np.float64)


def map_of(
    names: Sequence[str],
    points: np.ndarray,
    steps: Sequence[Steps] = (),
    paths: Sequence[Path | None] = (),
    method: str = "pca",
) -> Map:
    """Draw up the map of named points (n, d), each at length 1, with the arithmetic in `steps`.

    The principal axes show the arithmetic as it is: arrows are the parts, one after the other.
    A UMAP bends it: the arrows lead through the places that it gives the sums on the way.
    """
    if method not in METHODS:
        raise ZcalcError(f"There is no map {method!r}.", f"The methods are {', '.join(METHODS)}.")
    rows = directions_of(points)
    if len(rows) < 2:
        message = "A map needs at least two different points, and there is only one."
        raise ZcalcError(message, "Name more pictures or texts.")
    sums = [np.vstack([0 * one.parts[:1], one.parts.cumsum(axis=0)]) for one in steps]
    if method == "umap":
        sums = [each[1:] for each in sums]  # 0 has no direction
        everything = umap(np.vstack([rows, *sums]))
        pieces = np.split(everything, np.cumsum([len(rows), *map(len, sums)])[:-1])
        places, walked, share = pieces[0], pieces[1:], None
    else:
        mean, axes, share = principal(rows)
        places = (rows - mean) @ axes
        walked = [(each - mean) @ axes for each in sums]
    walks = (
        Walk(one.name, walk, one.signs[-(len(walk) - 1) :] if len(walk) > 1 else (), one.end)
        for one, walk in zip(steps, walked, strict=True)
    )
    return Map(tuple(names), places, share, method, tuple(walks), tuple(paths))
