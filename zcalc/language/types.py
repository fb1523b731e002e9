"""The type pass: what kind of thing an expression is, before any model is loaded."""

import math
import re
from enum import Enum

from zcalc.language.errors import LanguageError, error_at
from zcalc.language.formatter import unparse
from zcalc.language.parser import MAX_DEPTH, parse
from zcalc.language.tree import (
    NOWHERE,
    Image,
    Inverse,
    Neg,
    Node,
    Number,
    Product,
    Span,
    Sum,
    Text,
    children,
)


class Type(Enum):
    """What an expression stands for."""

    NUMBER = "number"
    EMBEDDING = "embedding"


def check(node: Node, source: str | None = None) -> Type:
    """Give the type of an expression, or raise `LanguageError` where it makes no sense.

    `source` is the text the tree was parsed from; without it errors show the tree as `unparse`
    prints it. A number alone is refused too: it has no picture or text to show.

    >>> check(parse('2 * img(coffee) - "coffee"'))
    <Type.EMBEDDING: 'embedding'>
    """
    if source is None:
        if _levels(node) > 4 * MAX_DEPTH:  # one parenthesis may hold a sum, sign, product, divisor
            raise error_at("", NOWHERE, "The expression is nested too deep", "Split it.")
        source = unparse(node)
        node = parse(source)
    if _value(node, source) is None:
        return Type.EMBEDDING
    raise error_at(
        source,
        node.span,
        "This is a number, and there is no picture or text in it",
        'Numbers say how much of something to take: 2 * img(coffee), "tea" / 3.',
    )


def _value(node: Node, source: str) -> float | None:
    """Give the value of a number, or None for an embedding."""
    match node:
        case Image() | Text():
            return None
        case Number(value):
            return value
        case Neg(operand):
            taken = _value(operand, source)
            return None if taken is None else -taken
        case Inverse(operand):
            return _inverse(operand, source)
        case Sum():
            return _sum(node, source)
        case Product():
            return _product(node, source)


def _sum(node: Sum, source: str) -> float | None:
    """Add numbers, or make sure that there are none."""
    values = [_value(term, source) for term in node.terms]
    numbers = [value for value in values if value is not None]
    if not numbers:
        return None
    if len(numbers) == len(values):
        return _finite(sum(numbers), node.span, source)
    odd = next(t for t, value in zip(node.terms, values, strict=True) if value is not None)
    raise error_at(
        source,
        odd.span,
        "A number cannot be added to pictures and texts, or taken from them",
        'Numbers multiply or divide: 2 * img(coffee). A text that is a number has quotes: "2".',
    )


def _product(node: Product, source: str) -> float | None:
    """Multiply numbers, making sure that at most one factor is an embedding."""
    scale, embedding = 1.0, False
    for i, factor in enumerate(node.factors):
        value = _value(factor, source)
        if value is not None:
            scale = _finite(scale * value, node.span, source)
        elif embedding:
            raise _two_embeddings(node.factors[i - 1].span, factor.span, source)
        else:
            embedding = True
    return None if embedding else scale


def _two_embeddings(left: Span, right: Span, source: str) -> LanguageError:
    """Make the error for `img(a) * img(b)`, with its caret under the sign."""
    between = re.sub(r"#[^\n]*", lambda m: " " * len(m[0]), source[left.end : right.start])
    sign = re.search(r"[*×·]", between)
    at = left.end + sign.start() if sign else right.start
    return error_at(
        source,
        Span(at, at + 1),
        "Pictures and texts cannot be multiplied with one another",
        "Add them up with + instead; only a number multiplies: 2 * img(coffee).",
    )


def _inverse(divisor: Node, source: str) -> float:
    """Give one over a number, refusing embeddings and zero."""
    value = _value(divisor, source)
    if value is None:
        raise error_at(
            source,
            divisor.span,
            "Nothing can be divided by a picture or text",
            "To take it away write - instead of /; only a number divides: img(coffee) / 2.",
        )
    if value == 0:
        message = "This divides by zero"
        raise error_at(source, divisor.span, message, "Divide by any other number.")
    return _finite(1 / value, divisor.span, source)


def _finite(value: float, span: Span, source: str) -> float:
    """Pass a number on unless it is beyond what a computer holds."""
    if math.isfinite(value):
        return value
    raise error_at(source, span, "This number becomes too large", "1e308 is about the most.")


def _levels(node: Node) -> int:
    """Count how deep nodes stand in one another."""
    levels, level = 0, [node]
    while level:
        levels, level = levels + 1, [child for one in level for child in children(one)]
    return levels
