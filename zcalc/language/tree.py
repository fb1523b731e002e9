"""The syntax tree: what an expression says, before anything is looked up or computed.

Nodes are equal when they say the same; where they stood in the source (`span`) plays no part.
`total` and `product` keep sums and products flat, so text and Python operators give one tree.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

from zcalc.errors import ZcalcError


class Span(NamedTuple):
    """The characters from `start` up to, not including, `end` of the source, counted from 0."""

    start: int
    end: int


NOWHERE = Span(0, 0)  # of a node that was not read from text


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class _Placed:
    """What all nodes have: their place, which stays out of equality, hash and repr."""

    span: Span = field(default=NOWHERE, compare=False)

    def __repr__(self) -> str:
        # what dataclasses do overflows the stack on a deep tree
        return climb(cast("Node", self), _shown)


@dataclass(frozen=True, slots=True, repr=False)
class Image(_Placed):
    """A picture: `img(coffee)` by its name or, quoted, `img("trips/rome.jpg")` by its path."""

    name: str
    quoted: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Text(_Placed):
    """A text: `"a photo"` or `txt("a photo")`."""

    text: str


@dataclass(frozen=True, slots=True, repr=False)
class Number(_Placed):
    """A number, never below zero: `-2` is `Neg(Number(2))`."""

    value: float


@dataclass(frozen=True, slots=True, repr=False)
class Neg(_Placed):
    """What is taken away: `-x`, and the `b` of `a - b`, where the span takes in the sign."""

    operand: "Node"


@dataclass(frozen=True, slots=True, repr=False)
class Inverse(_Placed):
    """A factor that divides: the `3` of `x / 3`, where the span takes in the stroke."""

    operand: "Node"


@dataclass(frozen=True, slots=True, repr=False)
class Sum(_Placed):
    """Two or more terms, none of them a `Sum`: `a - b` is `Sum((a, Neg(b)))`."""

    terms: tuple["Node", ...]


@dataclass(frozen=True, slots=True, repr=False)
class Product(_Placed):
    """Two or more factors, none of them a `Product`: `x / 3` is `Product((x, Inverse(3)))`."""

    factors: tuple["Node", ...]


@dataclass(frozen=True, slots=True, repr=False)
class Name(_Placed):
    """A name that a binding gave to an expression: the `leader` of `leader + img(de_flag)`."""

    name: str


@dataclass(frozen=True, slots=True, repr=False)
class Keyword(_Placed):
    """An argument that says which one it is: the `beams=5` of `caption(beams=5)`."""

    name: str
    value: "Node"


@dataclass(frozen=True, slots=True, repr=False)
class Call(_Placed):
    """A function or verb with its arguments: `cos(a, b)`, `words(10)`."""

    function: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True, repr=False)
class Pipe(_Placed):
    """What to show of an expression: `img(coffee) |> words(10)`."""

    operand: "Node"
    verb: Call


@dataclass(frozen=True, slots=True, repr=False)
class Binding(_Placed):
    """A statement that gives a name to an expression: `leader = img(obama) - img(us_flag)`."""

    name: str
    value: "Node"


@dataclass(frozen=True, slots=True, repr=False)
class Program(_Placed):
    """Two or more statements; one alone is its own program."""

    statements: tuple["Node", ...]


Operand: TypeAlias = Image | Text
Node: TypeAlias = (
    Operand
    | Number
    | Neg
    | Inverse
    | Sum
    | Product
    | Name
    | Keyword
    | Call
    | Pipe
    | Binding
    | Program
)
T = TypeVar("T")


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


def statements(node: Node) -> tuple[Node, ...]:
    """Give the statements of a program, or what stands alone as the only one."""
    return node.statements if isinstance(node, Program) else (node,)


def children(node: Node) -> tuple[Node, ...]:
    """Give the nodes directly under this one, in the order of the source.

    The arguments of a verb are not under its `Pipe`: a prompt is no operand.
    """
    match node:
        case Sum(below) | Product(below) | Program(below) | Call(_, below):
            return below
        case Neg(below) | Inverse(below) | Keyword(_, below) | Binding(_, below) | Pipe(below):
            return (below,)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """Give a node and all below it, each before what is under it, in the order of the source."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(children(node)))


def climb(node: Node, step: Callable[[Node, list[T]], T]) -> T:
    """Work a tree out from its leaves up: `step` gets a node and what its children came to.

    No depth of the tree becomes recursion.

    >>> climb(total(Text("a"), Neg(Text("b"))), lambda node, below: 1 + sum(below))
    4
    """
    order, waiting = [], [node]
    while waiting:
        order.append(waiting.pop())
        waiting.extend(children(order[-1]))
    done: list[T] = []
    for one in reversed(order):  # the children's results lie on top of the pile, the last uppermost
        start = len(done) - len(children(one))
        done[start:] = [step(one, done[start:])]
    return done[0]


def _shown(node: Any, below: list[str]) -> str:
    """Print a node as its constructor, given its children printed."""
    known, parts = iter(below), []
    under = {id(child) for child in children(node)}
    for one in fields(node):
        value = getattr(node, one.name)
        if isinstance(value, tuple) and one.name != "span":
            listed = ", ".join(next(known) for _ in value)
            parts.append(f"{one.name}=({listed}{',' * (len(value) == 1)})")
        elif one.name != "span":
            parts.append(f"{one.name}={next(known) if id(value) in under else repr(value)}")
    return f"{type(node).__name__}({', '.join(parts)})"


def uses(node: Node) -> Iterator[Operand]:
    """Give every use of a picture or text, in the order of the source."""
    return (one for one in walk(node) if isinstance(one, Image | Text))


def operands(node: Node) -> tuple[Operand, ...]:
    """Give each picture and text once, in the order of the source.

    >>> operands(total(Image("tea"), Text("a cup"), Neg(Image("tea"))))
    (Image(name='tea', quoted=False), Text(text='a cup'))
    """
    return tuple(dict.fromkeys(uses(node)))
