"""The parallelogram test of an analogy, and two ways to answer one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.errors import ZcalcError
from zcalc.geometry.checks import directions_of
from zcalc.geometry.shown import Shown, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_EPSILON = 0.001  # Levy and Goldberg's, so that nothing is divided by zero
Answers = tuple[tuple[str, float], ...]  # names and scores, best first


@dataclass(frozen=True, eq=False)
class Analogy(Shown):
    """ "`a` is to `b` as `c` is to `d`", tested.

    `angle` is that between b − a and d − c, in degrees (0: a parallelogram's two sides, 90: nothing
    in common), `lengths` their two lengths, `corners` (4, d) the unit vectors. `answers` has the
    best answers by "3CosAdd" and "3CosMul", `ranks` the place of `d` among all, from 1.
    """

    names: tuple[str, str, str, str]
    corners: np.ndarray
    angle: float
    lengths: tuple[float, float]
    answers: dict[str, Answers]
    ranks: dict[str, int]

    def plot(self) -> "Figure":
        """The two differences on their plane, and the best answers each way."""
        from zcalc.geometry.draw_analogy import draw_analogy

        return draw_analogy(self)

    def table(self) -> Table:
        """The angle, the lengths and the ranks of the answer."""
        a, b, c, d = self.names
        rows: list[tuple[Any, ...]] = [
            ("angle between the differences", f"{self.angle:.1f}°"),
            (f"length of {b} − {a}", self.lengths[0]),
            (f"length of {d} − {c}", self.lengths[1]),
        ]
        for way, rank in self.ranks.items():
            best = self.answers[way][0][0]
            rows.append((f"{way}: rank of {d} (best: {best})", rank))
        return (f"{a} : {b} = {c} : {d}", ""), rows

    def data(self) -> dict[str, Any]:
        """The same numbers, with the best answers."""
        found = {"names": list(self.names), "angle": round(self.angle, 2), "ranks": self.ranks}
        best = {way: [name for name, _ in found] for way, found in self.answers.items()}
        return {**found, "lengths": [round(x, 4) for x in self.lengths], "answers": best}


def angle(a: np.ndarray, b: np.ndarray) -> float:
    """The angle between two vectors (d,) in degrees, exact for very small and large ones too.

    Source: Kahan 2006, "How futile are mindless assessments of roundoff", section 12.

    >>> round(angle(np.array([1.0, 0.0]), np.array([1.0, 1.0])), 9)
    45.0
    """
    first, second = directions_of(np.stack([a, b]), what="vectors")
    halves = np.linalg.norm(first - second), np.linalg.norm(first + second)
    return float(np.degrees(2 * np.arctan2(*halves)))


def parallelogram(corners: np.ndarray) -> tuple[float, tuple[float, float]]:
    """The angle in degrees between b − a and d − c, and their lengths, of corners (4, d).

    The corners count at length 1. Source: Rumelhart, Abrahamson 1973, "A model for analogical
    reasoning"; in word vectors Mikolov, Yih, Zweig 2013. Raises ZcalcError where a is b or c is d.
    """
    a, b, c, d = directions_of(corners, 4, "corners")
    first, second = b - a, d - c
    lengths = float(np.linalg.norm(first)), float(np.linalg.norm(second))
    if min(lengths) < 1e-9:
        message = "Two corners of the analogy are the same, so there is no difference between them."
        raise ZcalcError(message, "Give four things, of which a is not b and c is not d.")
    return angle(first, second), lengths


def cos_add(candidates: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """3CosAdd scores (m,): cos(x, b) − cos(x, a) + cos(x, c) for each candidate of (m, d).

    The order is that of the cosine with b − a + c. Source: Levy, Goldberg 2014, "Linguistic
    regularities in sparse and explicit word representations", equation 3.
    """
    near = _cosines(candidates, a, b, c)  # (m, 3)
    return near[:, 1] - near[:, 0] + near[:, 2]


def cos_mul(candidates: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """3CosMul scores (m,): cos'(x, b) cos'(x, c) / (cos'(x, a) + 0.001), cos' = (cos + 1) / 2.

    No one large cosine outweighs the others, as it does in a sum. Source: Levy, Goldberg 2014,
    equation 4, with their shift of cosines to 0…1.
    """
    near = (_cosines(candidates, a, b, c) + 1) / 2  # (m, 3)
    return near[:, 1] * near[:, 2] / (near[:, 0] + _EPSILON)


def _cosines(candidates: np.ndarray, *others: np.ndarray) -> np.ndarray:
    rows = directions_of(candidates, what="candidates")
    return rows @ directions_of(np.stack(others)).T


def analogy(  # noqa: PLR0913
    names: tuple[str, str, str, str],
    corners: np.ndarray,
    candidates: np.ndarray,
    called: Sequence[str],
    *,
    leave_out: Sequence[int] = (),
    answer: int | None = None,
    k: int = 5,
) -> Analogy:
    """Test an analogy of corners (4, d) against candidates (m, d), which are `called` (m,).

    `leave_out` are rows that can't be the answer (the question's own), `answer` is the right one's
    row; without it, `d` itself joins the candidates.
    """
    found = parallelogram(corners)
    rows, labels = directions_of(candidates, 1, "candidates"), list(called)
    if answer is None:
        rows, labels = np.vstack([rows, directions_of(corners[3:])]), [*labels, names[3]]
        answer = len(rows) - 1
    allowed = np.ones(len(rows), bool)
    allowed[[row for row in leave_out if row != answer]] = False
    answers, ranks = {}, {}
    for way, scored in (("3CosAdd", cos_add), ("3CosMul", cos_mul)):
        scores = np.where(allowed, scored(rows, *corners[:3]), -np.inf)
        best = np.argsort(-scores, kind="stable")[: min(k, int(allowed.sum()))]
        answers[way] = tuple((labels[i], float(scores[i])) for i in best)
        ranks[way] = int((scores > scores[answer]).sum()) + 1
    return Analogy(names, directions_of(corners), *found, answers, ranks)
