"""The syntax tree of a program, before names are resolved or anything is computed.

Equality ignores where a node was in the source (`span`). `total` and `product` keep sums and
products flat, so text and Python operators build the same tree.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

from zcalc.errors import ZcalcError


class Span(NamedTuple):
    """The half-open range [start, end) of characters in the source, counted from 0."""

    start: int
    end: int


NOWHERE = Span(0, 0)  # the span of a node that was not parsed from text
SET = "imgs"  # the function whose arguments are all constants
HOW = "how"  # the keyword whose value is a constant


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class _Base:
    """Base of all nodes: the span, which equality, hash and repr ignore."""

    span: Span = field(default=NOWHERE, compare=False)

    def __repr__(self) -> str:
        # the repr that dataclasses generate overflows the stack on a deep tree
        return bottom_up(cast("Node", self), _repr)


@dataclass(frozen=True, slots=True, repr=False)
class Image(_Base):
    """A picture, by name (`img(coffee)`) or, quoted, by path (`img("trips/rome.jpg")`).

    `box` is the part of it that `crop` takes: left, top, right and bottom in shares of its sides.
    """

    name: str
    quoted: bool = False
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Text(_Base):
    """A text: `"a photo"` or `txt("a photo")`."""

    text: str


@dataclass(frozen=True, slots=True, repr=False)
class Number(_Base):
    """A non-negative number: `-2` is `Neg(Number(2))`."""

    value: float


@dataclass(frozen=True, slots=True, repr=False)
class Neg(_Base):
    """A negated operand: `-x`, or the `- b` of `a - b`. The span includes the sign."""

    operand: "Node"


@dataclass(frozen=True, slots=True, repr=False)
class Inverse(_Base):
    """A divisor: the `/ 3` of `x / 3`. The span includes the slash."""

    operand: "Node"


@dataclass(frozen=True, slots=True, repr=False)
class Sum(_Base):
    """Two or more terms, none of them a `Sum`: `a - b` is `Sum((a, Neg(b)))`."""

    terms: tuple["Node", ...]


@dataclass(frozen=True, slots=True, repr=False)
class Product(_Base):
    """Two or more factors, none of them a `Product`: `x / 3` is `Product((x, Inverse(3)))`."""

    factors: tuple["Node", ...]


@dataclass(frozen=True, slots=True, repr=False)
class Name(_Base):
    """A reference to a bound name: the `leader` of `leader + img(de_flag)`."""

    name: str


@dataclass(frozen=True, slots=True, repr=False)
class Keyword(_Base):
    """A keyword argument: the `beams=5` of `caption(beams=5)`."""

    name: str
    value: "Node"


@dataclass(frozen=True, slots=True, repr=False)
class Call(_Base):
    """A call of a function or verb: `cos(a, b)`, `words(10)`."""

    function: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True, repr=False)
class Pipe(_Base):
    """An expression piped to a verb: `img(coffee) |> words(10)`."""

    operand: "Node"
    verb: Call


@dataclass(frozen=True, slots=True, repr=False)
class Binding(_Base):
    """A statement that names an expression: `leader = img(obama) - img(us_flag)`."""

    name: str
    value: "Node"


@dataclass(frozen=True, slots=True, repr=False)
class Program(_Base):
    """Two or more statements; a single statement is not wrapped in a `Program`."""

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
    """Build the node of a finite number of either sign; raises `ZcalcError` for any other.

    >>> number(-2)
    Neg(operand=Number(value=2.0))
    """
    if not math.isfinite(value):
        raise ZcalcError(f"Expected a finite number, got {value}", "Check how it was computed.")
    return Neg(Number(-float(value))) if value < 0 else Number(float(value))


def total(*terms: Node, span: Span = NOWHERE) -> Sum:
    """Build a sum, flattening any term that is itself a sum; wrap a term in `Neg` to subtract it.

    >>> a, b, c = Text("a"), Text("b"), Text("c")
    >>> total(total(a, Neg(b)), c) == total(a, Neg(b), c)
    True
    """
    groups = (t.terms if isinstance(t, Sum) else (t,) for t in terms)
    return Sum(tuple(t for group in groups for t in group), span=span)


def product(*factors: Node, span: Span = NOWHERE) -> Product:
    """Build a product, flattening nested products; wrap a factor in `Inverse` to divide by it."""
    groups = (f.factors if isinstance(f, Product) else (f,) for f in factors)
    return Product(tuple(f for group in groups for f in group), span=span)


def statements(node: Node) -> tuple[Node, ...]:
    """Return the statements of a program; any other node is its own only statement."""
    return node.statements if isinstance(node, Program) else (node,)


def children(node: Node) -> tuple[Node, ...]:
    """Return the direct children of a node, in source order.

    Constants that choose something are no children, as they are no operands: the verb of a `Pipe`,
    the arguments of `imgs`, the value of `how`.
    """
    match node:
        case Call(function, _) if function == SET:
            return ()
        case Keyword(name, _) if name == HOW:
            return ()
        case Sum(nodes) | Product(nodes) | Program(nodes) | Call(_, nodes):
            return nodes
        case Neg(child) | Inverse(child) | Keyword(_, child) | Binding(_, child) | Pipe(child):
            return (child,)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all its descendants, depth-first and in source order."""
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))


def bottom_up(node: Node, step: Callable[[Node, list[T]], T]) -> T:
    """Evaluate a tree from its leaves up: `step` takes a node and its children's results.

    Iterative, so that a deep tree cannot overflow the stack.

    >>> bottom_up(total(Text("a"), Neg(Text("b"))), lambda node, results: 1 + sum(results))
    4
    """
    order, stack = [], [node]
    while stack:
        order.append(stack.pop())
        stack.extend(children(order[-1]))
    results: list[T] = []
    for current in reversed(order):  # the results of its children are the last ones, in order
        start = len(results) - len(children(current))
        results[start:] = [step(current, results[start:])]
    return results[0]


def _repr(node: Any, child_reprs: list[str]) -> str:
    """Print a node as its constructor call, from the reprs of its children."""
    reprs, arguments = iter(child_reprs), []
    child_ids = {id(child) for child in children(node)}
    for slot in fields(node):
        value = getattr(node, slot.name)
        if slot.name in ("arguments", "value") and value and not child_ids:
            arguments.append(f"{slot.name}={value!r}")
        elif isinstance(value, tuple) and slot.name not in ("span", "box"):
            elements = ", ".join(next(reprs) for _ in value)
            arguments.append(f"{slot.name}=({elements}{',' * (len(value) == 1)})")
        elif slot.name != "span" and not (slot.name == "box" and value is None):
            printed = next(reprs) if id(value) in child_ids else repr(value)
            arguments.append(f"{slot.name}={printed}")
    return f"{type(node).__name__}({', '.join(arguments)})"


def uses(node: Node) -> Iterator[Operand]:
    """Yield every occurrence of a picture or text, in source order."""
    return (child for child in walk(node) if isinstance(child, Image | Text))


def sets(node: Node) -> tuple[Call, ...]:
    """Return the distinct sets of pictures, `imgs(…)`, in source order."""
    found = (child for child in walk(node) if isinstance(child, Call) and child.function == SET)
    return tuple(dict.fromkeys(found))


def operands(node: Node) -> tuple[Operand, ...]:
    """Return the distinct pictures and texts, in source order.

    >>> operands(total(Image("tea"), Text("a cup"), Neg(Image("tea"))))
    (Image(name='tea', quoted=False), Text(text='a cup'))
    """
    return tuple(dict.fromkeys(uses(node)))
