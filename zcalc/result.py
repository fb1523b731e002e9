"""What an expression comes to: a point, and the words, pictures and sentence nearest to it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.algebra import point
from zcalc.errors import ZcalcError
from zcalc.gallery import Picture
from zcalc.language import (
    Image,
    Inverse,
    Neg,
    Node,
    Text,
    check,
    number,
    operands,
    product,
    total,
    unparse,
)
from zcalc.words import Word

if TYPE_CHECKING:
    from zcalc.calculator import Calculator
    from zcalc.decode.caption import Caption


@dataclass(frozen=True, slots=True)
class Hit:
    """A picture of the gallery with its cosine."""

    name: str
    path: str
    score: float


class Result:
    """An expression on a calculator; everything about it is computed when asked for, once.

    `expr` is its text, `tree` its syntax tree, `seconds` what each part took. Results are added,
    subtracted, and multiplied or divided by numbers, which gives the result of the longer
    expression. In a notebook a result shows itself as a card.
    """

    def __init__(self, calculator: "Calculator", tree: Node, source: str | None = None) -> None:
        check(tree, source)
        self.calculator = calculator
        self.tree = tree
        self.expr = unparse(tree) if source is None else source
        self.seconds = dict.fromkeys(("load", "embed", "caption", "words", "nearest"), 0.0)
        self._captions: dict[Any, Caption] = {}

    def __repr__(self) -> str:
        return f"({self.expr})"

    @cached_property
    def _point(self) -> tuple[np.ndarray, float]:
        with self._timed("embed"):
            return point(self.tree, self.calculator.embed(self.tree, self.expr))

    @property
    def vector(self) -> np.ndarray:
        """The result's direction, (d,) float32, of length 1."""
        return self._point[0]

    @property
    def norm(self) -> float:
        """The result's length before it was normalised."""
        return self._point[1]

    @cached_property
    def operand_pictures(self) -> dict[Image, Picture]:
        """The pictures of the expression, in its order."""
        images = (node for node in operands(self.tree) if isinstance(node, Image))
        return {node: self.calculator.find(node, self.expr) for node in images}

    def words(self, k: int = 10, *, keep_operands: bool = False) -> list[Word]:
        """The `k` nearest words, nearest first, without the expression's own."""
        said = [node.text for node in operands(self.tree) if isinstance(node, Text)]
        said += [picture.name for picture in self.operand_pictures.values()]
        target = self.vector
        with self._timed("words"):
            vocabulary = self.calculator.vocabulary
            return vocabulary.nearest(target, k, () if keep_operands else said)

    def nearest(self, k: int = 5, *, keep_operands: bool = False) -> list[Hit]:
        """The `k` nearest pictures of the gallery, nearest first, without the expression's own."""
        own = {str(picture.path) for picture in self.operand_pictures.values()}
        own = set() if keep_operands else own
        target = self.vector
        with self._timed("nearest"):
            found = self.calculator.pictures.search(target, k + len(own))
        return [Hit(e.name, e.path, score) for e, score in found if e.path not in own][:k]

    def caption(
        self,
        method: str | None = None,
        *,
        on_token: "Callable[[Caption], None] | None" = None,
        **settings: Any,
    ) -> "Caption":
        """Decode the point into a sentence; asked again, the same caption comes at once.

        `method` is "zerocap", "search" or "retrieve" (the preset's own without one), `settings` are
        those of `ZeroCapSettings` or `SearchSettings`: beams, prompt, max_tokens and so on.
        `on_token` sees the caption grow; an interrupt gives what there is so far.
        """
        from zcalc.captions import decode
        from zcalc.decode.caption import latest

        method = method or self.calculator.preset.method
        key = (method, tuple(sorted(settings.items())))
        if key not in self._captions:
            target = self.vector
            with self._timed("caption"):
                self._captions[key] = latest(
                    decode(self.calculator, target, method, settings), on_token
                )
        return self._captions[key]

    def data(self, words: int = 0, pictures: int = 0, keep_operands: bool = False) -> dict:
        """The result as the command line's JSON object, with the captions made so far."""
        found: dict[str, Any] = {
            "expr": self.expr,
            "model": self.calculator.model,
            "norm": round(self.norm, 6),
        }
        if self._captions:
            beams = [b for caption in self._captions.values() for b in caption.beams]
            beams.sort(key=lambda beam: -beam.clip)
            found["captions"] = [
                {"text": b.text, "clip": _rounded(b.clip), "logprob": _rounded(b.logprob)}
                for b in beams
            ]
        if words:
            hits = self.words(words, keep_operands=keep_operands)
            found["words"] = [{"text": w.text, "score": _rounded(w.score)} for w in hits]
        if pictures:
            near = self.nearest(pictures, keep_operands=keep_operands)
            found["images"] = [
                {"name": h.name, "path": h.path, "score": _rounded(h.score)} for h in near
            ]
        return found | {"seconds": {part: round(s, 3) for part, s in self.seconds.items()}}

    def __add__(self, other: "Result") -> "Result":
        return self._made(other, total)

    def __sub__(self, other: "Result") -> "Result":
        return self._made(other, lambda a, b: total(a, Neg(b)))

    def __neg__(self) -> "Result":
        return Result(self.calculator, Neg(self.tree))

    def __mul__(self, other: "float | Result") -> "Result":
        return self._made(other, product)

    def __rmul__(self, other: float) -> "Result":
        return self._made(other, lambda a, b: product(b, a))

    def __truediv__(self, other: float) -> "Result":
        return self._made(other, lambda a, b: product(a, Inverse(b)))

    def _made(self, other: Any, make: Callable[[Node, Node], Node]) -> "Result":
        if isinstance(other, Result):
            if other.calculator is not self.calculator:
                hint = "Make both of them with one calculator."
                raise ZcalcError("These come from different calculators.", hint)
            return Result(self.calculator, make(self.tree, other.tree))
        if isinstance(other, Real):
            return Result(self.calculator, make(self.tree, number(float(other))))
        return NotImplemented

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from zcalc.notebook.card import card_html, card_text

        return {"text/plain": card_text(self), "text/html": card_html(self)}

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        """Count the time spent on a part; loading models meanwhile is counted apart."""
        begin, loaded = time.perf_counter(), self.calculator.seconds
        try:
            yield
        finally:
            loading = self.calculator.seconds - loaded
            self.seconds["load"] += loading
            self.seconds[part] += time.perf_counter() - begin - loading


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
