"""The parallelogram test of an analogy, and two ways to rank its answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zcalc.errors import ZcalcError
from zcalc.geometry.base import Measure, Table
from zcalc.geometry.checks import as_directions

_EPSILON = 0.001  # Levy and Goldberg's; avoids division by zero
Answers = tuple[tuple[str, float], ...]  # names and scores, best first


@dataclass(frozen=True, eq=False)
class Analogy(Measure):
    """A test of the analogy "`a` is to `b` as `c` is to `d`".

    `angle` is the angle between b − a and d − c in degrees (0: a parallelogram, 90: unrelated),
    `lengths` their lengths, `corners` (4, d) the unit vectors. `answers` maps "3CosAdd" and
    "3CosMul" to their best answers, `ranks` to the rank of `d` among all candidates, from 1.
    """

    names: tuple[str, str, str, str]
    corners: np.ndarray
    angle: float
    lengths: tuple[float, float]
    answers: dict[str, Answers]
    ranks: dict[str, int]

    def table(self) -> Table:
        """Return the angle, the lengths, and the ranks of the answer."""
        a, b, c, d = self.names
        rows: list[tuple[Any, ...]] = [
            ("angle between the differences", f"{self.angle:.1f}°"),
            (f"length of {b} − {a}", self.lengths[0]),
            (f"length of {d} − {c}", self.lengths[1]),
        ]
        for method, rank in self.ranks.items():
            best = self.answers[method][0][0]
            rows.append((f"{method}: rank of {d} (best: {best})", rank))
        return (f"{a} : {b} = {c} : {d}", ""), rows

    def data(self) -> dict[str, Any]:
        """Return the angle, the lengths, the ranks, and the names of the best answers."""
        best = {method: [name for name, _ in top] for method, top in self.answers.items()}
        return {
            "names": list(self.names),
            "angle": round(self.angle, 2),
            "ranks": self.ranks,
            "lengths": [round(x, 4) for x in self.lengths],
            "answers": best,
        }


def angle(a: np.ndarray, b: np.ndarray) -> float:
    """Compute the angle between two vectors (d,) in degrees, accurate near 0° and 180° too.

    Source: Kahan 2006, "How futile are mindless assessments of roundoff", section 12.

    >>> round(angle(np.array([1.0, 0.0]), np.array([1.0, 1.0])), 9)
    45.0
    """
    first, second = as_directions(np.stack([a, b]), what="vectors")
    halves = np.linalg.norm(first - second), np.linalg.norm(first + second)
    return float(np.degrees(2 * np.arctan2(*halves)))


def parallelogram(corners: np.ndarray) -> tuple[float, tuple[float, float]]:
    """Compute the angle in degrees between b − a and d − c, and their lengths.

    The corners (4, d) are L2-normalised first. Source: Rumelhart, Abrahamson 1973, "A model for
    analogical reasoning"; for word vectors Mikolov, Yih, Zweig 2013. Raises ZcalcError where a
    equals b or c equals d.
    """
    a, b, c, d = as_directions(corners, 4, "corners")
    first, second = b - a, d - c
    lengths = float(np.linalg.norm(first)), float(np.linalg.norm(second))
    if min(lengths) < 1e-9:
        message = "Two corners of the analogy are identical, so their difference is zero."
        raise ZcalcError(message, "Choose an analogy where a differs from b and c from d.")
    return angle(first, second), lengths


def cos_add(candidates: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Compute 3CosAdd scores (m,), cos(x, b) − cos(x, a) + cos(x, c), of candidates (m, d).

    They rank candidates as the cosine with b − a + c does. Source: Levy, Goldberg 2014,
    "Linguistic regularities in sparse and explicit word representations", equation 3.
    """
    near = _cosines(candidates, a, b, c)  # (m, 3)
    return near[:, 1] - near[:, 0] + near[:, 2]


def cos_mul(candidates: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Compute 3CosMul scores (m,) of candidates (m, d).

    cos'(x, b) cos'(x, c) / (cos'(x, a) + 0.001), where cos' = (cos + 1) / 2. Unlike in a sum, a
    single large cosine does not dominate. Source: Levy, Goldberg 2014, equation 4, with their
    shift of cosines to [0, 1].
    """
    near = (_cosines(candidates, a, b, c) + 1) / 2  # (m, 3)
    return near[:, 1] * near[:, 2] / (near[:, 0] + _EPSILON)


def _cosines(candidates: np.ndarray, *others: np.ndarray) -> np.ndarray:
    rows = as_directions(candidates, what="candidates")
    return rows @ as_directions(np.stack(others)).T


def analogy(  # noqa: PLR0913
    names: tuple[str, str, str, str],
    corners: np.ndarray,
    candidates: np.ndarray,
    labels: Sequence[str],
    *,
    exclude: Sequence[int] = (),
    answer: int | None = None,
    k: int = 5,
) -> Analogy:
    """Test an analogy of corners (4, d) against candidates (m, d) with their `labels` (m,).

    `exclude` are rows that can't be the answer, such as a, b and c; `answer` is the row of the
    right one. Without it, `d` itself is added to the candidates.
    """
    side_angle, lengths = parallelogram(corners)
    rows, labels = as_directions(candidates, 1, "candidates"), list(labels)
    if answer is None:
        rows, labels = np.vstack([rows, as_directions(corners[3:])]), [*labels, names[3]]
        answer = len(rows) - 1
    allowed = np.ones(len(rows), bool)
    allowed[[row for row in exclude if row != answer]] = False
    answers, ranks = {}, {}
    for method, score in (("3CosAdd", cos_add), ("3CosMul", cos_mul)):
        scores = np.where(allowed, score(rows, *corners[:3]), -np.inf)  # (m,)
        best = np.argsort(-scores, kind="stable")[: min(k, int(allowed.sum()))]
        answers[method] = tuple((labels[i], float(scores[i])) for i in best)
        ranks[method] = int((scores > scores[answer]).sum()) + 1
    return Analogy(names, as_directions(corners), side_angle, lengths, answers, ranks)
