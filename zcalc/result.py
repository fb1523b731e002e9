"""What an expression comes to: a point, and the words, pictures and sentence nearest to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.algebra import unit
from zcalc.captions import MODES
from zcalc.comparison import Comparison, compare
from zcalc.evaluated import Evaluated, Scalar
from zcalc.evaluator import Combination, point
from zcalc.gallery import Picture
from zcalc.index.query import Hit, Query, nearest, plain
from zcalc.language import Call, Image, Text, operands, placed, unparse
from zcalc.progress import track
from zcalc.ranking import Parts
from zcalc.words import Word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zcalc.decode.caption import Caption
    from zcalc.decode.objective import Objective

_WORDS, _PICTURES = 10, 6


@dataclass(frozen=True, slots=True)
class Term:
    """An operand in a result: how often it is in it, its part's length, and that part's cosine.

    The parts of all terms add up to the result before it was normalised.
    """

    name: str
    weight: float
    norm: float
    cosine: float


@dataclass(frozen=True, slots=True)
class View:
    """What of a result is shown; a `caption` of None is not decoded.

    `asked` is what else is asked of the pictures: settings of `Result.nearest`. `thumbnails` are
    shown in a terminal (None: where it is one). `plot` has settings of `Result.plot`.
    """

    caption: dict[str, Any] | None = None
    words: int = 0
    pictures: int = 0
    plot: Mapping[str, Any] | None = field(default=None, hash=False)
    asked: Mapping[str, Any] = field(default_factory=dict, hash=False)
    thumbnails: bool | None = False


class Result(Evaluated):
    """An embedding that an expression comes to; everything about it is computed when asked for.

    `expr` is its text, `tree` its syntax tree with all names written out, `seconds` what each part
    took. In a notebook a result shows itself as a card, of `card` where it has no verb.
    """

    card = View({}, _WORDS, _PICTURES)

    @cached_property
    def _captions(self) -> "dict[Any, Caption]":
        return {}

    @property
    def view(self) -> View:
        """What is shown of it: its verb's part, everything without a verb, of a binding nothing."""
        if self.verb is None:
            return View() if self.name else self.card
        settings = dict(self.verb.settings)
        match self.verb.name:
            case "caption":
                return View(caption=settings)
            case "words":
                return View(words=settings.get("k", 10))
            case "nearest":
                return View(pictures=settings.pop("k", 5), asked=settings)
            case _:
                return View(plot=settings)

    @cached_property
    def _point(self) -> tuple[np.ndarray, float]:
        value = self._value
        with placed(self._source, self.tree.span):
            return point(value)

    @property
    def vector(self) -> np.ndarray:
        """The result's direction, (d,) float32, of length 1."""
        return self._point[0]

    @property
    def objective(self) -> "Objective":
        """The result as weighted operands, each of which scores texts by its own cosine."""
        return self._evaluation.scores(self._value)

    @property
    def norm(self) -> float:
        """The result's length before it was normalised."""
        return self._point[1]

    @cached_property
    def terms(self) -> list[Term]:
        """Which operand contributed what, in the expression's order.

        Operands that come in more than once are one term; `center` adds the means it took out.
        """
        value: Combination = self._value
        return [
            Term(node if isinstance(node, str) else unparse(node), *numbers)
            for node, *numbers in self._evaluation.terms(value)
        ]

    @cached_property
    def operand_pictures(self) -> dict[Image, Picture]:
        """The pictures of the expression, in its order."""
        images = (node for node in operands(self.tree) if isinstance(node, Image))
        return {node: self.calculator.find(node, self._source) for node in images}

    def words(self, k: int = 10, *, keep_operands: bool = False) -> list[Word]:
        """The `k` words that answer best, best first, without the expression's own."""
        said = [node.text for node in operands(self.tree) if isinstance(node, Text)]
        said += [picture.name for picture in self.operand_pictures.values()]
        target = self.vector
        with self._timed("words"):
            vocabulary = self.calculator.vocabulary
            return vocabulary.nearest(target, k, () if keep_operands else said, self._parts)

    @property
    def _parts(self) -> Parts:
        """The operands' unit vectors (n, d) and how much of each the result has."""
        vectors = self._evaluation.vectors
        weights = dict(zip(vectors, self._value.weights[: len(vectors)], strict=True))
        used = [node for node in operands(self.tree) if weights[node]]
        added = (i for i, n in enumerate(used) if isinstance(n, Image) and weights[n] > 0)
        return Parts(
            unit(np.stack([vectors[node] for node in used])).astype(np.float32),
            np.array([weights[node] for node in used]),
            next(added, None),
        )

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
        """The `k` nearest pictures of the gallery, nearest first, without the expression's own.

        `threshold` is the least cosine, `where` a condition on the pictures' metadata as in SQL
        ("year > 2010"). `fold` puts pictures with this cosine or more (0.94, say) into the `alike`
        of the first of them; `diversity` from 0 to 1 chooses pictures unlike one another. `center`
        compares without the mean picture and the mean text; None does as the preset does.
        Raises ZcalcError for a condition that can't be used and settings that make no sense.

        >>> import zcalc
        >>> [hit.name for hit in zcalc.load("mini")("img(coffee)").nearest(1, where="name > 'm'")]
        ['tea']
        """
        query = Query(k, threshold, where, fold, diversity)
        own = {str(p.path) for p in self.operand_pictures.values() if not keep_operands}
        centred = self.calculator.preset.center if center is None else center
        target, mean = self.vector, None
        if centred:
            mean = self.calculator.means[0]
            target = point(self._evaluation(Call("center", (self.tree,), span=self.tree.span)))[0]
        with self._timed("nearest"):
            return nearest(self.calculator.searched, target, query, own, mean)

    def more(self, *pictures: str | Hit) -> "Result":
        """More like these pictures: the expression with them added (see `index.feedback`)."""
        return self._told(pictures, ())

    def less(self, *pictures: str | Hit) -> "Result":
        """Less like these pictures: the expression with them taken off."""
        return self._told((), pictures)

    def _told(self, more: Sequence[str | Hit], less: Sequence[str | Hit]) -> "Result":
        from zcalc.index.feedback import edited

        named = [[p.name if isinstance(p, Hit) else p for p in some] for some in (more, less)]
        return Result(self.calculator, edited(self.tree, *named))

    def caption(
        self,
        method: str | None = None,
        *,
        mode: str = "vectors",
        on_token: "Callable[[Caption], None] | None" = None,
        **settings: Any,
    ) -> "Caption":
        """Decode the point into a sentence; asked again, the same caption comes at once.

        `method` is "zerocap", "search" or "retrieve" (the preset's own without one), `settings` are
        those of `ZeroCapSettings` or `SearchSettings`: beams, prompt, max_tokens and so on.
        `mode` "scores" does the arithmetic on the operands' cosines with the caption instead of
        their vectors. `on_token` sees the caption grow; an interrupt gives what there is so far.
        """
        from zcalc.captions import decode, longest, target_of
        from zcalc.decode.caption import latest

        method = method or self.calculator.preset.method
        key = (method, mode, tuple(sorted(settings.items())))
        if key not in self._captions:
            target = target_of(self, mode)
            with self._timed("caption"):
                captions = decode(self.calculator, target, method, settings)
                total = longest(self.calculator, method, settings)
                shown = track(captions, "Writing a caption", total, saying=lambda c: c.text)
                self._captions[key] = latest(shown, on_token)
        return self._captions[key]

    def compare(self, *methods: str, modes: tuple[str, ...] = MODES, **settings: Any) -> Comparison:
        """The captions of several decoders (the preset's own without a name), in both modes."""
        return compare(self, methods or (self.calculator.preset.method,), modes, **settings)

    def data(
        self,
        words: int = 0,
        pictures: int = 0,
        keep_operands: bool = False,
        asked: Mapping[str, Any] | None = None,
    ) -> dict:
        """The result as the command line's JSON object, with the captions made so far."""
        found = self._about() | {"norm": round(self.norm, 6)}
        if self._captions:
            beams = sum((caption.beams for caption in self._captions.values()), ())
            found["captions"] = [
                {"text": b.text, "clip": _rounded(b.clip), "logprob": _rounded(b.logprob)}
                for b in sorted(beams, key=lambda beam: -beam.clip)
            ]
        if words:
            hits = self.words(words, keep_operands=keep_operands)
            found["words"] = [{"text": w.text, "score": _rounded(w.score)} for w in hits]
        if pictures:
            near = self.nearest(pictures, keep_operands=keep_operands, **(asked or {}))
            found["images"] = [_about_hit(hit) for hit in near]
        found["terms"] = [
            {"name": term.name, "weight": round(term.weight, 6)}
            | {"norm": round(term.norm, 6), "cosine": _rounded(term.cosine)}
            for term in self.terms
        ]
        return found | self._timing()

    def directions(self) -> dict[str, np.ndarray]:
        """The vectors (d,) of the expression's operands and, last, the result's."""
        _, found = self._value, {unparse(node): node for node in operands(self.tree)}
        parts = {name: self._evaluation.vectors[node] for name, node in found.items()}
        return {**parts, f"★ {unparse(self.tree)}": self.vector}

    def plot(self, kind: str = "map", **settings: Any) -> "Figure":
        """A matplotlib figure: "map", "cosines", "terms" or "trace" (see `geometry.session`)."""
        from zcalc.geometry.session import shown_of

        return shown_of(self, kind, **settings).plot()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from zcalc.notebook.card import card_html, card_text

        return {"text/plain": card_text(self), "text/html": card_html(self)}


class Results(list[Result | Scalar]):
    """The results of a program, one for each of its statements."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        shown = [result._repr_mimebundle_() for result in self]
        kinds = {"text/plain": "\n\n", "text/html": "\n"}
        return {kind: gap.join(one[kind] for one in shown) for kind, gap in kinds.items()}


def _about_hit(hit: Hit) -> dict[str, Any]:
    """A picture as the JSON object has it; what there is nothing of is left out."""
    about: dict[str, Any] = {"name": hit.name, "path": hit.path, "score": _rounded(hit.score)}
    if hit.metadata:
        about["metadata"] = {name: plain(value) for name, value in hit.metadata.items()}
    if hit.missing:
        about["missing"] = True
    if hit.alike:
        about["alike"] = [_about_hit(other) for other in hit.alike]
    return about


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
