"""Search an index for a query: candidates for each of its points, then exact scores."""

from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.compound import Compound, Spread
from zcalc.index.query import Searchable

if TYPE_CHECKING:
    from zcalc.index.table import Entry

LEAST, PER_HIT = 2000, 50  # candidates for each point of a query
POINTS = 64  # of a query that candidates are looked up for, at most


class CompoundSearch:
    """An index as a `Searchable` whose scores are those of a query, from 0 to 1.

    Candidates are the union of the rows nearest to each point that attracts, and to their sum.
    """

    def __init__(self, pictures: Searchable, query: Compound, spread: Spread) -> None:
        self._pictures, self._query, self._spread = pictures, query, spread
        points = [point for point, sign in query.points() if sign > 0][:POINTS]
        self._points = [*points, query.direction(spread)]

    def find(
        self, target: np.ndarray, k: int, where: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find at most `k` rows with the best scores: scores (m,) and rows (m,)."""
        pool = max(LEAST, PER_HIT * k)
        found = [self._pictures.find(p.astype(np.float32), pool, where)[1] for p in self._points]
        rows = np.unique(np.concatenate(found))  # (c,)
        if not len(rows):
            return np.empty(0, np.float32), rows
        scores = self._query.scores(self._pictures.take(rows), self._spread)  # (c,)
        order = np.argsort(-scores, kind="stable")[:k]
        return scores[order].astype(np.float32), rows[order]

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The vectors (m, d) of rows."""
        return self._pictures.take(rows)

    def entry(self, row: int) -> "Entry":
        """The entry of a row."""
        return self._pictures.entry(row)

    def metadata(self, row: int) -> dict[str, Any]:
        """The metadata of a row."""
        return self._pictures.metadata(row)

    def caption(self, row: int) -> str | None:
        """The caption that went into the vector of a row."""
        return self._pictures.caption(row)
