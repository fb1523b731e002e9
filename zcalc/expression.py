"""Expressions: a tree on a calculator, its value, and the operators that build larger ones."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from numbers import Real
from typing import Any, Generic, TypeVar

from zcalc import hooks
from zcalc.answer import Answer, View
from zcalc.errors import ZcalcError
from zcalc.evaluator import Evaluation
from zcalc.gallery import Picture
from zcalc.language import (
    Call,
    Image,
    Inverse,
    Keyword,
    Neg,
    Node,
    Step,
    Text,
    Type,
    Verb,
    check,
    number,
    operands,
    parse,
    product,
    total,
    unparse,
)
from zcalc.space import Space

Embedding = TypeVar("Embedding")  # `result.Result`
Scalar = TypeVar("Scalar")  # `result.Scalar`, for a number
KINDS: dict[Type, type["Expression[Any, Any]"]] = {}  # the class of a value, by its type
STAGES = ("load", "embed", "caption", "words", "nearest")


def represents(kind: Type) -> Callable[[type[Any]], type[Any]]:
    """Make a class the one for values of a type."""

    def register(own: type[Any]) -> type[Any]:
        KINDS[kind] = own
        return own

    return register


class Expression(Generic[Embedding, Scalar]):
    """A tree on a calculator, with its value, which is computed when it is first needed.

    `expr` is its text, `name` what a binding called it, `verb` what follows its `|>`, and `seconds`
    the time each stage took.

    Operators and methods build the tree that the language would: `2 * a - b` and `a.proj(b)` equal
    the text `2 * a - b` and `proj(a, b)` in tree, name and value. Other operands are expressions of
    the same calculator, or numbers.
    """

    card = View()  # what is shown without a verb

    def __init__(self, calculator: Space, tree: Node, source: str | None = None) -> None:
        if source is None:  # built in Python: parse its text, so that errors can point into it
            check(tree)
            source = unparse(tree)
            tree = parse(source)
        self.calculator = calculator
        self.tree = tree
        self.expr = source
        self.name: str | None = None
        self.verb: Verb | None = None
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._source = source

    def __repr__(self) -> str:
        return f"({self.expr})"

    def __add__(self, other: "Expression") -> Embedding:
        return self._combine(other, total)

    def __sub__(self, other: "Expression") -> Embedding:
        return self._combine(other, lambda a, b: total(a, Neg(b)))

    def __neg__(self) -> Embedding:
        return self._result(Neg(self.tree))

    def __mul__(self, other: "float | Expression") -> Embedding:
        return self._combine(other, product)

    def __rmul__(self, other: float) -> Embedding:
        return self._combine(other, lambda a, b: product(b, a))

    def __truediv__(self, other: "float | Expression") -> Embedding:
        return self._combine(other, lambda a, b: product(a, Inverse(b)))

    def mean(self, *others: "Expression") -> Embedding:
        """The mean direction of this and other embeddings, `mean(a, b, …)`."""
        return self._call("mean", *others)

    def unit(self) -> Embedding:
        """The same direction at length 1, `unit(x)`."""
        return self._call("unit")

    def proj(self, on: "Expression") -> Embedding:
        """The projection of this onto another embedding, `proj(x, on)`."""
        return self._call("proj", on)

    def rej(self, off: "Expression", *others: "Expression") -> Embedding:
        """This without its components along other embeddings, `rej(x, off, …)`."""
        return self._call("rej", off, *others)

    def lerp(self, b: "Expression", t: "float | Expression") -> Embedding:
        """Linear interpolation to another embedding, `lerp(a, b, t)`."""
        return self._call("lerp", b, t)

    def slerp(self, b: "Expression", t: "float | Expression") -> Embedding:
        """Spherical interpolation to another embedding, `slerp(a, b, t)`."""
        return self._call("slerp", b, t)

    def analogy(self, b: "Expression", c: "Expression", how: str = "add") -> Any:
        """This is to `b` as `c` is to the result, b − a + c, `analogy(a, b, c)`.

        With `how="mul"` a query by 3CosMul (see `compound.Compound`).
        """
        others = [self._tree_of(b), self._tree_of(c)]
        named = [] if how == "add" else [Keyword("how", Text(how))]
        return self._result(Call("analogy", (self.tree, *others, *named)))

    def edit(self, a: "Expression", b: "Expression", by: "float | Expression" = 1.0) -> Embedding:
        """This with `a` changed to `b`, `edit(x, a, b, by=1)`."""
        return self._call("edit", a, b, by)

    def both(self, *others: "Expression") -> Any:
        """The query for what is near this and the others, `both(a, b, …)`."""
        return self._call("both", *others)

    def either(self, *others: "Expression") -> Any:
        """The query for what is near this or another, `either(a, b, …)`."""
        return self._call("either", *others)

    def butnot(self, other: "Expression") -> Any:
        """The query for what is near this and not near the other, `butnot(a, b)`."""
        return self._call("butnot", other)

    def center(self) -> Embedding:
        """This without its modality's mean embedding, `center(x)`."""
        return self._call("center")

    def cos(self, b: "Expression") -> Scalar:
        """The cosine similarity of this and another embedding, `cos(a, b)`."""
        return self._call("cos", b)

    @cached_property
    def operand_pictures(self) -> dict[Image, Picture]:
        """The pictures of the expression, in its order."""
        images = (node for node in operands(self.tree) if isinstance(node, Image))
        return {node: self.calculator.picture(node, self._source) for node in images}

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the encoder misses of the expression's texts and captions, for people."""
        texts = [node.text for node in operands(self.tree) if isinstance(node, Text)]
        texts += [p.caption for p in self.operand_pictures.values() if p.caption]
        remarks = map(self.calculator.models.encoder.remark, dict.fromkeys(texts))
        return tuple(remark for remark in remarks if remark)

    @property
    def view(self) -> View:
        """What to show: its verb's part, without a verb everything, and nothing for a binding."""
        if self.verb is not None:
            return View.of_verb(self.verb)
        return View() if self.name else self.card

    def answer(self, view: View | None = None) -> Answer:
        """Compute what is shown: the parts that `view` names."""
        raise NotImplementedError

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return hooks.mimebundle(self)

    @staticmethod
    def of_step(calculator: Space, step: Step, evaluation: Evaluation, source: str) -> Any:
        """The value of a program's statement; its errors point into the program's text."""
        result = KINDS[step.type](calculator, step.tree, step.source)
        result.name, result.verb, result._source = step.name, step.verb, source
        result.__dict__["_evaluation"] = evaluation
        return result

    def _result(self, tree: Node) -> Any:
        """The value of a tree on the same calculator."""
        return KINDS[check(tree)](self.calculator, tree)

    @cached_property
    def _evaluation(self) -> Evaluation:
        """The embedded operands; statements of one program share them."""
        with self._timed("embed"):
            return self.calculator.evaluation([self.tree], self._source)

    @cached_property
    def _value(self) -> Any:
        evaluation = self._evaluation
        with self._timed("embed"):
            return evaluation(self.tree)

    def evaluate(self) -> None:
        """Compute the value; raises LanguageError where it has none."""
        _ = self._value

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        """Add the time spent to a stage; loading models meanwhile counts as "load"."""
        start, loaded = time.perf_counter(), self.calculator.models.load_seconds
        try:
            yield
        finally:
            loading = self.calculator.models.load_seconds - loaded
            self.seconds["load"] += loading
            self.seconds[stage] += time.perf_counter() - start - loading

    def _call(self, function: str, *others: Any) -> Any:
        trees = [self.tree, *(self._tree_of(other) for other in others)]
        return self._result(Call(function, tuple(trees)))

    def _combine(self, other: Any, build: Callable[[Node, Node], Node]) -> Any:
        if not isinstance(other, Expression | Real):
            return NotImplemented
        return self._result(build(self.tree, self._tree_of(other)))

    def _tree_of(self, other: Any) -> Node:
        if isinstance(other, Real):
            return number(float(other))
        if not isinstance(other, Expression):
            hint = 'Write calc.txt("a photo") for a text and calc.img("coffee") for a picture.'
            raise ZcalcError(f"{other!r} is not an operand.", hint)
        if other.calculator is not self.calculator:
            hint = "Create both with the same calculator."
            raise ZcalcError("These expressions belong to different calculators.", hint)
        return other.tree
