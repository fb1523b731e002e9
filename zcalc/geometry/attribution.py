"""Attribution: how much each term contributes to each word's cosine with the result."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zcalc.errors import ZcalcError
from zcalc.geometry.base import Measure, Table
from zcalc.geometry.checks import as_directions, as_points


@dataclass(frozen=True, eq=False)
class Attribution(Measure):
    """How much each term contributes to each word's cosine with the result.

    `shares` (m, w) has one row for each of the `terms` (m) and one column for each of the `words`
    (w); a column sums to the word's cosine, `cosines` (w,).
    """

    terms: tuple[str, ...]
    words: tuple[str, ...]
    shares: np.ndarray

    @property
    def cosines(self) -> np.ndarray:
        """The words' cosines (w,) with the result."""
        return self.shares.sum(axis=0)

    def table(self) -> Table:
        """Return one row per word."""
        rows = zip(self.words, self.cosines.tolist(), self.shares.T.tolist(), strict=True)
        return ("word", "cosine", *self.terms), [(w, c, *shares) for w, c, shares in rows]

    def data(self) -> dict[str, Any]:
        """Return the terms, and each word with its shares."""
        columns = zip(self.words, self.cosines.tolist(), self.shares.T.round(4), strict=True)
        words = [{"text": w, "cosine": round(c, 4), "shares": s.tolist()} for w, c, s in columns]
        return {"terms": list(self.terms), "words": words}


def contributions(parts: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Compute what each part (m, d) of a sum adds to the sum's cosine with each word (w, d).

    The cosine with Σ p_i is Σ p_i · w / ‖Σ p_i‖. It is linear in the parts, so each column of the
    result (m, w) sums to it exactly. Raises ZcalcError where the parts cancel out.

    >>> contributions(np.array([[3.0, 0.0], [0.0, 4.0]]), np.array([[1.0, 0.0]])).tolist()
    [[0.6], [0.0]]
    """
    terms = as_points(parts, 1, "terms")
    norm = float(np.linalg.norm(terms.sum(axis=0)))
    if norm <= 1e-9 * float(np.linalg.norm(terms, axis=1).max()):
        raise ZcalcError("The terms cancel out: their sum is zero and has no cosines.")
    return terms @ as_directions(words, 1, "words").T / norm


def attribution(
    terms: Sequence[str], parts: np.ndarray, words: Sequence[str], vectors: np.ndarray
) -> Attribution:
    """Attribute the cosines of words with vectors (w, d) to terms with parts (m, d).

    A term's part is its weight times its operand.
    """
    return Attribution(tuple(terms), tuple(words), contributions(parts, vectors))
