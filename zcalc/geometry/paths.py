"""Paths between two embeddings, by lerp and slerp, with the nearest entries along the way."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zcalc import algebra
from zcalc.geometry.base import Measure, NamedVectors, Table
from zcalc.geometry.checks import as_directions, as_points

Matches = tuple[tuple[str, float], ...]  # the nearest entry of each step, with its cosine


@dataclass(frozen=True, eq=False)
class Interpolation:
    """The steps (s) from a to b by one `kind`: "lerp" (a straight line) or "slerp" (an arc).

    `angles` (s,) are measured from a in degrees, `lengths` (s,) are norms before normalisation.
    `words` and `pictures` are the nearest entry of each step.
    """

    kind: str
    angles: np.ndarray
    lengths: np.ndarray
    words: Matches = ()
    pictures: Matches = ()


@dataclass(frozen=True, eq=False)
class EmbeddingPath(Measure):
    """The paths from one embedding to another at `t` (s,), from 0 to 1.

    `ways` has "lerp" and "slerp". `curves` maps each nearest word and picture to its cosine (s,)
    along the arc, `paths` pictures to their files.
    """

    names: tuple[str, str]
    t: np.ndarray
    ways: dict[str, Interpolation]
    curves: dict[str, np.ndarray]
    paths: dict[str, Path]

    def table(self) -> Table:
        """Return the angle and the nearest entries at each step of either path."""
        headings = ["t"]
        columns = [[f"{t:.2f}" for t in self.t]]
        for way in self.ways.values():
            headings.append(f"{way.kind}: angle")
            columns.append([f"{angle:.0f}°" for angle in way.angles])
            for heading, matches in (("word", way.words), ("picture", way.pictures)):
                if matches:
                    headings.append(heading)
                    columns.append([name for name, _ in matches])
        return tuple(headings), list(zip(*columns, strict=True))

    def data(self) -> dict[str, Any]:
        """Return the angle and the nearest entries at each step of either path."""
        return {
            "names": list(self.names),
            "t": self.t.round(4).tolist(),
            **{
                way.kind: {
                    "angles": way.angles.round(2).tolist(),
                    "words": [name for name, _ in way.words],
                    "pictures": [name for name, _ in way.pictures],
                }
                for way in self.ways.values()
            },
        }


def lerp_path(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Compute the points (s, d) at `t` (s,) on the line between a and b (d,), L2-normalised."""
    first, last = as_directions(np.stack([a, b]))
    return np.stack([algebra.lerp(first, last, float(share)) for share in t])


def slerp_path(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Compute the unit vectors (s, d) at `t` (s,) on the great-circle arc from a to b (d,).

    Source: Shoemake 1985. Raises ZcalcError for opposite directions.
    """
    first, last = as_directions(np.stack([a, b]))
    return np.stack([algebra.slerp(first, last, float(share)) for share in t])


def nearest(points: np.ndarray, entries: NamedVectors) -> Matches:
    """Find the entry nearest to each of points (s, d), with its cosine."""
    cosines = as_directions(points) @ as_points(entries.vectors).T  # (s, m)
    best = cosines.argmax(axis=1)
    return tuple((entries.names[i], float(row[i])) for i, row in zip(best, cosines, strict=True))


def path(  # noqa: PLR0913
    names: tuple[str, str],
    a: np.ndarray,
    b: np.ndarray,
    words: NamedVectors | None = None,
    pictures: NamedVectors | None = None,
    *,
    steps: int = 11,
) -> EmbeddingPath:
    """Interpolate between directions a and b (d,) in `steps` points (at least 2).

    Once normalised, lerp and slerp pass through the same points at different speeds: lerp is
    fastest half way, where the line is nearest to the origin.
    """
    t = np.linspace(0, 1, max(2, steps))
    groups = [group if group and len(group.names) else None for group in (words, pictures)]
    ways = {}
    for kind, interpolate in (("lerp", lerp_path), ("slerp", slerp_path)):
        points = interpolate(a, b, t)  # (s, d)
        angles = _angles(np.tile(points[0], (len(t), 1)), points)
        matches = [nearest(points, group) if group else () for group in groups]
        ways[kind] = Interpolation(kind, angles, np.linalg.norm(points, axis=1), *matches)
    curves: dict[str, np.ndarray] = {}
    files: dict[str, Path] = {}
    for group in filter(None, groups):
        for name in dict.fromkeys(name for name, _ in nearest(points, group)):  # along the arc
            row = list(group.names).index(name)
            curves[name] = points @ np.asarray(group.vectors)[row]  # (s,)
            file = group.paths[row] if group.paths else None
            if file is not None:
                files[name] = file
    return EmbeddingPath(names, t, ways, curves, files)


def _angles(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Compute the angles (s,) in degrees between rows of a and b, both (s, d)."""
    first, second = algebra.unit(a), algebra.unit(b)
    chords = np.linalg.norm(first - second, axis=1)
    return np.degrees(2 * np.arctan2(chords, np.linalg.norm(first + second, axis=1)))
