"""The evaluator: a syntax tree and the vectors of its operands to its value.

That is a number, an embedding, a set of pictures or a query.
"""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc import algebra
from zcalc.combination import Combination, point
from zcalc.compound import Compound, PictureVectors, compound
from zcalc.errors import ZcalcError
from zcalc.language import (
    Call,
    Image,
    Inverse,
    Keyword,
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
REST = "taken out by a set"
Vectors = Mapping[Operand, np.ndarray]


Value = float | Combination | PictureVectors | Compound
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "unit": algebra.direction,
    "proj": algebra.proj,
    "lerp": algebra.lerp,
    "slerp": algebra.slerp,
    "edit": algebra.edit,
    "cos": algebra.cos,
    "norm": algebra.norm,
}


class Evaluation:
    """Evaluates expressions over the same operands, computing shared subexpressions only once.

    `vectors` maps every picture and text to its vector (d,), `sets` every `imgs(…)` to its unit
    vectors (n, d). `means` returns the mean picture and the mean text, two (d,), and is called only
    for `center`. `source` is the text for error locations.
    """

    def __init__(
        self,
        vectors: Vectors,
        source: str | None = None,
        means: Callable[[], tuple[np.ndarray, np.ndarray]] | None = None,
        sets: Mapping[Call, np.ndarray] | None = None,
    ) -> None:
        sets = sets or {}
        self.operands = (*vectors, *sets, *MEANS)  # n operands and the two means
        self._is_text = np.array([isinstance(n, Text) for n in self.operands[:-2]], dtype=bool)
        self._source, self._means = source, means
        self.vectors = vectors
        self._values: dict[Node, Value] = {}
        for i, (node, vector) in enumerate(vectors.items()):
            self._values[node] = self._single(np.asarray(vector, dtype=np.float64), i)
        for i, (pictures, rows) in enumerate(sets.items(), len(vectors)):
            self._values[pictures] = PictureVectors(np.asarray(rows, dtype=np.float64), i)

    def __call__(self, node: Node) -> Value:
        """Evaluate an expression without names to an embedding or a number.

        Raises LanguageError, or ZcalcError without a source, for overflow, for division by zero and
        for a zero vector where a direction is needed.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            return bottom_up(fold_constants(node), self._step)

    def terms(self, value: Combination) -> list[tuple[Node | str, float, float, float]]:
        """Return each operand of a value with its weight, and its term's norm and cosine.

        The last may be the rest: what `rej` took out for a set, which is no multiple of its mean.
        """
        terms: list[tuple[Node | str, float, float, float]] = []
        for i, node in enumerate(self.operands):
            weight = float(value.weights[i])
            if weight == 0:
                continue
            term = self._operand(i) * weight
            cosine = algebra.cos(term, value) if algebra.norm(term) else 0.0
            terms.append((node, weight, algebra.norm(term), cosine))
        if (rest := self._rest(value)) is not None:
            cosine = float(rest @ value.vector) / (algebra.norm(rest) * algebra.norm(value))
            terms.append((REST, 1.0, algebra.norm(rest), cosine))
        return terms

    def _rest(self, value: Combination) -> np.ndarray | None:
        """What the weighted operands lack of a value, (d,), if it is more than rounding noise."""
        if len(self.operands) == len(self.vectors) + len(MEANS):
            return None
        used = (i for i in range(len(self.operands)) if value.weights[i])
        known = sum(self._operand(i).vector * value.weights[i] for i in used)
        rest = value.vector - known
        return rest if algebra.norm(rest) > CANCELLED * value.size else None

    def parts(self, tree: Node, value: Combination) -> Parts | None:
        """Return the operands of an expression for ranking words, without those that set a scene.

        If all of them do, they all stay. None for an expression of sets alone.
        """
        weights = dict(zip(self.vectors, value.weights[: len(self.vectors)], strict=True))
        used = [node for node in operands(tree) if weights.get(node)]
        if not used:
            return None
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
        if (rest := self._rest(value)) is not None:
            operands, weights = [*operands, rest], [*weights, algebra.norm(rest)]
        return Toward(np.stack(operands), weights)

    def _operand(self, i: int) -> Combination:
        node = self.operands[i]
        if isinstance(node, str):
            return self._mean(i)
        value = self._values[node]
        if isinstance(value, PictureVectors):
            return self._single(value.vectors.mean(axis=0), i)
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
            case Keyword():
                return values[0] if values else 0.0  # the constant of `how`
            case Call():
                return self._call(node, values)
        raise TypeError(f"not an expression: {node!r}")

    def _call(self, node: Call, values: list[Any]) -> Value:  # noqa: PLR0911  (one case per call)
        match node:
            case Call("center"):
                return self._centered(values[0])
            case Call("mean"):
                return self._mean_of(values)
            case Call("rej"):
                return self._without(*values)
            case Call("both" | "either" | "butnot" as operator):
                return compound(operator, map(_part, values))
            case Call("analogy", (*_, Keyword("how", Text("mul")))):
                return compound("mul", map(_part, values[:3]))
            case Call("diff"):
                return values[0]  # what is compared is asked of its sets
            case Call("analogy"):
                return algebra.analogy(*values[:3])
        return _FUNCTIONS[node.function](*values)

    def _checked(self, value: Value) -> Value:
        """Raise for a value that is not finite, and round to zero what is only rounding noise."""
        if isinstance(value, PictureVectors | Compound):
            return value
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

    def _mean_of(self, values: list[Any]) -> Combination:
        """The mean direction of embeddings and of all pictures in sets."""
        return algebra.mean(
            *(self._total(v) if isinstance(v, PictureVectors) else v for v in values)
        )

    def _total(self, value: PictureVectors) -> algebra.Total:
        """The sum of a set's directions: its mean, times their number."""
        count = len(value.vectors)
        single = self._single(value.vectors.mean(axis=0), value.index)
        return algebra.Total(single * float(count), count)

    def _without(self, x: Combination, *off: Any) -> Combination:
        """Take out of `x` all that the other embeddings and sets span."""
        sets = [value for value in off if isinstance(value, PictureVectors)]
        if not sets:
            return algebra.rej(x, *off)
        rows = [v.vectors if isinstance(v, PictureVectors) else algebra.unit(v.vector)[None]
                for v in off]  # fmt: skip
        left = algebra.without_span(x.vector, np.concatenate(rows))  # (d,)
        return Combination(left, x.weights, x.size)

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


def _part(value: Any) -> Any:
    """A part of a query: an embedding as its unit point (d,)."""
    return point(value)[0].astype(np.float64) if isinstance(value, Combination) else value


def _inverse(divisor: float) -> float:
    if divisor == 0:
        raise ZcalcError("Division by zero", "Divide by another number.")
    return 1 / divisor


def _too_large() -> ZcalcError:
    return ZcalcError("The numbers in this expression are too large", "Use smaller numbers.")
