"""Planning: check a program, expand its names and fold its constants."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from zcalc.errors import ZcalcError
from zcalc.language.arguments import function_of, match_arguments
from zcalc.language.errors import error_at, errors_at
from zcalc.language.parser import MAX_OPERANDS, crop, parse
from zcalc.language.signatures import Literal
from zcalc.language.tree import (
    Binding,
    Call,
    Image,
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
    bottom_up,
    number,
    product,
    statements,
    total,
    uses,
    walk,
)
from zcalc.language.types import NO_NAMES, Bound, Checker, Names, Type, refuse_depth

MAX_EXPANDED = 4096  # pictures and texts of a program after expanding its names


@dataclass(frozen=True, slots=True)
class Verb:
    """What to show of a result: the name of a verb, its arguments, and where their names are."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    spans: Mapping[str, Span] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Step:
    """A planned statement: its text, its expression with names expanded, and its name or verb."""

    source: str
    tree: Node
    type: Type  # of the expression
    name: str | None = None  # bound by the statement
    verb: Verb | None = None


def plan(text: str, names: Names = NO_NAMES) -> tuple[tuple[Step, ...], dict[str, Bound]]:
    """Parse and check a program; return its statements and the names it binds.

    `names` are names bound earlier. Raises `LanguageError`, as `parse` and `check` do.

    >>> steps, bound = plan('leader = img(a) - img(b); leader + "c" |> words(3)')
    >>> steps[1].tree == parse('img(a) - img(b) + "c"'), steps[1].verb
    (True, Verb(name='words', settings={'k': 3}))
    """
    program = parse(text)
    checker = Checker(text, names, program)
    scope, bound, steps, total_count = dict(names), dict[str, Bound](), [], 0
    for statement in statements(program):
        kind = checker.statement(statement)
        verb = _verb(statement, checker, scope) if isinstance(statement, Pipe) else None
        expression = _expression(statement)
        count = _count(expression, scope)
        total_count += count
        _refuse_size(count, total_count, text, statement.span)
        with errors_at(text, statement.span):
            tree = expand_names(expression, scope)
        refuse_depth(tree, text, statement.span)
        if verb is not None and verb.name == "relevance" and not isinstance(tree, Image):
            message = "relevance needs a picture, and this is an expression"
            hint = 'For example: img(coffee) |> relevance("a cup").'
            raise error_at(text, expression.span, message, hint)
        name = statement.name if isinstance(statement, Binding) else None
        if name is not None:
            tree = number(kind) if isinstance(kind, float) else tree
            bound[name] = scope[name] = Bound(tree, kind, count)
        kind = checker.piped if verb else kind
        type_ = Type.NUMBER if isinstance(kind, float) else kind
        steps.append(Step(text[slice(*statement.span)], tree, type_, name, verb))
    return tuple(steps), bound


def expand_names(node: Node, names: Names) -> Node:
    """Replace every name by its expression, whose nodes take on the span of the name."""

    def step(current: Node, children: list[Node]) -> Node:
        if isinstance(current, Name):
            return _moved(names[current.name].tree, current.span)
        rebuilt = _rebuilt(current, children, current.span)
        return _cropped(rebuilt) if isinstance(rebuilt, Call) else rebuilt

    return bottom_up(node, step)


def fold_constants(node: Node) -> Node:
    """Compute the subexpressions made of numbers alone, and make all arguments positional.

    >>> from zcalc.language.formatter import unparse
    >>> unparse(fold_constants(parse('2 * 3 * lerp(t=1 / 2, a="x", b="y") / 4')))
    '1.5 * lerp("x", "y", 0.5)'
    """
    return bottom_up(node, _folded)


def _verb(statement: Pipe, checker: Checker, scope: Names) -> Verb:
    """The verb of a statement, with the names in its settings expanded."""
    settings = checker.settings(statement)
    if "among" in settings and not isinstance(settings["among"], str):
        settings["among"] = expand_names(settings["among"], scope)
    return Verb(statement.verb.function, settings, _spans(statement.verb))


