"""The type pass: what kind of thing every expression is, before any model is loaded."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from zcalc.language.arguments import close, function_of, matched, verb_of
from zcalc.language.errors import LanguageError, error_at
from zcalc.language.formatter import quote, unparse
from zcalc.language.literals import short
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
    children,
    climb,
    statements,
    walk,
)

Kind: TypeAlias = float | Type  # of a number that is known already, its value
_EXAMPLES: dict[object, str] = {
    Literal.TEXT: '"Image of a"',
    Literal.COUNT: "5",
    Literal.SHARE: "0.5",
}
_LITERALS = {"where": '"year > 2010"', "fold": "0.94", "threshold": "0.3", "kind": '"terms"'}


@dataclass(frozen=True, slots=True)
class Bound:
    """What a name stands for: an expression in which all names are written out, and its kind."""

    tree: Node
    kind: Kind
    operands: int  # uses of pictures and texts in it


Names: TypeAlias = Mapping[str, Bound]
NO_NAMES: Names = MappingProxyType({})


def check(node: Node, source: str | None = None, names: Names = NO_NAMES) -> Type:
    """Give the type of a program's last statement; `LanguageError` where one makes no sense.

    `source` is the text the tree was parsed from; without it errors show the tree as `unparse`
    prints it. `names` are those bound before. A number alone is refused too, unless it is given a
    name: it has no picture or text to show.

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
    """Refuse a tree deeper than any text can make one; trees are made by names and in Python."""
    levels, level = 0, [node]
    while level:
        levels, level = levels + 1, [child for one in level for child in children(one)]
        if levels > 5 * (MAX_DEPTH + 1):  # each holds a sum, sign, product, divisor and call
            message = "The expression is nested too deep, with all names written out"
            raise error_at(source, span, message, "Split it.")


