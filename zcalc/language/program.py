"""From a program to what has to be computed: checked, all names written out, constants folded."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from zcalc.language.arguments import function_of, matched
from zcalc.language.errors import error_at
from zcalc.language.parser import MAX_OPERANDS, parse
from zcalc.language.tree import (
    Binding,
    Call,
    Inverse,
    Keyword,
    Name,
    Neg,
    Node,
    Number,
    Pipe,
    Product,
    Span,
    Sum,
    climb,
    number,
    product,
    statements,
    total,
    uses,
    walk,
)
from zcalc.language.types import NO_NAMES, Bound, Checker, Names, Type, refuse_depth

MAX_WRITTEN_OUT = 4096  # pictures and texts of a program with all names written out


@dataclass(frozen=True, slots=True)
class Verb:
    """What to show: the verb's name and the arguments it was given."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """A statement: its text, its expression with all names written out, and what becomes of it."""

    source: str
    tree: Node
    type: Type  # of the expression
    name: str | None = None  # that it is given
    verb: Verb | None = None


def plan(text: str, names: Names = NO_NAMES) -> tuple[tuple[Step, ...], dict[str, Bound]]:
    """Read and check a program; give its statements, and the names it binds.

    `names` are those bound before. Raises `LanguageError`, as `parse` and `check` do.

    >>> steps, bound = plan('leader = img(a) - img(b); leader + "c" |> words(3)')
    >>> steps[1].tree == parse('img(a) - img(b) + "c"'), steps[1].verb
    (True, Verb(name='words', settings={'k': 3}))
    """
    program = parse(text)
    checker = Checker(text, names, program)
    known, bound, steps, left = dict(names), dict[str, Bound](), [], MAX_WRITTEN_OUT
    for statement in statements(program):
        kind = checker.statement(statement)
        verb = (
            Verb(statement.verb.function, checker.settings(statement))
            if isinstance(statement, Pipe)
            else None
        )
        expression = _expression(statement)
        count = _count(expression, known)
        left -= count
        if count > MAX_OPERANDS or left < 0:
            most = MAX_OPERANDS if count > MAX_OPERANDS else MAX_WRITTEN_OUT
            what = "the expression" if count > MAX_OPERANDS else "the program"
            message = f"With all names written out, {what} has more than {most} pictures and texts"
            raise error_at(text, statement.span, message, "Split it into several expressions.")
        tree = written_out(expression, known)
        refuse_depth(tree, text, statement.span)
        name = statement.name if isinstance(statement, Binding) else None
        if name is not None:
            tree = number(kind) if isinstance(kind, float) else tree
            bound[name] = known[name] = Bound(tree, kind, count)
        type_ = Type.NUMBER if isinstance(kind, float) else kind
        type_ = Type.EMBEDDING if verb else type_
        steps.append(Step(text[slice(*statement.span)], tree, type_, name, verb))
    return tuple(steps), bound


def written_out(node: Node, names: Names) -> Node:
    """Put in place of every name what it stands for; its parts then stand where the name stood."""

    def step(one: Node, below: list[Node]) -> Node:
        if isinstance(one, Name):
            return _moved(names[one.name].tree, one.span)
        return _rebuilt(one, below, one.span)

    return climb(node, step)


def folded(node: Node) -> Node:
    """Work out all that is made of numbers alone, and put arguments in their order.

    >>> from zcalc.language.formatter import unparse
    >>> unparse(folded(parse('2 * 3 * lerp(t=1 / 2, a="x", b="y") / 4')))
    '1.5 * lerp("x", "y", 0.5)'
    """
    return climb(node, _folded)


def _expression(statement: Node) -> Node:
    match statement:
        case Binding(_, value):
            return value
        case Pipe(operand, _):
            return operand
        case _:
            return statement


def _count(node: Node, names: Names) -> int:
    """Count the pictures and texts of an expression with its names written out."""
    named = sum(names[one.name].operands for one in walk(node) if isinstance(one, Name))
    return named + sum(1 for _ in uses(node))


def _moved(node: Node, span: Span) -> Node:
    return climb(node, lambda one, below: _rebuilt(one, below, span))


def _rebuilt(node: Node, below: list[Node], span: Span) -> Node:  # noqa: PLR0911  (one case a node)
    """Make a node again from its new children."""
    match node:
        case Sum():
            return total(*below, span=span)
        case Product():
            return product(*below, span=span)
        case Neg():
            return Neg(below[0], span=span)
        case Inverse():
            return Inverse(below[0], span=span)
        case Keyword(name):
            return Keyword(name, below[0], span=span)
        case Call(function):
            return Call(function, tuple(below), span=span)
        case _:
            return replace(node, span=span)


def _folded(node: Node, below: list[Node]) -> Node:  # noqa: PLR0911  (one case a node)
    values = [_value(child) for child in below]
    known = [value for value in values if value is not None]
    match node:
        case Number() if node.value == 0:
            return Number(0.0, span=node.span)
        case Neg() if known:
            return replace(number(-known[0]), span=node.span)
        case Inverse() if known:
            return replace(number(1 / known[0]), span=node.span)
        case Sum() if len(known) == len(below):
            return replace(number(sum(known)), span=node.span)
        case Product() if known:
            return _scaled(
                known, [c for c, v in zip(below, values, strict=True) if v is None], node
            )
        case Call():
            call = Call(node.function, tuple(below))
            pairs = matched(call, function_of(call, ""), "")
            return Call(node.function, tuple(value for _, value in pairs), span=node.span)
        case _:
            return _rebuilt(node, below, node.span)


def _scaled(numbers: list[float], rest: list[Node], node: Node) -> Node:
    scale = 1.0
    for value in numbers:
        scale *= value
    if not rest:
        return replace(number(scale), span=node.span)
    if scale == 1 and len(rest) == 1 and not isinstance(rest[0], Inverse):
        return rest[0]
    return product(number(scale), *rest, span=node.span)


def _value(node: Node) -> float | None:
    match node:
        case Number(value):
            return value
        case Neg(Number(value)):
            return -value
        case _:
            return None
