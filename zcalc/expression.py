"""An expression on a calculator, to calculate with from Python as the language does."""

from collections.abc import Callable
from numbers import Real
from typing import TYPE_CHECKING, Any

from zcalc.errors import ZcalcError
from zcalc.language import (
    Call,
    Inverse,
    Neg,
    Node,
    Type,
    check,
    number,
    parse,
    product,
    total,
    unparse,
)

if TYPE_CHECKING:
    from zcalc.calculator import Calculator
    from zcalc.result import Result, Scalar


class Expression:
    """A tree on a calculator; `expr` is its text.

    Operators and methods give the expression that the language has for them: `2 * a - b` and
    `a.proj(b)` are those of the text `2 * a - b` and `proj(a, b)`, in tree, name and value. Other
    operands are expressions of the same calculator, or numbers.
    """

    def __init__(self, calculator: "Calculator", tree: Node, source: str | None = None) -> None:
        if source is None:  # made in Python: its text says where its parts are
            check(tree)
            source = unparse(tree)
            tree = parse(source)
        self.calculator = calculator
        self.tree = tree
        self.expr = source

    def __repr__(self) -> str:
        return f"({self.expr})"

    def __add__(self, other: "Expression") -> "Result":
        return self._made(other, total)

    def __sub__(self, other: "Expression") -> "Result":
        return self._made(other, lambda a, b: total(a, Neg(b)))

    def __neg__(self) -> "Result":
        return _made(self.calculator, Neg(self.tree))

    def __mul__(self, other: "float | Expression") -> "Result":
        return self._made(other, product)

    def __rmul__(self, other: float) -> "Result":
        return self._made(other, lambda a, b: product(b, a))

    def __truediv__(self, other: "float | Expression") -> "Result":
        return self._made(other, lambda a, b: product(a, Inverse(b)))

    def mean(self, *others: "Expression") -> "Result":
        """The mean direction of this and others, `mean(a, b, …)`."""
        return self._call("mean", *others)

    def unit(self) -> "Result":
        """The same direction, of length 1, `unit(x)`."""
        return self._call("unit")

    def proj(self, on: "Expression") -> "Result":
        """The part of this along another, `proj(x, on)`."""
        return self._call("proj", on)

    def rej(self, off: "Expression") -> "Result":
        """This without its part along another, `rej(x, off)`."""
        return self._call("rej", off)

    def lerp(self, b: "Expression", t: "float | Expression") -> "Result":
        """The point at `t` of the straight line to another, `lerp(a, b, t)`."""
        return self._call("lerp", b, t)

    def slerp(self, b: "Expression", t: "float | Expression") -> "Result":
        """The direction at `t` of the arc to another, `slerp(a, b, t)`."""
        return self._call("slerp", b, t)

    def analogy(self, b: "Expression", c: "Expression") -> "Result":
        """What is to `c` as `b` is to this, `analogy(a, b, c)`."""
        return self._call("analogy", b, c)

    def center(self) -> "Result":
        """This without the mean picture or mean text, `center(x)`."""
        return self._call("center")

    def cos(self, b: "Expression") -> "Scalar":
        """How alike this and another are, `cos(a, b)`: a number."""
        return self._call("cos", b)

    def _call(self, function: str, *others: Any) -> Any:
        trees = [self.tree, *(self._tree_of(other) for other in others)]
        return _made(self.calculator, Call(function, tuple(trees)))

    def _made(self, other: Any, make: Callable[[Node, Node], Node]) -> Any:
        if not isinstance(other, Expression | Real):
            return NotImplemented
        return _made(self.calculator, make(self.tree, self._tree_of(other)))

    def _tree_of(self, other: Any) -> Node:
        if isinstance(other, Real):
            return number(float(other))
        if not isinstance(other, Expression):
            hint = 'Write calc.txt("a photo") for a text, calc.img("coffee") for a picture.'
            raise ZcalcError(f"{other!r} is nothing to calculate with.", hint)
        if other.calculator is not self.calculator:
            hint = "Make both of them with one calculator."
            raise ZcalcError("These come from different calculators.", hint)
        return other.tree


def _made(calculator: "Calculator", tree: Node) -> Any:
    """Make the result of a tree, or the number."""
    from zcalc.result import Result, Scalar

    return (Scalar if check(tree) is Type.NUMBER else Result)(calculator, tree)
