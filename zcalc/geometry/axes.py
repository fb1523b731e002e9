"""Concept axes: projections on the direction between two concepts, such as "day" - "night"."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zcalc.geometry.analogy import angle
from zcalc.geometry.base import Measure, NamedVectors, Table
from zcalc.geometry.checks import as_directions


@dataclass(frozen=True, eq=False)
class ConceptAxes(Measure):
    """Points on two concept axes: `places` (n, 2) are their cosines with the axes' directions.

    `angle` is the angle between the axes in degrees: at 90 they are independent.
    """

    axes: tuple[str, str]
    names: tuple[str, ...]
    places: np.ndarray
    angle: float
    paths: tuple[Path | None, ...] = ()

    def ends(self, count: int = 3) -> dict[str, tuple[list[str], list[str]]]:
        """Return the `count` lowest and highest points of each axis, the most extreme first."""
        order = np.argsort(self.places, axis=0, kind="stable")  # (n, 2)
        return {
            axis: (
                [self.names[i] for i in order[:count, j]],
                [self.names[i] for i in order[::-1][:count, j]],
            )
            for j, axis in enumerate(self.axes)
        }

    def table(self) -> Table:
        """Return the lowest and highest points of each axis."""
        rows = [
            (axis, ", ".join(low), ", ".join(high)) for axis, (low, high) in self.ends().items()
        ]
        return (f"axes ({self.angle:.0f}° apart)", "lowest", "highest"), rows

    def data(self) -> dict[str, Any]:
        """Return the axes, their angle, and the position of every point."""
        points = zip(self.names, self.places.round(4).tolist(), strict=True)
        return {
            "axes": list(self.axes),
            "angle": round(self.angle, 2),
            "points": [{"name": name, "x": x, "y": y} for name, (x, y) in points],
        }


def along(points: np.ndarray, *axes: np.ndarray) -> np.ndarray:
    """Compute the cosines (n, m) of points (n, d) with the directions of m axes (d,).

    An axis is the difference of two embeddings; at 0 a point leans toward neither. Source: Grand
    et al. 2022, "Semantic projection recovers rich human knowledge of multiple object features
    from word embeddings". Raises ZcalcError for an axis of length 0.

    >>> along(np.array([[3.0, 4.0]]), np.array([2.0, 0.0]), np.array([0.0, 1.0])).tolist()
    [[0.6, 0.8]]
    """
    return as_directions(points) @ as_directions(np.stack(axes), what="axes").T


def concept_axes(
    axes: tuple[str, str], directions: tuple[np.ndarray, np.ndarray], points: NamedVectors
) -> ConceptAxes:
    """Project named points (n, d) on two named axes with these directions, two (d,)."""
    places = along(points.vectors, *directions)
    return ConceptAxes(axes, tuple(points.names), places, angle(*directions), tuple(points.paths))
