"""The evaluator: a syntax tree and the vectors of its operands to an embedding or a number."""

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
    bottom_up,
    error_at,
    fold_constants,
    operands,
)
from zcalc.ranking import Parts
from zcalc.words import sets_scene

if TYPE_CHECKING:
    from zcalc.decode.objective import Toward

CANCELLED = 1e-6  # a norm values this fraction of `Combination.size` is rounding noise
MEANS = "mean picture", "mean text"
Vectors = Mapping[Operand, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Combination:
    """An embedding (d,) as a linear combination of the operands, with their weights (n,).

    `size` is the norm it would have if all its terms pointed in the same direction.
    """

    vector: np.ndarray
    weights: np.ndarray
    size: float
    __array_ufunc__: ClassVar[None] = None  # numpy scalars defer to __rmul__

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
    """Evaluates expressions over the same operands, computing shared subexpressions only once.

    `vectors` maps every picture and text to its vector (d,). `means` returns the mean picture and
    the mean text, two (d,), and is called only for `center`. `source` is the text for error
    locations.
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
        self._values: dict[Node, Value] = {}
        for i, (node, vector) in enumerate(vectors.items()):
            self._values[node] = self._single(np.asarray(vector, dtype=np.float64), i)

    def __call__(self, node: Node) -> Value:
        """Evaluate an expression without names to an embedding or a number.

        Raises LanguageError, or ZcalcError without a source, for overflow, for division by zero and
        for a zero vector where a direction is needed.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            return bottom_up(fold_constants(node), self._step)

    def terms(self, value: Combination) -> list[tuple[Operand | str, float, float, float]]:
        """Return each operand of a value with its weight, and its term's norm and cosine."""
        terms = []
        for i, node in enumerate(self.operands):
            weight = float(value.weights[i])
            if weight == 0:
                continue
            term = self._operand(i) * weight
            cosine = algebra.cos(term, value) if algebra.norm(term) else 0.0
            terms.append((node, weight, algebra.norm(term), cosine))
        return terms

    def parts(self, tree: Node, value: Combination) -> Parts:
        """Return the operands of an expression for ranking words, without those that set a scene.

        If all of them do, they all stay.
        """
        weights = dict(zip(self.vectors, value.weights[: len(self.vectors)], strict=True))
        used = [node for node in operands(tree) if weights[node]]
        scene = {n for n in used if isinstance(n, Text) and sets_scene(n.text)}
        kept = [node for node in used if node not in scene]
        if not kept:
            kept, scene = used, set()
        images = [i for i, node in enumerate(kept) if isinstance(node, Image)]
        rest = value.vector - sum(weights[node] * self.vectors[node] for node in scene)
        return Parts(
            vectors=algebra.unit(np.stack([self.vectors[node] for node in kept])).astype("f4"),
            weights=np.array([weights[node] for node in kept]),
            subject=next((i for i in images if weights[kept[i]] > 0), None),
            lenders=tuple(
                node.name if isinstance(node, Image) else node.text
                for node in kept
                if isinstance(node, Image) or weights[node] < 0
            ),
            aim=algebra.unit(rest).astype("f4") if scene else None,
        )

    def objective(self, value: Combination) -> "Toward":
        """Return the decoding objective: the operands (m, d), weighted by weight times norm."""
        from zcalc.decode.objective import Toward

        nonzero = [(i, float(weight)) for i, weight in enumerate(value.weights) if weight]
        operands = [self._operand(i).vector for i, _ in nonzero]
        weights = [w * algebra.norm(v) for (_, w), v in zip(nonzero, operands, strict=True)]
        return Toward(np.stack(operands), weights)

    def _operand(self, i: int) -> Combination:
        node = self.operands[i]
        if isinstance(node, str):
            return self._mean(i)
        value = self._values[node]
        assert isinstance(value, Combination)
        return value

    def _step(self, node: Node, values: list[Value]) -> Value:
        if node in self._values:
            return self._values[node]
        try:
            value = self._checked(self._compute(node, values))
        except LanguageError:
            raise
        except (ZcalcError, OverflowError) as error:
            if not isinstance(error, ZcalcError):
                error = _too_large()
            if self._source is None:
                raise error from None
            raise error_at(self._source, node.span, error.message, error.hint) from error
        self._values[node] = value
        return value

    def _compute(self, node: Node, values: list[Any]) -> Value:  # noqa: PLR0911  (one case per node)
        match node:
            case Image() | Text():
                raise KeyError(f"no vector for {node}")
            case Number(value):
                return value
            case Neg():
                return values[0] * -1.0
            case Inverse():
                return _inverse(values[0])
            case Sum():
                return sum(values[1:], values[0])
            case Product():
                return math.prod(values[1:], start=values[0])
            case Call("center"):
                return self._centered(values[0])
            case Call(function):
                return _FUNCTIONS[function](*values)
        raise TypeError(f"not an expression: {node!r}")

    def _checked(self, value: Value) -> Value:
        """Raise for a value that is not finite, and round to zero what is only rounding noise."""
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
        """Subtract the mean picture, times the total weight of pictures, and likewise for texts."""
        texts = float(value.weights[:-2][self._is_text].sum() + value.weights[-1])
        pictures = float(value.weights[:-2][~self._is_text].sum() + value.weights[-2])
        n = len(self.operands)
        return algebra.center(value, pictures * self._mean(n - 2) + texts * self._mean(n - 1))

    def _mean(self, i: int) -> Combination:
        if self._means is None:
            message = "center() needs the mean picture and the mean text"
            raise ZcalcError(message, "Evaluate the expression with a calculator.")
        return self._single(np.asarray(self._means()[i - len(self.operands)], np.float64), i)

    def _single(self, vector: np.ndarray, i: int) -> Combination:
        weights = np.zeros(len(self.operands))  # (n + 2,)
        weights[i] = 1.0
        return Combination(vector, weights, algebra.norm(vector))


def point(value: Value) -> tuple[np.ndarray, float]:
    """Return the direction of an embedding, (d,) float32 of length 1, and its norm.

    Raises ZcalcError if the operands cancel out, leaving no direction.

    >>> tea, cup = Text("tea"), Text("cup")
    >>> evaluation = Evaluation({tea: np.array([3.0, 0.0]), cup: np.array([0.0, 4.0])})
    >>> point(evaluation(Sum((tea, Neg(cup)))))
    (array([ 0.6, -0.8], dtype=float32), 5.0)
    """
    assert isinstance(value, Combination), "a number has no direction"
    length = algebra.norm(value)
    if length == 0:
        raise ZcalcError(
            "The expression cancels out to zero, so it has no direction",
            "Change an operand or its weight so that the terms do not cancel.",
        )
    return algebra.unit(value.vector).astype(np.float32), length


def _inverse(divisor: float) -> float:
    if divisor == 0:
        raise ZcalcError("Division by zero", "Divide by another number.")
    return 1 / divisor


def _too_large() -> ZcalcError:
    return ZcalcError("The numbers in this expression are too large", "Use smaller numbers.")
