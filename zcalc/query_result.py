"""The result of a query, such as `both(img(dog), "on a beach")`: ranked, searched, decoded."""

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.compound import Compound
from zcalc.decodable import Decodable
from zcalc.errors import ZcalcError
from zcalc.expression import Expression, represents
from zcalc.index.compound_search import CompoundSearch
from zcalc.index.hits import Hits
from zcalc.index.query import Query, nearest
from zcalc.language import Node, Type
from zcalc.result import Result, Scalar
from zcalc.words import Word

if TYPE_CHECKING:
    from zcalc.decode.run import Target


@represents(Type.QUERY)
class QueryResult(Decodable[Result, Scalar]):
    """A query; its scores, from 0 to 1, are no cosines (see `compound.Compound`)."""

    modes = ("vectors",)

    @property
    def query(self) -> Compound:
        """The query as unit points and how their scores are combined."""
        return self._value

    @cached_property
    def vector(self) -> np.ndarray:
        """Where a sum would look: the direction (d,) that a prefix decoder reads."""
        return self.query.direction(self.calculator.text_spread)

    def words(
        self, k: int = 10, *, keep_operands: bool = False, among: str | None = None
    ) -> list[Word]:
        """The `k` best words, best first, without the query's own texts."""
        with self._timed("words"):
            return self._best_words(k, keep_operands, among)

    def nearest(  # noqa: PLR0913
        self,
        k: int = 5,
        *,
        threshold: float | None = None,
        where: str | None = None,
        fold: float | None = None,
        diversity: float = 0.0,
        center: bool | None = None,
        offset: int = 0,
        keep_operands: bool = False,
        among: "Expression[Any, Any] | Node | None" = None,
    ) -> Hits:
        """The `k` best pictures of the gallery, best first, without the query's own.

        The settings are those of `Result.nearest`; `threshold` is the lowest score. Raises
        ZcalcError for `center`: scores of queries are relative to the mean anyway.
        """
        if center:
            hint = "Leave center out: a query's scores are relative to the mean anyway."
            raise ZcalcError("A query is not centred.", hint)
        space, query = self.calculator, Query(k, threshold, where, fold, diversity, offset)
        own = set() if keep_operands else self._own_paths()
        pictures = space.search_among(self._rows_among(among))
        search = CompoundSearch(pictures, self.query, space.picture_spread)
        with self._timed("nearest"):
            return nearest(search, self.vector, query, own)

    def target(self, mode: str = "vectors") -> "Target":
        """The query as a score of texts. Raises ZcalcError for the mode "scores"."""
        from zcalc.decode.objective import Meets

        if mode != "vectors":
            hint = "Leave mode out: a query is always decoded by its scores."
            raise ZcalcError(f"A query has no mode {mode!r}.", hint)
        meets = Meets(self.query, self.calculator.text_spread)
        return replace(meets, words=self._keywords)

    def _answers(self, k: int) -> list[Word]:
        repels = any(sign < 0 for _, sign in self.query.points())
        return self._best_words(k, keep_operands=not repels)

    def _best_words(
        self, k: int, keep_operands: bool = False, among: str | None = None
    ) -> list[Word]:
        texts = self._vocabulary(among)
        scores = self.query.scores(texts.vectors, self.calculator.text_spread)
        rows = texts.best(scores, k, () if keep_operands else self._own())
        return [Word(texts.texts[row], float(scores[row])) for row in rows]
