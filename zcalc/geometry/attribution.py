"""Attribution: which term pulled a result toward which word."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.errors import ZcalcError
from zcalc.geometry.checks import directions_of, points_of
from zcalc.geometry.shown import Shown, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Attribution(Shown):
    """How much each term contributes to each word's cosine with the result.

    `shares` (m, w) has one row for each of the `terms` (m) and one column for each of the `words`
    (w); a column adds up to the word's cosine, `cosines` (w,).
    """

    terms: tuple[str, ...]
    words: tuple[str, ...]
    shares: np.ndarray

    @property
    def cosines(self) -> np.ndarray:
        """The words' cosines (w,) with the result."""
        return self.shares.sum(axis=0)

    def plot(self) -> "Figure":
        """A bar for each word, in as many parts as there are terms."""
        from zcalc.geometry.draw_measures import draw_attribution

        return draw_attribution(self)

    def table(self) -> Table:
        """One row for each word."""
        rows = zip(self.words, self.cosines.tolist(), self.shares.T.tolist(), strict=True)
        return ("word", "cosine", *self.terms), [(w, c, *shares) for w, c, shares in rows]

    def data(self) -> dict[str, Any]:
        """The terms, and each word with its shares."""
        columns = zip(self.words, self.cosines.tolist(), self.shares.T.round(4), strict=True)
        words = [{"text": w, "cosine": round(c, 4), "shares": s.tolist()} for w, c, s in columns]
        return {"terms": list(self.terms), "words": words}


def contributions(parts: np.ndarray, words: np.ndarray) -> np.ndarray:
    """What each part (m, d) of a sum contributes to the sum's cosine with each word (w, d): (m, w).

    The cosine with Σ p_i is Σ p_i · w / ‖Σ p_i‖: linear in the parts, so that a column adds up to
    it exactly. Raises ZcalcError where the parts cancel out.

    >>> contributions(np.array([[3.0, 0.0], [0.0, 4.0]]), np.array([[1.0, 0.0]])).tolist()
    [[0.6], [0.0]]
    """
    terms = points_of(parts, 1, "terms")
    length = float(np.linalg.norm(terms.sum(axis=0)))
    if length <= 1e-9 * float(np.linalg.norm(terms, axis=1).max()):
        raise ZcalcError("The terms cancel out: there is no result to pull anywhere.")
    return terms @ directions_of(words, 1, "words").T / length


def attribution(
    terms: Sequence[str], parts: np.ndarray, words: Sequence[str], vectors: np.ndarray
) -> Attribution:
    """Attribute the cosines of named words (w, d) to named parts (m, d), weight times operand."""
    return Attribution(tuple(terms), tuple(words), contributions(parts, vectors))