def _cropped(call: Call) -> Node:
    """A call of `crop`, whose names are expanded, as a part of a picture."""
    if call.function != "crop":
        return call
    folded = fold_constants(call)
    cropped = crop(folded) if isinstance(folded, Call) else folded
    if isinstance(cropped, Call):
        message = "crop takes a part of one picture"
        hint = "Use it on a picture, or on a name of one: crop(img(coffee), 0, 0, 0.5, 1)."
        raise ZcalcError(message, hint)
    return cropped


def _spans(call: Call) -> dict[str, Span]:
    """The spans of a call's named arguments, and of the whole call under ""."""
    named = (argument for argument in call.arguments if isinstance(argument, Keyword))
    return {"": call.span, **{argument.name: argument.span for argument in named}}


def _refuse_size(count: int, total_count: int, source: str, span: Span) -> None:
    """Raise for too many pictures and texts, in a statement or in the program so far."""
    if count <= MAX_OPERANDS and total_count <= MAX_EXPANDED:
        return
    subject, limit = "expression", MAX_OPERANDS
    if count <= MAX_OPERANDS:
        subject, limit = "program", MAX_EXPANDED
    message = f"With its names expanded, the {subject} has more than {limit:,} pictures and texts"
    raise error_at(source, span, message, "Split it into several expressions.")


def _expression(statement: Node) -> Node:
    match statement:
        case Binding(_, value):
            return value
        case Pipe(operand, _):
            return operand
        case _:
            return statement


def _count(node: Node, names: Names) -> int:
    """Count the pictures and texts of an expression, including those behind its names."""
    named = sum(names[child.name].operands for child in walk(node) if isinstance(child, Name))
    return named + sum(1 for _ in uses(node))


def _moved(node: Node, span: Span) -> Node:
    """Copy a tree, setting the span of every node."""
    return bottom_up(node, lambda current, children: _rebuilt(current, children, span))


def _rebuilt(node: Node, children: list[Node], span: Span) -> Node:  # noqa: PLR0911  (one case per node)
    """Copy a node with new children."""
    match node:
        case Sum():
            return total(*children, span=span)
        case Product():
            return product(*children, span=span)
        case Neg():
            return Neg(children[0], span=span)
        case Inverse():
            return Inverse(children[0], span=span)
        case Keyword(name) if children:
            return Keyword(name, children[0], span=span)
        case Call(function) if children:
            return Call(function, tuple(children), span=span)
        case _:
            return replace(node, span=span)


def _folded(node: Node, children: list[Node]) -> Node:  # noqa: PLR0911  (one case per node)
    values = [_value(child) for child in children]
    constants = [value for value in values if value is not None]
    match node:
        case Number() if node.value == 0:
            return Number(0.0, span=node.span)
        case Neg() if constants:
            return replace(number(-constants[0]), span=node.span)
        case Inverse() if constants:
            return replace(number(1 / constants[0]), span=node.span)
        case Sum() if len(constants) == len(children):
            return replace(number(sum(constants)), span=node.span)
        case Product() if constants:
            rest = [c for c, v in zip(children, values, strict=True) if v is None]
            return _scaled(constants, rest, node)
        case Call() if children:
            call = Call(node.function, tuple(children))
            pairs = match_arguments(call, function_of(call, ""), "")
            arguments = (
                Keyword(parameter.name, value) if isinstance(parameter.type, Literal) else value
                for parameter, value in pairs
            )
            return Call(node.function, tuple(arguments), span=node.span)
        case _:
            return _rebuilt(node, children, node.span)


def _scaled(constants: list[float], rest: list[Node], node: Node) -> Node:
    """Build the product of constants and the other factors of a product node."""
    scale = math.prod(constants)
    if not rest:
        return replace(number(scale), span=node.span)
    if scale == 1 and len(rest) == 1 and not isinstance(rest[0], Inverse):
        return rest[0]
    return product(number(scale), *rest, span=node.span)


def _value(node: Node) -> float | None:
    """Return the value of a number or negated number, None for any other node."""
    match node:
        case Number(value):
            return value
        case Neg(Number(value)):
            return -value
        case _:
            return None
