"""Constants of the language: arguments whose value is known before any model is loaded."""

from collections.abc import Sequence

from zcalc.language.arithmetic import Kind
from zcalc.language.errors import error_at
from zcalc.language.signatures import Literal, Parameter, Type
from zcalc.language.tree import Node, Span, Text

_EXAMPLE_BY_TYPE: dict[object, str] = {
    Literal.TEXT: '"Image of a"',
    Literal.COUNT: "5",
    Literal.FRACTION: "0.5",
    Literal.CONSTANT: "0.5",
}
_EXAMPLE_BY_NAME = {
    "where": '"year > 2010"', "fold": "0.94", "threshold": "0.3", "kind": '"terms"',
    "pattern": '"trips/*"', "how": '"mul"', "among": '"phrases.txt"', "most": "20000",
    "text": '"a dog"', "grid": "7",
}  # fmt: skip


def example_of(parameter: Parameter) -> str:
    """An example of a constant, for messages."""
    return _EXAMPLE_BY_NAME.get(parameter.name) or _EXAMPLE_BY_TYPE[parameter.type]


def literal(source: str, parameter: Parameter, value: Node, constant: Kind | None) -> float | str:
    """The value of a constant; `constant` is its number, if it is one.

    Raises LanguageError for anything else than the parameter takes.
    """
    if parameter.type in (Literal.TEXT, Literal.CONSTANT) and isinstance(value, Text):
        return value.text
    if isinstance(constant, float):
        if parameter.type is Literal.CONSTANT:
            return int(constant) if constant == int(constant) else constant
        if parameter.type is Literal.FRACTION and 0 <= constant <= 1:
            return constant
        if parameter.type is Literal.COUNT and constant >= 1 and constant == int(constant):
            return int(constant)
    assert isinstance(parameter.type, Literal)
    message = f"{parameter.name} must be {parameter.type.value}"
    hint = f"Write {parameter.name}={example_of(parameter)}."
    raise error_at(source, value.span, message, hint)


def class_name(source: str, value: Node) -> str:
    """The name of a class of `label`."""
    if isinstance(value, Text) and value.text.strip():
        return value.text
    raise error_at(source, value.span, "A class must be text in quotes", 'Write "cat".')


def distinct(source: str, names: Sequence[str], span: Span) -> tuple[str, ...]:
    """The names of classes; raises LanguageError if one is given twice."""
    if len(set(names)) == len(names):
        return tuple(names)
    hint = 'Write different ones: label("cat", "dog").'
    raise error_at(source, span, "A class is given twice", hint)


def box_kind(source: str, box: tuple[float, ...], span: Span) -> Type:
    """The type of a part of a picture; raises LanguageError unless its shares make sense."""
    left, top, right, bottom = box
    if 0 <= left < right <= 1 and 0 <= top < bottom <= 1:
        return Type.EMBEDDING
    message = "This part of the picture is empty or lies outside of it"
    hint = "Shares go from 0 to 1, left below right and top below bottom: "
    hint += "crop(img(coffee), 0, 0, 0.5, 1) is the left half."
    raise error_at(source, span, message, hint)
