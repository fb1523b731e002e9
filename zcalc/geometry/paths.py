"""The way from one point to another, straight and along the arc, and what is met on it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc import algebra
from zcalc.geometry.checks import directions_of, points_of
from zcalc.geometry.shown import Shown, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Names:
    """Things that can be met: their names, unit vectors (m, d), and files where they are pictures.

    `vectors` are looked up by cosine.
    """

    texts: Sequence[str]
    vectors: np.ndarray = field(repr=False)
    paths: Sequence[File | None] = ()


@dataclass(frozen=True, eq=False)
class Way:
    """One way from a to b, in s steps: "lerp", the straight line, or "slerp", the arc.

    `angles` (s,) are degrees from a, `lengths` (s,) those of the points before they are brought to
    length 1. `words` and `pictures` are what is nearest at each step, name and cosine.
    """

    kind: str
    angles: np.ndarray
    lengths: np.ndarray
    words: tuple[tuple[str, float], ...] = ()
    pictures: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Path(Shown):
    """The ways from one thing to another at the shares `t` (s,), from 0 to 1.

    `curves` has the cosine (s,) of each word and picture that is met, along the arc.
    """

    names: tuple[str, str]
    t: np.ndarray
    ways: dict[str, Way]
    curves: dict[str, np.ndarray]
    paths: dict[str, File]

    def plot(self) -> "Figure":
        """The cosines along the arc, the pictures met, and the two ways' angles and lengths."""
        from zcalc.geometry.draw_paths import draw_path

        return draw_path(self)

    def table(self) -> Table:
        """What is met at each step of either way."""
        ways = list(self.ways.values())
        rows = []
        for i, t in enumerate(self.t):
            met = [(f"{w.angles[i]:.0f}°", *(m[i][0] for m in _met(w))) for w in ways]
            rows.append((f"{t:.2f}", *(cell for one in met for cell in one)))
        heads = [(f"{w.kind}: angle", *("word", "picture")[: len(_met(w))]) for w in ways]
        return ("t", *(cell for one in heads for cell in one)), rows

    def data(self) -> dict[str, Any]:
        """What is met at each step of either way."""
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


def _met(way: Way) -> list[tuple[tuple[str, float], ...]]:
    return [met for met in (way.words, way.pictures) if met]


def lerp_path(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The points (s, d) at `t` (s,) of the straight line between directions a and b (d,)."""
    first, last = directions_of(np.stack([a, b]))
    return np.stack([algebra.lerp(first, last, float(share)) for share in t])


def slerp_path(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The points (s, d) at `t` (s,) of the arc between directions a and b (d,), at length 1.

    Source: Shoemake 1985. Raises ZcalcError for opposite directions.
    """
    first, last = directions_of(np.stack([a, b]))
    return np.stack([algebra.slerp(first, last, float(share)) for share in t])


def met(points: np.ndarray, among: Names) -> tuple[tuple[str, float], ...]:
    """What is nearest to each of points (s, d) among names, with the cosine."""
    cosines = directions_of(points) @ points_of(among.vectors).T  # (s, m)
    best = cosines.argmax(axis=1)
    return tuple((among.texts[i], float(row[i])) for i, row in zip(best, cosines, strict=True))


def path(  # noqa: PLR0913
    names: tuple[str, str],
    a: np.ndarray,
    b: np.ndarray,
    words: Names | None = None,
    pictures: Names | None = None,
    *,
    steps: int = 11,
) -> Path:
    """Go from direction a (d,) to b (d,) in `steps` (at least 2), straight and along the arc.

    At length 1 both go through the same points, at other speeds: the straight line is fastest in
    the middle, where it runs nearest to the origin.
    """
    t = np.linspace(0, 1, max(2, steps))
    ways, curves, files = {}, {}, {}
    for kind, made in (("lerp", lerp_path), ("slerp", slerp_path)):
        points = made(a, b, t)  # (s, d)
        start = np.tile(points[0], (len(t), 1))
        kinds = [met(points, one) if one and len(one.texts) else () for one in (words, pictures)]
        ways[kind] = Way(kind, _angles(start, points), np.linalg.norm(points, axis=1), *kinds)
    for one in (words, pictures):
        for name in dict.fromkeys(name for name, _ in met(points, one)) if one else ():
            row = list(one.texts).index(name) if one else 0
            curves[name] = points @ np.asarray(one.vectors)[row] if one else points[:, 0]
            file = one.paths[row] if one and one.paths else None
            if file is not None:
                files[name] = file
    return Path(names, t, ways, curves, files)


def _angles(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The angles (s,) in degrees between rows (s, d) and others (s, d)."""
    first, second = algebra.unit(a), algebra.unit(b)
    apart = np.linalg.norm(first - second, axis=1)
    return np.degrees(2 * np.arctan2(apart, np.linalg.norm(first + second, axis=1)))