class Checker:
    """Finds the kind of one statement after another; `kinds` are those of the names so far."""

    def __init__(self, source: str, names: Names, program: Node) -> None:
        self.source = source
        self.kinds: dict[str, Kind] = {name: bound.kind for name, bound in names.items()}
        self._coming = [s for s in statements(program) if isinstance(s, Binding)]

    def statement(self, node: Node) -> Kind:
        """Give the kind of a statement; what it names is known to those after it."""
        value = node.value if isinstance(node, Binding) else node
        for call in (one for one in walk(value) if isinstance(one, Call)):
            matched(call, function_of(call, self.source), self.source)
        kind = climb(value, self._kind)
        if isinstance(node, Binding):
            if kind is Type.RESULT:
                message = "A name stands for an expression, not for what is shown of it"
                hint = f"Write {short(node.name)} |> … in a statement of its own."
                raise error_at(self.source, value.span, message, hint)
            self.kinds[node.name] = kind
        elif isinstance(kind, float):
            message = "This is a number, and there is no picture or text in it"
            hint = 'Numbers say how much of something to take: 2 * img(coffee), "tea" / 3.'
            raise error_at(self.source, node.span, message, hint)
        return kind

    def settings(self, pipe: Pipe) -> dict[str, Any]:
        """Give the arguments of a verb: numbers and texts."""
        signature = verb_of(pipe.verb, self.source, pipe.operand)
        pairs = matched(pipe.verb, signature, self.source)
        return {parameter.name: self._literal(parameter, value) for parameter, value in pairs}

    def _literal(self, parameter: Parameter, value: Node) -> float | str:
        if parameter.type is Literal.TEXT and isinstance(value, Text):
            return value.text
        known = None if parameter.type is Literal.TEXT else climb(value, self._kind)
        if parameter.type is Literal.SHARE and isinstance(known, float) and 0 <= known <= 1:
            return known
        is_count = parameter.type is Literal.COUNT and isinstance(known, float) and known >= 1
        if isinstance(known, float) and is_count and known == int(known):
            return int(known)
        example = _LITERALS.get(parameter.name) or _EXAMPLES[parameter.type]
        message = f"{parameter.name} is a {parameter.type.value}"
        raise error_at(self.source, value.span, message, f"Write {parameter.name}={example}.")

    def _kind(self, node: Node, below: list[Kind]) -> Kind:  # noqa: PLR0911  (one case a node)
        match node:
            case Image() | Text():
                return Type.EMBEDDING
            case Number(value):
                return value
            case Name():
                return self._named(node)
            case Keyword():
                return below[0]
            case Neg():
                return below[0] if isinstance(below[0], Type) else -below[0]
            case Inverse():
                return self._inverse(node, below[0])
            case Sum():
                return self._sum(node, below)
            case Product():
                return self._product(node, below)
            case Call():
                return self._call(node, below)
            case Pipe():
                return self._shown(node, below[0])
        raise TypeError(f"no expression: {node!r}")

    def _named(self, node: Name) -> Kind:
        """Give the kind of a name, or say what it could have been meant as."""
        if node.name in self.kinds:
            return self.kinds[node.name]
        name = short(node.name)
        message, hint = f"The word {name} means nothing by itself", ""
        later = next((b for b in self._coming if b.name == node.name), None)
        if later and later.span.start <= node.span.start:
            message = f"{name} is used in its own definition, before it stands for anything"
            hint = f"Give it a meaning in a line above: {name} = img(coffee)."
        elif later:
            message = f"{name} is given a meaning only further down"
            hint = "Move that line up."
        elif node.name in FUNCTIONS or node.name in VERBS:
            message = f"{name} needs parentheses"
            verb = f"img(coffee) |> {VERBS[name].usage}" if name in VERBS else ""
            hint = f"Write {verb or FUNCTIONS[name].usage}."
        elif like := close(node.name, self.kinds):
            hint = f"Did you mean {like}?"
        raise error_at(
            self.source,
            node.span,
            message,
            hint or f"A picture is img({name}), a text stands in quotes: {quote(name)}.",
        )

    def _sum(self, node: Sum, kinds: list[Kind]) -> Kind:
        """Add numbers, or make sure that there are none."""
        numbers = [kind for kind in kinds if kind is not Type.EMBEDDING]
        if not numbers:
            return Type.EMBEDDING
        known = [kind for kind in kinds if isinstance(kind, float)]
        if len(known) == len(kinds):
            return self._finite(sum(known), node.span)
        if len(numbers) == len(kinds):
            return Type.NUMBER
        odd = next(t for t, k in zip(node.terms, kinds, strict=True) if k is not Type.EMBEDDING)
        raise error_at(
            self.source,
            odd.span,
            "A number cannot be added to pictures and texts, or taken from them",
            'Numbers multiply or divide: 2 * img(coffee). A text that is a number has quotes: "2".',
        )

    def _product(self, node: Product, kinds: list[Kind]) -> Kind:
        """Multiply numbers, making sure that at most one factor is an embedding."""
        scale, found = 1.0, -1
        for i, kind in enumerate(kinds):
            if isinstance(kind, float):
                scale = self._finite(scale * kind, node.span)
            elif kind is Type.EMBEDDING and found >= 0:
                raise self._two_embeddings(node, found, i)
            elif kind is Type.EMBEDDING:
                found = i
        if found >= 0:
            return Type.EMBEDDING
        return scale if all(isinstance(kind, float) for kind in kinds) else Type.NUMBER

    def _two_embeddings(self, node: Product, first: int, second: int) -> LanguageError:
        """Make the error for `img(a) * img(b)`, with its caret under the sign."""
        left, right = node.factors[second - 1].span, node.factors[second].span
        gap = self.source[left.end : right.start]
        between = re.sub(r"#[^\n]*", lambda m: " " * len(m[0]), gap)
        sign = re.search(r"[*×·]", between)
        at = left.end + sign.start() if sign else right.start
        both = f"{unparse(node.factors[first])}, {unparse(node.factors[second])}"
        return error_at(
            self.source,
            Span(at, at + 1),
            "Pictures and texts cannot be multiplied with one another",
            f"How alike they are is cos({both if len(both) <= 40 else 'a, b'}). "
            "To combine them write + instead.",
        )

    def _inverse(self, node: Inverse, kind: Kind) -> Kind:
        """Give one over a number, refusing embeddings and zero."""
        if kind is Type.EMBEDDING:
            raise error_at(
                self.source,
                node.operand.span,
                "Nothing can be divided by a picture or text",
                "To take it away write - instead of /; only a number divides: img(coffee) / 2.",
            )
        if not isinstance(kind, float):
            return kind
        if kind == 0:
            message = "This divides by zero"
            raise error_at(self.source, node.operand.span, message, "Divide by any other number.")
        return self._finite(1 / kind, node.operand.span)

    def _call(self, node: Call, kinds: list[Kind]) -> Kind:
        """Make sure that every argument is of its parameter's type."""
        signature = FUNCTIONS[node.function]
        inside = (a.value if isinstance(a, Keyword) else a for a in node.arguments)
        kind_of = {id(a): kind for a, kind in zip(inside, kinds, strict=True)}
        for parameter, argument in matched(node, signature, self.source):
            is_number = kind_of[id(argument)] is not Type.EMBEDDING
            if is_number is (parameter.type is Type.NUMBER):
                continue
            wanted = "a number" if parameter.type is Type.NUMBER else "a picture or text"
            message = f"The {parameter.name} of {node.function} is {wanted}"
            hint = f"It is written {signature.usage}: {signature.about}."
            raise error_at(self.source, argument.span, message, hint)
        return signature.result

    def _shown(self, node: Pipe, kind: Kind) -> Kind:
        """Make sure that there is something to show, and how."""
        self.settings(node)
        if kind is Type.EMBEDDING:
            return Type.RESULT
        message = f"{node.verb.function} shows a picture or text, and this is a number"
        hint = "A number is shown by itself: take the |> out."
        raise error_at(self.source, node.operand.span, message, hint)

    def _finite(self, value: float, span: Span) -> float:
        """Pass a number on unless it is beyond what a computer holds."""
        if math.isfinite(value):
            return value
        raise error_at(
            self.source, span, "This number becomes too large", "1e308 is about the most."
        )
