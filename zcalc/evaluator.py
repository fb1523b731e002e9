"""From a tree and its operands' vectors to a point: every node is worked out once."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from zcalc import algebra
from zcalc.errors import ZcalcError
from zcalc.language import (
    Call,
    Image,
    Inverse,
    LanguageError,
    Neg,
    Node,
    Number,
    Operand,
    Product,
    Sum,
    Text,
    climb,
    error_at,
    folded,
)

if TYPE_CHECKING:
    from zcalc.decode.objective import Toward

CANCELLED = 1e-6  # a norm below this share of what was added up is rounding noise
MEANS = "mean picture", "mean text"
Vectors = Mapping[Operand, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Combination:
    """An embedding (d,) and how it is made: how much it has of each operand, `weights` (n,).

    `size` is the length it would have if all that was added up pointed the same way.
    """

    vector: np.ndarray
    weights: np.ndarray
    size: float
    __array_ufunc__: ClassVar[None] = None  # numpy's numbers leave multiplying to this class

    def __add__(self, other: "Combination") -> "Combination":
        return Combination(
            self.vector + other.vector, self.weights + other.weights, self.size + other.size
        )

    def __mul__(self, scale: float) -> "Combination":
        return Combination(self.vector * scale, self.weights * scale, self.size * abs(scale))

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> "Combination":
        return Combination(self.vector / divisor, self.weights / divisor, self.size / abs(divisor))

    def __sub__(self, other: "Combination") -> "Combination":
        return self + other * -1.0

    def __matmul__(self, other: "Combination") -> float:
        return float(self.vector @ other.vector)


Value = float | Combination
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "mean": algebra.mean,
    "unit": algebra.direction,
    "proj": algebra.proj,
    "rej": algebra.rej,
    "lerp": algebra.lerp,
    "slerp": algebra.slerp,
    "analogy": algebra.analogy,
    "cos": algebra.cos,
    "norm": algebra.norm,
}


class Evaluation:
    """Evaluates expressions over the same operands; what they have in common is computed once.

    `vectors` has one (d,) for each picture and text. `means` gives the mean picture and the mean
    text, two (d,), when `center` first asks for them. `source` is the text that errors point into.
    """

    def __init__(
        self,
        vectors: Vectors,
        source: str | None = None,
        means: Callable[[], tuple[np.ndarray, np.ndarray]] | None = None,
    ) -> None:
        self.operands = (*vectors, *MEANS)  # n operands and the two means
        self._is_text = np.array([isinstance(node, Text) for node in vectors], dtype=bool)  # (n,)
        self._source, self._means = source, means
        self.vectors = vectors
        self._done: dict[Node, Value] = {}
        for i, (node, vector) in enumerate(vectors.items()):
            self._done[node] = self._single(np.asarray(vector, dtype=np.float64), i)

    def __call__(self, node: Node) -> Value:
        """Compute an expression in which no name is left: an embedding, or a number.

        Raises LanguageError, or ZcalcError where there is no source, for what has no direction
        where it needs one, and for numbers too large.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            return climb(folded(node), self._step)

    def terms(self, value: Combination) -> list[tuple[Operand | str, float, float, float]]:
        """Each operand of a value: its weight, its part's length and that part's cosine."""
        found = []
        for i, node in enumerate(self.operands):
            weight = float(value.weights[i])
            if weight == 0:
                continue
            part = self._part(i) * weight
            cosine = algebra.cos(part, value) if algebra.norm(part) else 0.0
            found.append((node, weight, algebra.norm(part), cosine))
        return found

    def scores(self, value: Combination) -> "Toward":
        """A value as an objective: its operands (m, d), weighted by weight times length."""
        from zcalc.decode.objective import Toward

        rows = [(i, float(weight)) for i, weight in enumerate(value.weights) if weight]
        parts = [self._part(i).vector for i, _ in rows]
        weights = [w * algebra.norm(p) for (_, w), p in zip(rows, parts, strict=True)]
        return Toward(np.stack(parts), weights)

    def _part(self, i: int) -> Combination:
        node = self.operands[i]
        return self._mean(i) if isinstance(node, str) else self._single_of(node)

    def _single_of(self, node: Operand) -> Combination:
        single = self._done[node]
        assert isinstance(single, Combination)
        return single

    def _step(self, node: Node, below: list[Value]) -> Value:
        if node in self._done:
            return self._done[node]
        try:
            value = self._settled(self._compute(node, below))
        except LanguageError:
            raise
        except (ZcalcError, OverflowError) as error:
            if not isinstance(error, ZcalcError):
                error = _too_large()
            if self._source is None:
                raise error from None
            raise error_at(self._source, node.span, error.message, error.hint) from error
        self._done[node] = value
        return value

    def _compute(self, node: Node, below: list[Any]) -> Value:  # noqa: PLR0911  (one case a node)
        match node:
            case Image() | Text():
                raise KeyError(f"no vector for {node}")
            case Number(value):
                return value
            case Neg():
                return below[0] * -1.0
            case Inverse():
                return _inverse(below[0])
            case Sum():
                return sum(below[1:], below[0])
            case Product():
                return math.prod(below[1:], start=below[0])
            case Call("center"):
                return self._centered(below[0])
            case Call(function):
                return _FUNCTIONS[function](*below)
        raise TypeError(f"no expression: {node!r}")

    def _settled(self, value: Value) -> Value:
        """Refuse what is not finite; rounding noise left of a sum is the zero it stands for."""
        if not isinstance(value, Combination):
            if math.isfinite(value):
                return value
            raise _too_large()
        length = algebra.norm(value)
        if not (math.isfinite(length) and math.isfinite(value.size)):
            raise _too_large()
        if 0 < length <= CANCELLED * value.size:
            return Combination(0 * value.vector, value.weights, value.size)
        return value

    def _centered(self, value: Combination) -> Combination:
        """Take out the mean picture as often as there are pictures in a value, texts likewise."""
        texts = float(value.weights[:-2][self._is_text].sum() + value.weights[-1])
        pictures = float(value.weights[:-2][~self._is_text].sum() + value.weights[-2])
        n = len(self.operands)
        return algebra.center(value, pictures * self._mean(n - 2) + texts * self._mean(n - 1))

    def _mean(self, i: int) -> Combination:
        if self._means is None:
            hint = "Evaluate the expression with a calculator."
            raise ZcalcError("The mean picture and the mean text are not known here", hint)
        return self._single(np.asarray(self._means()[i - len(self.operands)], np.float64), i)

    def _single(self, vector: np.ndarray, i: int) -> Combination:
        weights = np.zeros(len(self.operands))  # (n + 2,)
        weights[i] = 1.0
        return Combination(vector, weights, algebra.norm(vector))


