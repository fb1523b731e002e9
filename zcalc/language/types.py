"""The type checker, which runs before any model is loaded."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from zcalc.language.arguments import closest, function_of, match_arguments, verb_of
from zcalc.language.errors import LanguageError, error_at
from zcalc.language.formatter import quote, unparse
from zcalc.language.literals import LARGEST_HINT, short
from zcalc.language.parser import MAX_DEPTH, parse
from zcalc.language.signatures import FUNCTIONS, VERBS, Literal, Parameter, Type
from zcalc.language.tree import (
    NOWHERE,
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
    Text,
    bottom_up,
    children,
    statements,
    walk,
)

Kind: TypeAlias = float | Type  # a type, or the value of a constant
_EXAMPLE_BY_TYPE: dict[object, str] = {
    Literal.TEXT: '"Image of a"',
    Literal.COUNT: "5",
    Literal.FRACTION: "0.5",
    Literal.CONSTANT: "0.5",
}
_EXAMPLE_BY_NAME = {"where": '"year > 2010"', "fold": "0.94", "threshold": "0.3", "kind": '"terms"'}


@dataclass(frozen=True, slots=True)
class Bound:
    """The value of a name: an expression with its own names expanded, and its kind."""

    tree: Node
    kind: Kind
    operands: int  # number of pictures and texts in it


Names: TypeAlias = Mapping[str, Bound]
NO_NAMES: Names = MappingProxyType({})


def check(node: Node, source: str | None = None, names: Names = NO_NAMES) -> Type:
    """Type-check a program and return the type of its last statement.

    `source` is the text the tree was parsed from, by default its `unparse`; `names` are names bound
    earlier. Raises `LanguageError`, also for a statement that is just a constant.

    >>> check(parse('2 * img(coffee) - "coffee"'))
    <Type.EMBEDDING: 'embedding'>
    """
    if source is None:
        refuse_depth(node, "", NOWHERE)
        source = unparse(node)
        node = parse(source)
    checker = Checker(source, names, node)
    kinds = [checker.statement(statement) for statement in statements(node)]
    return kinds[-1] if isinstance(kinds[-1], Type) else Type.NUMBER


def refuse_depth(node: Node, source: str, span: Span) -> None:
    """Raise for a tree deeper than any single text can be: one built by names or in Python."""
    depth, level = 0, [node]
    while level:
        depth, level = depth + 1, [child for parent in level for child in children(parent)]
        if depth > 5 * (MAX_DEPTH + 1):  # a sum, sign, product, divisor and call per level
            message = "With its names expanded, the expression is nested too deeply"
            raise error_at(source, span, message, "Split it into several expressions.")


class Checker:
    """Checks statements in order; `kinds` are the kinds of the names defined so far."""

    def __init__(self, source: str, names: Names, program: Node) -> None:
        self.source = source
        self.kinds: dict[str, Kind] = {name: bound.kind for name, bound in names.items()}
        self._bindings = [s for s in statements(program) if isinstance(s, Binding)]

    def statement(self, node: Node) -> Kind:
        """Return the kind of a statement, and define the name it binds."""
        value = node.value if isinstance(node, Binding) else node
        for call in (child for child in walk(value) if isinstance(child, Call)):
            match_arguments(call, function_of(call, self.source), self.source)
        kind = bottom_up(value, self._kind)
        if isinstance(node, Binding):
            if kind is Type.RESULT:
                message = "A name cannot be bound to the output of a verb"
                hint = f"Use a separate statement: {short(node.name)} |> …"
                raise error_at(self.source, value.span, message, hint)
            self.kinds[node.name] = kind
        elif isinstance(kind, float):
            message = "Expected a picture or text, not just a number"
            hint = 'Use numbers to weight pictures and texts: 2 * img(coffee), "tea" / 3.'
            raise error_at(self.source, node.span, message, hint)
        return kind

    def settings(self, pipe: Pipe) -> dict[str, Any]:
        """Return the arguments of a verb by name."""
        signature = verb_of(pipe.verb, self.source, pipe.operand)
        pairs = match_arguments(pipe.verb, signature, self.source)
        return {parameter.name: self._literal(parameter, value) for parameter, value in pairs}

    def _literal(self, parameter: Parameter, value: Node) -> float | str:
        texts = (Literal.TEXT, Literal.CONSTANT)
        if parameter.type in texts and isinstance(value, Text):
            return value.text
        constant = None if parameter.type is Literal.TEXT else bottom_up(value, self._kind)
        if isinstance(constant, float):
            if parameter.type is Literal.CONSTANT:
                return int(constant) if constant == int(constant) else constant
            if parameter.type is Literal.FRACTION and 0 <= constant <= 1:
                return constant
            if parameter.type is Literal.COUNT and constant >= 1 and constant == int(constant):
                return int(constant)
        example = _EXAMPLE_BY_NAME.get(parameter.name) or _EXAMPLE_BY_TYPE[parameter.type]
        message = f"{parameter.name} must be {parameter.type.value}"
        raise error_at(self.source, value.span, message, f"Write {parameter.name}={example}.")

    def _kind(self, node: Node, kinds: list[Kind]) -> Kind:  # noqa: PLR0911  (one case per node)
        match node:
            case Image() | Text():
                return Type.EMBEDDING
            case Number(value):
                return value
            case Name():
                return self._named(node)
            case Keyword():
                return kinds[0]
            case Neg():
                return kinds[0] if isinstance(kinds[0], Type) else -kinds[0]
            case Inverse():
                return self._inverse(node, kinds[0])
            case Sum():
                return self._sum(node, kinds)
            case Product():
                return self._product(node, kinds)
            case Call():
                return self._call(node, kinds)
            case Pipe():
                return self._pipe(node, kinds[0])
        raise TypeError(f"not an expression: {node!r}")

    def _named(self, node: Name) -> Kind:
        """Return the kind of a name, or raise with what was probably meant."""
        if node.name in self.kinds:
            return self.kinds[node.name]
        name = short(node.name)
        message = f"{name} is not defined"
        hint = f"For a picture, write img({name}); for text, write {quote(name)}."
        binding = next((b for b in self._bindings if b.name == node.name), None)
        if binding and binding.span.start <= node.span.start:
            message = f"{name} is used in its own definition"
            hint = f"Define it in an earlier statement: {name} = img(coffee)."
        elif binding:
            message = f"{name} is used before it is defined"
            hint = "Move its definition up."
        elif node.name in FUNCTIONS or node.name in VERBS:
            message = f"{name} needs parentheses"
            verb = f"img(coffee) |> {VERBS[name].usage}" if name in VERBS else ""
            hint = f"Write {verb or FUNCTIONS[name].usage}."
        elif match := closest(node.name, self.kinds):
            hint = f"Did you mean {match}?"
        raise error_at(self.source, node.span, message, hint)

    def _sum(self, node: Sum, kinds: list[Kind]) -> Kind:
        """Add numbers or embeddings, but not both."""
        numbers = [kind for kind in kinds if kind is not Type.EMBEDDING]
        if not numbers:
            return Type.EMBEDDING
        constants = [kind for kind in kinds if isinstance(kind, float)]
        if len(constants) == len(kinds):
            return self._finite(sum(constants), node.span)
        if len(numbers) == len(kinds):
            return Type.NUMBER
        odd = next(t for t, k in zip(node.terms, kinds, strict=True) if k is not Type.EMBEDDING)
        message = "Cannot add or subtract a number and an embedding"
        hint = (
            "Multiply or divide by the number instead, as in 2 * img(coffee), "
            'or quote it to use it as text: "2".'
        )
        raise error_at(self.source, odd.span, message, hint)

    def _product(self, node: Product, kinds: list[Kind]) -> Kind:
        """Multiply numbers and at most one embedding."""
        scale, embedding = 1.0, -1  # the constant factor, the index of the embedding
        for i, kind in enumerate(kinds):
            if isinstance(kind, float):
                scale = self._finite(scale * kind, node.span)
            elif kind is Type.EMBEDDING and embedding >= 0:
                raise self._two_embeddings(node, embedding, i)
            elif kind is Type.EMBEDDING:
                embedding = i
        if embedding >= 0:
            return Type.EMBEDDING
        return scale if all(isinstance(kind, float) for kind in kinds) else Type.NUMBER

    def _two_embeddings(self, node: Product, first: int, second: int) -> LanguageError:
        """Build the error for `img(a) * img(b)`, with its caret under the `*`."""
        left, right = node.factors[second - 1].span, node.factors[second].span
        gap = self.source[left.end : right.start]
        gap = re.sub(r"#[^\n]*", lambda comment: " " * len(comment[0]), gap)
        sign = re.search(r"[*×·]", gap)
        at = left.end + sign.start() if sign else right.start
        both = f"{unparse(node.factors[first])}, {unparse(node.factors[second])}"
        message = "Cannot multiply two embeddings"
        hint = (
            f"To compare them, use cos({both if len(both) <= 40 else 'a, b'}). "
            "To combine them, use +."
        )
        return error_at(self.source, Span(at, at + 1), message, hint)

    def _inverse(self, node: Inverse, kind: Kind) -> Kind:
        """Return the reciprocal of a number, refusing embeddings and zero."""
        span = node.operand.span
        if kind is Type.EMBEDDING:
            hint = "To subtract it, use -. Only numbers can be divisors: img(coffee) / 2."
            raise error_at(self.source, span, "Cannot divide by an embedding", hint)
        if not isinstance(kind, float):
            return kind
        if kind == 0:
            raise error_at(self.source, span, "Division by zero", "Divide by another number.")
        return self._finite(1 / kind, span)

    def _call(self, node: Call, kinds: list[Kind]) -> Kind:
        """Check the types of a call's arguments."""
        signature = FUNCTIONS[node.function]
        values = (a.value if isinstance(a, Keyword) else a for a in node.arguments)
        kind_of = {id(value): kind for value, kind in zip(values, kinds, strict=True)}
        for parameter, argument in match_arguments(node, signature, self.source):
            is_number = kind_of[id(argument)] is not Type.EMBEDDING
            if is_number is (parameter.type is Type.NUMBER):
                continue
            expected = "a number" if parameter.type is Type.NUMBER else "an embedding"
            message = f"Argument {parameter.name} of {node.function} must be {expected}"
            hint = f"Usage: {signature.usage}, {signature.summary}."
            raise error_at(self.source, argument.span, message, hint)
        return signature.result

    def _pipe(self, node: Pipe, kind: Kind) -> Kind:
        """Check a verb's arguments, and that it is applied to an embedding."""
        self.settings(node)
        if kind is Type.EMBEDDING:
            return Type.RESULT
        message = f"{node.verb.function} needs an embedding, and this is a number"
        hint = "Remove the |> and the verb: numbers are shown without one."
        raise error_at(self.source, node.operand.span, message, hint)

    def _finite(self, value: float, span: Span) -> float:
        """Return the value, or raise if it overflows."""
        if math.isfinite(value):
            return value
        raise error_at(self.source, span, "This number is too large", LARGEST_HINT)
