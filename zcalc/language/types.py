"""The type checker, which runs before any model is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from zcalc.language.arguments import closest, function_of, match_arguments, verb_of
from zcalc.language.arithmetic import Kind, inverse_kind, negated_kind, product_kind, sum_kind
from zcalc.language.constants import box_kind, class_name, distinct, example_of, literal
from zcalc.language.errors import error_at
from zcalc.language.formatter import quote, unparse
from zcalc.language.literals import short
from zcalc.language.parser import MAX_DEPTH, parse
from zcalc.language.signatures import (
    FUNCTIONS,
    VERBS,
    Literal,
    Parameter,
    Signature,
    Type,
    with_article,
)
from zcalc.language.tree import (
    HOW,
    NOWHERE,
    SET,
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

_INSTEAD = {
    Type.NUMBER: "Remove the |> and the verb: numbers are shown without one.",
    Type.SET: 'Take its mean, mean(imgs("trips/*")), or use label("cat", "dog").',
    Type.QUERY: "A query can be ranked and decoded: words(10), nearest(5), caption().",
    Type.DIFFERENCE: "Show it with words(10).",
    Type.RESULT: "A statement has one verb.",
}
_HOW = ("add", "mul")


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
    """Checks statements in order; `kinds` are the kinds of the names defined so far.

    `piped` is the kind of what the last verb follows.
    """

    piped: Kind = Type.RESULT

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
        values: dict[str, Any] = {}
        for parameter, value in pairs:
            if parameter.type is Type.SET:
                values[parameter.name] = self._among(parameter, value)
            elif signature.variadic:
                values.setdefault("names", []).append(class_name(self.source, value))
            else:
                values[parameter.name] = self._literal(parameter, value)
        if "names" in values:
            values["names"] = distinct(self.source, values["names"], pipe.verb.span)
        return values

    def _among(self, parameter: Parameter, value: Node) -> Node:
        """The set of pictures that a verb is restricted to."""
        for call in (child for child in walk(value) if isinstance(child, Call)):
            match_arguments(call, function_of(call, self.source), self.source)
        if bottom_up(value, self._kind) is Type.SET:
            return value
        message = f"{parameter.name} must be a set of pictures"
        hint = f'Write {parameter.name}=imgs("trips/*").'
        raise error_at(self.source, value.span, message, hint)

    def _literal(self, parameter: Parameter, value: Node) -> float | str:
        wants_number = parameter.type is not Literal.TEXT and not isinstance(value, Text)
        constant = bottom_up(value, self._kind) if wants_number else None
        return literal(self.source, parameter, value, constant)

    def _kind(self, node: Node, kinds: list[Kind]) -> Kind:  # noqa: PLR0911  (one case per node)
        match node:
            case Image(box=box) if box is not None:
                return box_kind(self.source, box, node.span)
            case Image() | Text():
                return Type.EMBEDDING
            case Number(value):
                return value
            case Name():
                return self._named(node)
            case Keyword():
                return kinds[0] if kinds else Type.RESULT  # the constant of `how`
            case Neg(operand):
                return negated_kind(self.source, kinds[0], operand.span)
            case Inverse():
                return inverse_kind(self.source, node, kinds[0])
            case Sum():
                return sum_kind(self.source, node, kinds)
            case Product():
                return product_kind(self.source, node, kinds)
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

    def _call(self, node: Call, kinds: list[Kind]) -> Kind:
        """Check the types of a call's arguments."""
        signature = FUNCTIONS[node.function]
        pairs = match_arguments(node, signature, self.source)
        values = (a.value if isinstance(a, Keyword) else a for a in node.arguments)
        kind_of = {id(value): kind for value, kind in zip(values, kinds, strict=False)}
        for parameter, argument in pairs:
            if parameter.name == HOW and any(a is argument for a in node.arguments):
                message = f"{HOW} must be given by name"
                raise error_at(self.source, argument.span, message, 'Write how="mul".')
            if isinstance(parameter.type, Literal):
                self._constant(signature, parameter, argument)
                continue
            kind = kind_of[id(argument)]
            kind = Type.NUMBER if isinstance(kind, float) else kind
            if kind is parameter.type or kind in parameter.also:
                continue
            message = f"Argument {parameter.name} of {node.function} must be {parameter.expected}"
            hint = f"Usage: {signature.usage}, {signature.summary}."
            if parameter.type is Type.SET:
                hint = f'This is {with_article(kind)}. Write a set as imgs("trips/*").'
            raise error_at(self.source, argument.span, message, hint)
        if node.function == "crop":
            return self._crop_call(node, pairs, kind_of)
        return self._result(node, signature, pairs, kind_of)

    def _result(
        self, node: Call, signature: Signature, pairs: list, kind_of: Mapping[int, Kind]
    ) -> Kind:
        """The type of a checked call, which a few of its arguments decide."""
        alone = signature.result is Type.QUERY and len(pairs) == 1
        if alone and kind_of[id(pairs[0][1])] is not Type.SET:
            message = f"{signature.name} needs two arguments, or a set of pictures"
            raise error_at(self.source, node.span, message, f"Usage: {signature.usage}.")
        if signature.name == SET and not pairs:
            message = "imgs() needs a pattern or a condition"
            hint = 'For example: imgs("trips/*") or imgs(where="year > 2010").'
            raise error_at(self.source, node.span, message, hint)
        how = next((value for parameter, value in pairs if parameter.name == "how"), None)
        if how is not None and how.text not in _HOW:
            hint = 'Write how="mul" for 3CosMul, or leave it out for b - a + c.'
            raise error_at(self.source, how.span, "how must be add or mul", hint)
        return Type.QUERY if how is not None and how.text == "mul" else signature.result

    def _constant(self, signature: Signature, parameter: Parameter, value: Node) -> None:
        """Check an argument that must be written as a constant."""
        if signature.name == SET and any(isinstance(n, Name | Call) for n in walk(value)):
            message = f"{parameter.name} must be {parameter.type.value}"
            hint = f"Write {parameter.name}={example_of(parameter)}."
            raise error_at(self.source, value.span, message, hint)
        self._literal(parameter, value)

    def _crop_call(self, node: Call, pairs: list, kind_of: Mapping[int, Kind]) -> Kind:
        """Check a `crop` that the parser left as a call: of a name, or with named shares."""
        (_, picture), *rest = pairs
        if not (isinstance(picture, Name) or (isinstance(picture, Image) and not picture.box)):
            message = "crop takes a part of one picture"
            hint = f"Write img(name) first: {FUNCTIONS['crop'].usage}."
            raise error_at(self.source, picture.span, message, hint)
        shares = [kind_of[id(value)] for _, value in rest]
        for (parameter, value), share in zip(rest, shares, strict=True):
            if not isinstance(share, float):
                message = f"{parameter.name} must be a constant from 0 to 1"
                hint = f"For example: {FUNCTIONS['crop'].usage}."
                raise error_at(self.source, value.span, message, hint)
        box = tuple(share for share in shares if isinstance(share, float))
        return box_kind(self.source, box, node.span)

    def _pipe(self, node: Pipe, kind: Kind) -> Kind:
        """Check a verb's arguments, and that it is applied to what it accepts."""
        self.settings(node)
        self.piped = kind
        verb = VERBS[node.verb.function]
        if kind in verb.accepts:
            return Type.RESULT
        kind = Type.NUMBER if isinstance(kind, float) else kind
        expected = with_article(verb.accepts[0])
        message = f"{verb.name} needs {expected}, and this is {with_article(kind)}"
        raise error_at(self.source, node.operand.span, message, _INSTEAD[kind])
