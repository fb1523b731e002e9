"""Results: the value of an expression, and the words, pictures and sentence nearest to it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc import hooks
from zcalc.analysis.labels import Labels, label
from zcalc.analysis.parts import Parts, parts
from zcalc.answer import Answer, Measure, Term, View
from zcalc.combination import Combination, point
from zcalc.decodable import Decodable
from zcalc.decode.captions import MODES
from zcalc.errors import ZcalcError
from zcalc.evaluator import MEANS
from zcalc.expression import Expression, represents
from zcalc.index.feedback import apply_feedback
from zcalc.index.hits import Hit, Hits
from zcalc.index.query import Query, nearest
from zcalc.language import Call, Image, Node, Sum, Text, Type, errors_at, operands, unparse
from zcalc.words import Word, sets_scene

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zcalc.decode.objective import Objective
    from zcalc.decode.run import Target

_BOTH = "A sum asks for the average. What is near all of it"


@represents(Type.NUMBER)
class Scalar(Expression["Result", "Scalar"]):
    """A number, such as a cosine."""

    def __float__(self) -> float:
        return self.value

    @property
    def value(self) -> float:
        """The number."""
        return float(self._value)

    def answer(self, view: View | None = None) -> Answer:
        """The number, ready to be shown."""
        return Answer(
            expr=self.expr,
            model=self.calculator.models.name,
            tree=self.tree,
            name=self.name,
            value=self.value,
            text_remarks=self.remarks,
            seconds=dict(self.seconds),
        )


@represents(Type.EMBEDDING)
class Result(Decodable["Result", "Scalar"]):
    """An embedding; everything about it is computed when it is asked for.

    `expr` is its text, `tree` its syntax tree with all names substituted. A notebook shows a
    result as a card: the parts that its verb names or, without a verb, those of `card`.
    """

    def _details(self, view: View) -> dict[str, Any]:
        centred = self._is_centred(view.query) or any(t.name in MEANS for t in self.terms)
        return {
            "norm": self.norm,
            "terms": tuple(self.terms),
            "plot": None if view.plot is None else self.measure(**view.plot),
            "labels": (self.label(view.labels),) if view.labels else (),
            "parts": self.parts(view.parts) if view.parts else None,
            "random_cosine": None if centred else self.calculator.models.random_cosine,
        }

    def _is_centred(self, query: Mapping[str, Any]) -> bool:
        """Whether a search for pictures subtracts the means; None follows the preset."""
        center = query.get("center")
        return self.calculator.models.preset.center if center is None else center

    @cached_property
    def _point(self) -> tuple[np.ndarray, float]:
        value = self._value
        with errors_at(self._source, self.tree.span):
            return point(value)

    def evaluate(self) -> None:
        """Compute the point; raises LanguageError if the expression cancels out."""
        _ = self._point

    @property
    def vector(self) -> np.ndarray:
        """The result's direction, (d,) float32 of length 1."""
        return self._point[0]

    @property
    def norm(self) -> float:
        """The result's norm before normalisation."""
        return self._point[1]

    @property
    def objective(self) -> "Objective":
        """The result as weighted operands, each of which scores texts by its own cosine."""
        return self._evaluation.objective(self._value)

    @cached_property
    def terms(self) -> list[Term]:
        """What each operand contributes, in the expression's order.

        Repeated operands are one term; `center` adds the means it subtracted.
        """
        value: Combination = self._value
        return [
            Term(node if isinstance(node, str) else unparse(node), *numbers)
            for node, *numbers in self._evaluation.terms(value)
        ]

    def words(
        self, k: int = 10, *, keep_operands: bool = False, among: str | None = None
    ) -> list[Word]:
        """The `k` best words, best first, without the expression's own operands.

        A picture alone is described by all words, its name among them. `among` is a file of one's
        own words or phrases to rank, one on each line.
        """
        _ = self.vector  # raises if the expression cancels out
        with self._timed("words"):
            return self._best_words(k, keep_operands, among)

    def _best_words(
        self, k: int, keep_operands: bool = False, among: str | None = None
    ) -> list[Word]:
        left_out = () if keep_operands else self._own()
        parts = self._evaluation.parts(self.tree, self._value)
        return self._vocabulary(among).nearest(self.vector, k, left_out, parts)

    def _answers(self, k: int) -> list[Word]:
        if (self._value.weights < 0).any():
            return self._best_words(k)
        return self.calculator.models.vocabulary.nearest(self.vector, k)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the encoder misses of the texts, and that a query may be what is meant."""
        query = as_both(self.tree) if self.calculator.models.preset.suggests_both else None
        return (*super().remarks, *([f"{_BOTH}: {query}"] if query else []))

    def label(self, classes: Sequence[str]) -> Labels:
        """The probability of each class, such as `["cat", "dog"]` (see `analysis.labels`)."""
        models = self.calculator.models
        return label(models, [unparse(self.tree)], self.vector[None], classes)[0]

    def parts(self, k: int = 6) -> Parts:
        """This as a weighted sum of at most `k` words (see `analysis.parts`)."""
        models = self.calculator.models
        models.check_count(k)
        _, text_mean = self.calculator.means
        centred = point(self._evaluation(Call("center", (self.tree,), span=self.tree.span)))[0]
        texts = models.plain_vocabulary
        return parts(centred, texts.texts, texts.vectors - text_mean.astype(np.float32), k)

    def relevance(self, text: str, grid: int = 7) -> Measure:
        """Which parts of a picture answer to a text (see `geometry.relevance`)."""
        return self.measure("relevance", text=text, grid=grid)

    def crop(self, left: float, top: float, right: float, bottom: float) -> "Result":
        """A part of this picture, in shares of its sides, `crop(img(x), 0, 0, 0.5, 1)`."""
        if not isinstance(self.tree, Image):
            raise ZcalcError(f"{self.expr} is not a picture.", "Use crop on calc.img(…).")
        box = (float(left), float(top), float(right), float(bottom))
        return self._result(Image(self.tree.name, self.tree.quoted, box))

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
        """The `k` nearest pictures of the gallery, best first, without the expression's own.

        `among` is a set of pictures to search, `calc.imgs("trips/*")`, by default all.

        `threshold` is the lowest cosine, `where` an SQL condition on metadata ("year > 2010").
        `fold` moves near-duplicates, pictures with at least this cosine (0.94, say) to a better
        one, into that one's `alike`. `diversity` from 0 to 1 prefers pictures unlike one another.
        `offset` skips the best ones, for the next page.
        `center` subtracts the mean picture and the mean text first; None follows the preset.
        Raises ZcalcError for an invalid condition or setting.

        >>> import zcalc
        >>> [hit.name for hit in zcalc.load("mini")("img(coffee)").nearest(1, where="name > 'm'")]
        ['tea']
        """
        space, query = self.calculator, Query(k, threshold, where, fold, diversity, offset)
        own = set() if keep_operands else self._own_paths()
        rows = self._rows_among(among)
        target, mean = self.vector, None
        if self._is_centred({"center": center}):
            mean = space.means[0]
            target = point(self._evaluation(Call("center", (self.tree,), span=self.tree.span)))[0]
        with self._timed("nearest"):
            return nearest(space.search_among(rows), target, query, own, mean)

    def more(self, *pictures: str | Hit) -> "Result":
        """More like these pictures: the expression with them added (see `index.feedback`)."""
        return Result(self.calculator, apply_feedback(self.tree, more=_names(pictures)))

    def less(self, *pictures: str | Hit) -> "Result":
        """Less like these pictures: the expression with them subtracted."""
        return Result(self.calculator, apply_feedback(self.tree, less=_names(pictures)))

    def target(self, mode: str = "vectors") -> "Target":
        """What a decoder writes toward: the point ("vectors") or the weighted operands ("scores").

        With "scores" a text scores the weighted sum of its cosines with the operands.
        """
        if mode not in MODES:
            raise ZcalcError(f"Unknown mode {mode!r}.", 'Use "vectors" or "scores".')
        from zcalc.decode.objective import Toward

        vector = self.vector  # raises if the expression cancels out
        toward = Toward(vector) if mode == "vectors" else self.objective
        assert isinstance(toward, Toward)
        return replace(toward, words=self._keywords)

    def directions(self) -> dict[str, np.ndarray]:
        """The vectors (d,) of the expression's operands and, last, the result's."""
        embedded = self._evaluation.vectors
        vectors = {unparse(node): embedded[node] for node in operands(self.tree)}
        return {**vectors, f"★ {unparse(self.tree)}": self.vector}

    def measure(self, kind: str = "map", **settings: Any) -> Measure:
        """The numbers behind a plot: "map", "cosines", "terms" or "trace"."""
        return hooks.measure(self, kind, **settings)

    def plot(self, kind: str = "map", **settings: Any) -> "Figure":
        """A matplotlib figure: "map", "cosines", "terms" or "trace" (see `geometry.session`)."""
        return self.measure(kind, **settings).plot()


class Results(list[Any]):
    """The results of a program, one per statement."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return hooks.mimebundle(self)


def as_both(tree: Node) -> str | None:
    """The query for a sum of pictures and texts, unless the texts only set a scene.

    >>> from zcalc.language import parse
    >>> as_both(parse('img(cat) + "snow"')), as_both(parse('img(cat) + "a photo"'))
    ('both(img(cat), "snow")', None)
    """
    if not isinstance(tree, Sum) or not all(isinstance(t, Image | Text) for t in tree.terms):
        return None
    kept = [t for t in tree.terms if not (isinstance(t, Text) and sets_scene(t.text))]
    if {type(term) for term in kept} != {Image, Text}:
        return None
    return unparse(Call("both", tuple(kept)))


def _names(pictures: Sequence[str | Hit]) -> list[str]:
    return [picture.name if isinstance(picture, Hit) else picture for picture in pictures]
