"""The functions and verbs of the language: their arguments, defaults and one line about each."""

from dataclasses import dataclass
from enum import Enum


class Type(Enum):
    """What an expression stands for; a result is something shown, and nothing to calculate with."""

    NUMBER = "number"
    EMBEDDING = "embedding"
    RESULT = "result"


class Literal(Enum):
    """What an argument of a verb has to be; its value is known before anything is loaded."""

    COUNT = "whole number of at least 1"
    TEXT = "text in quotes"
    SHARE = "number from 0 to 1"


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument that a function or verb takes; `optional` ones may be left out."""

    name: str
    type: Type | Literal = Type.EMBEDDING
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """How a function or verb is called; the last parameter of a `variadic` one may repeat."""

    name: str
    parameters: tuple[Parameter, ...]
    result: Type
    about: str
    variadic: bool = False

    @property
    def usage(self) -> str:
        """The call as a person would write it.

        >>> FUNCTIONS["lerp"].usage, VERBS["words"].usage
        ('lerp(a, b, t)', 'words(10)')
        """
        if self.result is Type.RESULT:
            return f"{self.name}({_EXAMPLES.get(self.name, '')})"
        names = ", ".join(parameter.name for parameter in self.parameters)
        return f"{self.name}({names}{', …' if self.variadic else ''})"


_EXAMPLES = {"caption": "beams=5", "words": "10", "nearest": "5"}


def _function(about: str, name: str, *names: str, result: Type = Type.EMBEDDING) -> Signature:
    parameters = (Parameter(n, Type.NUMBER if n == "t" else Type.EMBEDDING) for n in names)
    return Signature(name, tuple(parameters), result, about)


def _verb(about: str, name: str, **parameters: Literal) -> Signature:
    taken = (Parameter(n, kind, optional=True) for n, kind in parameters.items())
    return Signature(name, tuple(taken), Type.RESULT, about)


_FUNCTIONS = (
    Signature(
        "mean",
        (Parameter("a"), Parameter("b", optional=True)),
        Type.EMBEDDING,
        "the mean direction of embeddings",
        variadic=True,
    ),
    _function("the same direction, of length 1", "unit", "x"),
    _function("the part of x along another embedding", "proj", "x", "on"),
    _function("x without its part along another embedding", "rej", "x", "off"),
    _function("the point at t of the straight line from a to b", "lerp", "a", "b", "t"),
    _function("the direction at t of the arc from a to b", "slerp", "a", "b", "t"),
    _function("what is to c as b is to a: b - a + c", "analogy", "a", "b", "c"),
    _function("x without the mean picture or mean text", "center", "x"),
    _function("how alike two directions are, from -1 to 1", "cos", "a", "b", result=Type.NUMBER),
    _function("the length of an embedding", "norm", "x", result=Type.NUMBER),
)
_VERBS = (
    _verb(
        "decode a sentence",
        "caption",
        beams=Literal.COUNT,
        prompt=Literal.TEXT,
        max_tokens=Literal.COUNT,
        method=Literal.TEXT,
    ),
    _verb("the nearest words", "words", k=Literal.COUNT),
    _verb(
        "the nearest pictures",
        "nearest",
        k=Literal.COUNT,
        threshold=Literal.SHARE,
        where=Literal.TEXT,
        fold=Literal.SHARE,
        diversity=Literal.SHARE,
    ),
    _verb(
        "a map of the operands and the result, or another plot",
        "plot",
        kind=Literal.TEXT,
        k=Literal.COUNT,
        method=Literal.TEXT,
    ),
)
FUNCTIONS = {signature.name: signature for signature in _FUNCTIONS}
VERBS = {signature.name: signature for signature in _VERBS}
