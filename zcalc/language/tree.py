"""The syntax tree: what an expression says, before anything is looked up or computed.

Nodes are equal when they say the same; where they stood in the source (`span`) plays no part.
`total` and `product` keep sums and products flat, so text and Python operators give one tree.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from zcalc.errors import ZcalcError


class Span(NamedTuple):
    """The characters from `start` up to, not including, `end` of the source, counted from 0."""

    start: int
    end: int


NOWHERE = Span(0, 0)  # of a node that was not read from text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """What all nodes have: their place, which stays out of equality, hash and repr."""

    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Image(_Placed):
    """A picture: `img(coffee)` by its name or, quoted, `img("trips/rome.jpg")` by its path."""

    name: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Text(_Placed):
    """A text: `"a photo"` or `txt("a photo")`."""

    text: str


@dataclass(frozen=True, slots=True)
class Number(_Placed):
    """A number, never below zero: `-2` is `Neg(Number(2))`."""

    value: float


@dataclass(frozen=True, slots=True)
class Neg(_Placed):
    """What is taken away: `-x`, and the `b` of `a - b`, where the span takes in the sign."""

    operand: "Node"


@dataclass(frozen=True, slots=True)
class Inverse(_Placed):
    """A factor that divides: the `3` of `x / 3`, where the span takes in the stroke."""

    operand: "Node"


@dataclass(frozen=True, slots=True)
class Sum(_Placed):
    """Two or more terms, none of them a `Sum`: `a - b` is `Sum((a, Neg(b)))`."""

    terms: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Product(_Placed):
    """Two or more factors, none of them a `Product`: `x / 3` is `Product((x, Inverse(3)))`."""

    factors: tuple["Node", ...]


Node: TypeAlias = Image | Text | Number | Neg | Inverse | Sum | Product


def number(value: float) -> Node:
    """Make a number of either sign; one that is not finite is refused.

    >>> number(-2)
    Neg(operand=Number(value=2.0))
    """
    if not math.isfinite(value):
        raise ZcalcError(f"{value} is not a number to calculate with", "It has to be finite.")
    return Neg(Number(-float(value))) if value < 0 else Number(float(value))


def total(*terms: Node, span: Span = NOWHERE) -> Sum:
    """Add up, opening any term that is a sum itself; take away a term by wrapping it in `Neg`.

    >>> a, b, c = Text("a"), Text("b"), Text("c")
    >>> total(total(a, Neg(b)), c) == total(a, Neg(b), c)
    True
    """
    flat = (t.terms if isinstance(t, Sum) else (t,) for t in terms)
    return Sum(tuple(t for group in flat for t in group), span=span)


def product(*factors: Node, span: Span = NOWHERE) -> Product:
    """Multiply, opening any factor that is a product; divide by one by wrapping it in `Inverse`."""
    flat = (f.factors if isinstance(f, Product) else (f,) for f in factors)
    return Product(tuple(f for group in flat for f in group), span=span)


def children(node: Node) -> tuple[Node, ...]:
    """Give the nodes directly under this one, in the order of the source."""
    match node:
        case Sum(terms):
            return terms
        case Product(factors):
            return factors
        case Neg(operand) | Inverse(operand):
            return (operand,)
        case _:
            return ()


def uses(node: Node) -> Iterator[Image | Text]:
    """Give every use of a picture or text, in the order of the source."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Image | Text):
            yield node
        waiting.extend(reversed(children(node)))


def operands(node: Node) -> tuple[Image | Text, ...]:
    """Give each picture and text once, in the order of the source.

    >>> operands(total(Image("tea"), Text("a cup"), Neg(Image("tea"))))
    (Image(name='tea', quoted=False), Text(text='a cup'))
    """
    return tuple(dict.fromkeys(uses(node)))