def evaluate(node: Node, vectors: Vectors) -> np.ndarray | float:
    """Compute an expression: an embedding (d,) float64, or a number.

    >>> tea, cup = Text("tea"), Text("cup")
    >>> evaluate(Sum((tea, Neg(cup))), {tea: np.array([1.0, 0.0]), cup: np.array([0.0, 1.0])})
    array([ 1., -1.])
    """
    value = Evaluation(vectors)(node)
    return value.vector if isinstance(value, Combination) else value


def point(value: Value) -> tuple[np.ndarray, float]:
    """An embedding's direction (d,) float32, of length 1, and its norm before that.

    Raises ZcalcError where the operands cancel out, so that no direction is left.
    """
    assert isinstance(value, Combination), "a number has no direction"
    length = algebra.norm(value)
    if length == 0:
        raise ZcalcError(
            "The expression cancels out: nothing is left of it, so it has no direction.",
            "Change an operand or its weight, so that what is added is not all taken away.",
        )
    return algebra.unit(value.vector).astype(np.float32), length


def _inverse(divisor: float) -> float:
    if divisor == 0:
        raise ZcalcError("This divides by zero", "Divide by any other number.")
    return 1 / divisor


def _too_large() -> ZcalcError:
    return ZcalcError("The expression's numbers are too large.", "Make them smaller.")
