"""Concept axes: where things lie along two differences, such as "day" - "night"."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.geometry.analogy import angle
from zcalc.geometry.checks import directions_of
from zcalc.geometry.shown import Shown, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class ConceptAxes(Shown):
    """Things on two concept axes: `places` (n, 2) are their cosines with the axes' directions.

    `angle` is that between the axes, in degrees: at 90 they say different things.
    """

    axes: tuple[str, str]
    names: tuple[str, ...]
    places: np.ndarray
    angle: float
    paths: tuple[Path | None, ...] = ()

    def plot(self) -> "Figure":
        """The things as thumbnails or dots over the two axes; dashed is their mean."""
        from zcalc.geometry.draw_maps import draw_axes

        return draw_axes(self)

    def ends(self, count: int = 3) -> dict[str, tuple[list[str], list[str]]]:
        """The `count` things at the low and the high end of each axis, outermost first."""
        order = np.argsort(self.places, axis=0, kind="stable")  # (n, 2)
        return {
            axis: (
                [self.names[i] for i in order[:count, j]],
                [self.names[i] for i in order[::-1][:count, j]],
            )
            for j, axis in enumerate(self.axes)
        }

    def table(self) -> Table:
        """What lies at the ends of each axis."""
        rows = [
            (axis, ", ".join(low), ", ".join(high)) for axis, (low, high) in self.ends().items()
        ]
        head = (f"axes ({self.angle:.0f}° apart)", "least", "most")
        return head, rows

    def data(self) -> dict[str, Any]:
        """Where everything lies."""
        points = zip(self.names, self.places.round(4).tolist(), strict=True)
        return {
            "axes": list(self.axes),
            "angle": round(self.angle, 2),
            "points": [{"name": name, "x": x, "y": y} for name, (x, y) in points],
        }


def along(points: np.ndarray, *axes: np.ndarray) -> np.ndarray:
    """The cosines (n, m) of points (n, d) with the directions of m axes (d,).

    An axis is a difference of two embeddings; 0 is no more the one than the other. Source: Grand
    et al. 2022, "Semantic projection recovers rich human knowledge of multiple object features
    from word embeddings". Raises ZcalcError for an axis of length 0.

    >>> along(np.array([[3.0, 4.0]]), np.array([2.0, 0.0]), np.array([0.0, 1.0])).tolist()
    [[0.6, 0.8]]
    """
    return directions_of(points) @ directions_of(np.stack(axes), what="axes").T


def concept_axes(
    axes: tuple[str, str],
    directions: tuple[np.ndarray, np.ndarray],
    names: Sequence[str],
    points: np.ndarray,
    paths: Sequence[Path | None] = (),
) -> ConceptAxes:
    """Put named points (n, d) on two named axes with these directions, two (d,)."""
    places = along(points, *directions)
    return ConceptAxes(axes, tuple(names), places, angle(*directions), tuple(paths))
