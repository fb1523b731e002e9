"""Arithmetic in Python: the operators and methods that build the same trees as the language."""

from collections.abc import Callable
from numbers import Real
from typing import Any, Generic, TypeVar

from zcalc.errors import ZcalcError
from zcalc.language import (
    Call,
    Inverse,
    Neg,
    Node,
    check,
    number,
    parse,
    product,
    total,
    unparse,
)

Embedding = TypeVar("Embedding")  # what an expression gives: `result.Result`
Scalar = TypeVar("Scalar")  # or, for a number, `result.Scalar`


class Expression(Generic[Embedding, Scalar]):
    """A tree on a calculator; `expr` is its text.

    Operators and methods build the tree that the language would: `2 * a - b` and `a.proj(b)` equal
    the text `2 * a - b` and `proj(a, b)` in tree, name and value. Other operands are expressions of
    the same calculator, or numbers.
    """

    def __init__(self, calculator: Any, tree: Node, source: str | None = None) -> None:
        if source is None:  # built in Python: parse its text, so that errors can point into it
            check(tree)
            source = unparse(tree)
            tree = parse(source)
        self.calculator = calculator
        self.tree = tree
        self.expr = source

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

    def rej(self, off: "Expression") -> Embedding:
        """The rejection of this from another embedding: x − proj(x, off), `rej(x, off)`."""
        return self._call("rej", off)

    def lerp(self, b: "Expression", t: "float | Expression") -> Embedding:
        """Linear interpolation to another embedding, `lerp(a, b, t)`."""
        return self._call("lerp", b, t)

    def slerp(self, b: "Expression", t: "float | Expression") -> Embedding:
        """Spherical interpolation to another embedding, `slerp(a, b, t)`."""
        return self._call("slerp", b, t)

    def analogy(self, b: "Expression", c: "Expression") -> Embedding:
        """This is to `b` as `c` is to the result, b − a + c, `analogy(a, b, c)`."""
        return self._call("analogy", b, c)

    def center(self) -> Embedding:
        """This without its modality's mean embedding, `center(x)`."""
        return self._call("center")

    def cos(self, b: "Expression") -> Scalar:
        """The cosine similarity of this and another embedding, `cos(a, b)`."""
        return self._call("cos", b)

    def _result(self, tree: Node) -> Any:
        """The result of a tree on the same calculator."""
        raise NotImplementedError

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
