"""Results: the value of an expression, and the words, pictures and sentence nearest to it."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc import hooks
from zcalc.algebra import unit
from zcalc.answer import Answer, Measure, Term, View, skipped_note
from zcalc.decode.caption import Caption, latest
from zcalc.decode.captions import MODES, decode, max_updates
from zcalc.decode.comparison import ComparedCaption, Comparison
from zcalc.errors import ZcalcError
from zcalc.evaluator import MEANS, Combination, Evaluation, point
from zcalc.expression import Expression
from zcalc.index.feedback import apply_feedback
from zcalc.index.query import Hit, Query, nearest
from zcalc.language import Call, Node, Step, Text, Type, check, errors_at, operands, unparse
from zcalc.progress import track
from zcalc.space import Space
from zcalc.words import Word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zcalc.decode.objective import Objective
    from zcalc.decode.run import Target
    from zcalc.index import Skipped


class Evaluated(Expression["Result", "Scalar"]):
    """A result: an embedding or a number."""

    @classmethod
    def of_step(cls, calculator: Space, step: Step, evaluation: Evaluation, source: str) -> Any:
        """The result of a program's statement; its errors point into the program's text."""
        kind = Scalar if step.type is Type.NUMBER else Result
        result = kind(calculator, step.tree, step.source)
        result.name, result.verb, result._source = step.name, step.verb, source
        result.__dict__["_evaluation"] = evaluation
        return result

    def _result(self, tree: Node) -> Any:
        return (Scalar if check(tree) is Type.NUMBER else Result)(self.calculator, tree)


class Scalar(Evaluated):
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


class Result(Evaluated):
    """An embedding; everything about it is computed when it is asked for.

    `expr` is its text, `tree` its syntax tree with all names substituted. A notebook shows a
    result as a card: the parts that its verb names or, without a verb, those of `card`.
    """

    card = View(caption={}, words=10, pictures=6)

    @cached_property
    def _captions(self) -> dict[Any, tuple[Caption, float]]:
        """The captions so far by decoder and settings, with the seconds they took."""
        return {}

    @property
    def view(self) -> View:
        """What to show: its verb's part, without a verb everything, and nothing for a binding."""
        if self.verb is not None:
            return View.of_verb(self.verb)
        return View() if self.name else self.card

    def answer(self, view: View | None = None) -> Answer:
        """Compute what is shown: the parts that `view` names, by default `self.view`, each once."""
        view = self.view if view is None else view
        caption = None if view.caption is None else self.caption(**view.caption)
        words = self.words(view.words, keep_operands=view.keep_operands) if view.words else None
        hits: list[Hit] | None = None
        skipped: tuple[Skipped, ...] = ()
        searched = 0
        if view.pictures:
            hits = self.nearest(view.pictures, keep_operands=view.keep_operands, **view.query)
            skipped, searched = self.calculator.skipped, len(self.calculator.image_index)
        plot = None if view.plot is None else self.measure(**view.plot)
        centred = self._is_centred(view.query) or any(t.name in MEANS for t in self.terms)
        return Answer(
            expr=self.expr,
            model=self.calculator.models.name,
            tree=self.tree,
            name=self.name,
            norm=self.norm,
            operands=self.operand_pictures,
            captions=None if caption is None else caption.ranked,
            method="" if caption is None else caption.method,
            words=None if words is None else tuple(words),
            images=None if hits is None else tuple(hits),
            searched=searched,
            query=dict(view.query),
            terms=tuple(self.terms),
            plot=plot,
            skipped=skipped,
            notes=skipped_note(skipped),
            text_remarks=self.remarks,
            random_cosine=None if centred else self.calculator.models.random_cosine,
            seconds=dict(self.seconds),
        )

    def _is_centred(self, query: Mapping[str, Any]) -> bool:
        """Whether a search for pictures subtracts the means; None follows the preset."""
        center = query.get("center")
        return self.calculator.models.preset.center if center is None else center

    @cached_property
    def _point(self) -> tuple[np.ndarray, float]:
        value = self._value
        with errors_at(self._source, self.tree.span):
            return point(value)

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

    def words(self, k: int = 10, *, keep_operands: bool = False) -> list[Word]:
        """The `k` best words, best first, without the expression's own operands.

        A picture alone is described by all words, its name among them.
        """
        nodes = set(operands(self.tree))
        own = [node.text for node in nodes if isinstance(node, Text)]
        if len(nodes) > 1:
            own += [picture.name for picture in self.operand_pictures.values()]
        left_out = () if keep_operands else own
        target, parts = self.vector, self._evaluation.parts(self.tree, self._value)
        with self._timed("words"):
            return self.calculator.models.vocabulary.nearest(target, k, left_out, parts)

    def nearest(  # noqa: PLR0913
        self,
        k: int = 5,
        *,
        threshold: float | None = None,
        where: str | None = None,
        fold: float | None = None,
        diversity: float = 0.0,
        center: bool | None = None,
        keep_operands: bool = False,
    ) -> list[Hit]:
        """The `k` nearest pictures of the gallery, best first, without the expression's own.

        `threshold` is the lowest cosine, `where` an SQL condition on metadata ("year > 2010").
        `fold` moves near-duplicates, pictures with at least this cosine (0.94, say) to a better
        one, into that one's `alike`. `diversity` from 0 to 1 prefers pictures unlike one another.
        `center` subtracts the mean picture and the mean text first; None follows the preset.
        Raises ZcalcError for an invalid condition or setting.

        >>> import zcalc
        >>> [hit.name for hit in zcalc.load("mini")("img(coffee)").nearest(1, where="name > 'm'")]
        ['tea']
        """
        space, query = self.calculator, Query(k, threshold, where, fold, diversity)
        own = {str(p.path) for p in self.operand_pictures.values() if not keep_operands}
        target, mean = self.vector, None
        if self._is_centred({"center": center}):
            mean = space.means[0]
            target = point(self._evaluation(Call("center", (self.tree,), span=self.tree.span)))[0]
        with self._timed("nearest"):
            return nearest(space.searchable, target, query, own, mean)

    def more(self, *pictures: str | Hit) -> "Result":
        """More like these pictures: the expression with them added (see `index.feedback`)."""
        return Result(self.calculator, apply_feedback(self.tree, more=_names(pictures)))

    def less(self, *pictures: str | Hit) -> "Result":
        """Less like these pictures: the expression with them subtracted."""
        return Result(self.calculator, apply_feedback(self.tree, less=_names(pictures)))

    def caption(
        self,
        method: str | None = None,
        *,
        mode: str = "vectors",
        on_token: Callable[[Caption], None] | None = None,
        **settings: Any,
    ) -> Caption:
        """Decode the point into a sentence; the same call returns the same caption at once.

        `method` is a decoder of `DECODERS`, the preset's by default; `settings` are the decoder's.
        `mode="scores"` does the arithmetic on the operands' cosines with the caption instead of on
        their vectors. `on_token` receives the growing caption. An interrupt returns what is there.
        """
        method = method or self.calculator.models.preset.method
        return self._decoded(method, mode, settings, on_token)[0]

    def _decoded(
        self,
        method: str,
        mode: str,
        settings: Mapping[str, Any],
        on_token: Callable[[Caption], None] | None = None,
    ) -> tuple[Caption, float]:
        """A caption, and the seconds that decoding it took; cached."""
        models, key = self.calculator.models, (method, mode, tuple(sorted(settings.items())))
        if key not in self._captions:
            target, before = self.target(mode), self.seconds["caption"]
            with self._timed("caption"):
                captions = decode(models, target, method, settings, self.calculator.seed)
                total = max_updates(models, method, settings)
                updates = track(captions, "Writing a caption", total, saying=lambda c: c.text)
                caption = latest(updates, on_token)
            self._captions[key] = caption, self.seconds["caption"] - before
        return self._captions[key]

    def target(self, mode: str = "vectors") -> "Target":
        """What a decoder writes toward: the point ("vectors") or the weighted operands ("scores").

        With "scores" a text scores the weighted sum of its cosines with the operands.
        """
        if mode not in MODES:
            raise ZcalcError(f"Unknown mode {mode!r}.", 'Use "vectors" or "scores".')
        vector = self.vector  # raises if the expression cancels out
        return vector if mode == "vectors" else self.objective

    def compare(self, *methods: str, modes: Sequence[str] = MODES, **settings: Any) -> Comparison:
        """Caption this with several decoders (the preset's by default), in both modes."""
        models, rows = self.calculator.models, []
        pairs = [(m, mode) for m in methods or (models.preset.method,) for mode in modes]
        for pair in track(pairs, "Comparing captions"):
            caption, seconds = self._decoded(*pair, settings)
            vector = unit(models.encoder.texts([caption.text]))[0]  # (d,)
            rows.append(ComparedCaption(*pair, caption, float(vector @ self.vector), seconds))
        return Comparison(self.expr, tuple(rows))

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


class Results(list[Result | Scalar]):
    """The results of a program, one per statement."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return hooks.mimebundle(self)


def _names(pictures: Sequence[str | Hit]) -> list[str]:
    return [picture.name if isinstance(picture, Hit) else picture for picture in pictures]
