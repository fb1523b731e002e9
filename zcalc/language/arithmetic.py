"""The types of sums, products and quotients, and why some are refused."""

import math
import re
from typing import TypeAlias

from zcalc.language.errors import LanguageError, error_at
from zcalc.language.formatter import unparse
from zcalc.language.literals import LARGEST_HINT
from zcalc.language.signatures import Type, with_article
from zcalc.language.tree import Inverse, Product, Span, Sum

Kind: TypeAlias = float | Type  # a type, or the value of a constant
NOT_ADDED = {  # what stands in no sum or product, and the way out
    Type.QUERY: 'Put the arithmetic inside it, as in both(img(a) + img(b), "c"), '
    "or combine queries with both and either.",
    Type.SET: 'Take its mean: mean(imgs("trips/*")).',
    Type.DIFFERENCE: "Subtract the means instead: mean(imgs(…)) - mean(imgs(…)).",
}


def sum_kind(source: str, node: Sum, kinds: list[Kind]) -> Kind:
    """Add numbers or embeddings, but not both."""
    _refuse(source, node.terms, kinds, "Cannot add or subtract")
    numbers = [kind for kind in kinds if kind is not Type.EMBEDDING]
    if not numbers:
        return Type.EMBEDDING
    constants = [kind for kind in kinds if isinstance(kind, float)]
    if len(constants) == len(kinds):
        return finite(source, sum(constants), node.span)
    if len(numbers) == len(kinds):
        return Type.NUMBER
    odd = next(t for t, k in zip(node.terms, kinds, strict=True) if k is not Type.EMBEDDING)
    message = "Cannot add or subtract a number and an embedding"
    hint = (
        "Multiply or divide by the number instead, as in 2 * img(coffee), "
        'or quote it to use it as text: "2".'
    )
    raise error_at(source, odd.span, message, hint)


def product_kind(source: str, node: Product, kinds: list[Kind]) -> Kind:
    """Multiply numbers and at most one embedding."""
    _refuse(source, node.factors, kinds, "Cannot multiply")
    scale, embedding = 1.0, -1  # the constant factor, the index of the embedding
    for i, kind in enumerate(kinds):
        if isinstance(kind, float):
            scale = finite(source, scale * kind, node.span)
        elif kind is Type.EMBEDDING and embedding >= 0:
            raise _two_embeddings(source, node, embedding, i)
        elif kind is Type.EMBEDDING:
            embedding = i
    if embedding >= 0:
        return Type.EMBEDDING
    return scale if all(isinstance(kind, float) for kind in kinds) else Type.NUMBER


def negated_kind(source: str, kind: Kind, span: Span) -> Kind:
    """Negate a number or an embedding."""
    if isinstance(kind, float):
        return -kind
    if kind in NOT_ADDED:
        raise error_at(source, span, f"Cannot negate {with_article(kind)}", NOT_ADDED[kind])
    return kind


def inverse_kind(source: str, node: Inverse, kind: Kind) -> Kind:
    """Return the reciprocal of a number, refusing everything else and zero."""
    span = node.operand.span
    if isinstance(kind, Type) and kind is not Type.NUMBER:
        hint = "To subtract it, use -. Only numbers can be divisors: img(coffee) / 2."
        hint = NOT_ADDED.get(kind, hint)
        raise error_at(source, span, f"Cannot divide by {with_article(kind)}", hint)
    if not isinstance(kind, float):
        return kind
    if kind == 0:
        raise error_at(source, span, "Division by zero", "Divide by another number.")
    return finite(source, 1 / kind, span)


def finite(source: str, value: float, span: Span) -> float:
    """Return the value, or raise if it overflows."""
    if math.isfinite(value):
        return value
    raise error_at(source, span, "This number is too large", LARGEST_HINT)


def _refuse(source: str, nodes: tuple, kinds: list[Kind], message: str) -> None:
    for node, kind in zip(nodes, kinds, strict=True):
        if isinstance(kind, Type) and kind in NOT_ADDED:
            hint = NOT_ADDED[kind]
            raise error_at(source, node.span, f"{message} {with_article(kind)}", hint)


def _two_embeddings(source: str, node: Product, first: int, second: int) -> LanguageError:
    """Build the error for `img(a) * img(b)`, with its caret under the `*`."""
    left, right = node.factors[second - 1].span, node.factors[second].span
    gap = source[left.end : right.start]
    gap = re.sub(r"#[^\n]*", lambda comment: " " * len(comment[0]), gap)
    sign = re.search(r"[*×·]", gap)
    at = left.end + sign.start() if sign else right.start
    operands = f"{unparse(node.factors[first])}, {unparse(node.factors[second])}"
    message = "Cannot multiply two embeddings"
    hint = (
        f"To compare them, use cos({operands if len(operands) <= 40 else 'a, b'}). "
        "To combine them, use +."
    )
    return error_at(source, Span(at, at + 1), message, hint)
