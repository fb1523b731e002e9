"""The functions and verbs of the language: parameters, result types and one-line summaries."""

from dataclasses import dataclass
from enum import Enum


class Type(Enum):
    """The type of an expression; a result, the output of a verb, cannot be an operand."""

    NUMBER = "number"
    EMBEDDING = "embedding"
    RESULT = "result"


class Literal(Enum):
    """The type of a verb's argument, a constant that is known before any model is loaded."""

    COUNT = "a positive whole number"
    TEXT = "text in quotes"
    FRACTION = "a number from 0 to 1"
    CONSTANT = "a number or text in quotes"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function or verb."""

    name: str
    type: Type | Literal = Type.EMBEDDING
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """The signature of a function or verb.

    If `variadic`, the last parameter may be repeated; if `is_open`, it takes further named
    constants, which are checked later: settings of the decoder that is chosen.
    """

    name: str
    parameters: tuple[Parameter, ...]
    result: Type
    summary: str
    variadic: bool = False
    is_open: bool = False

    @property
    def usage(self) -> str:
        """An example call, for messages.

        >>> FUNCTIONS["lerp"].usage, VERBS["words"].usage
        ('lerp(a, b, t)', 'words(10)')
        """
        if self.result is Type.RESULT:
            return f"{self.name}({_EXAMPLES.get(self.name, '')})"
        names = ", ".join(parameter.name for parameter in self.parameters)
        return f"{self.name}({names}{', …' if self.variadic else ''})"


_EXAMPLES = {"caption": "beams=5", "words": "10", "nearest": "5"}


def _function(summary: str, name: str, *names: str, result: Type = Type.EMBEDDING) -> Signature:
    parameters = (Parameter(n, Type.NUMBER if n == "t" else Type.EMBEDDING) for n in names)
    return Signature(name, tuple(parameters), result, summary)


def _verb(summary: str, name: str, **parameters: Literal) -> Signature:
    optional = (Parameter(n, kind, optional=True) for n, kind in parameters.items())
    return Signature(name, tuple(optional), Type.RESULT, summary, is_open=name == "caption")


_FUNCTIONS = (
    Signature(
        "mean",
        (Parameter("a"), Parameter("b", optional=True)),
        Type.EMBEDDING,
        "the mean direction of its arguments",
        variadic=True,
    ),
    _function("x scaled to length 1", "unit", "x"),
    _function("the component of x along another embedding", "proj", "x", "on"),
    _function("x without its component along another embedding", "rej", "x", "off"),
    _function("the point at t on the straight line from a to b", "lerp", "a", "b", "t"),
    _function("the direction at t on the arc from a to b", "slerp", "a", "b", "t"),
    _function("b - a + c, which is to c as b is to a", "analogy", "a", "b", "c"),
    _function("x minus the mean picture or mean text", "center", "x"),
    _function("the cosine of a and b, from -1 to 1", "cos", "a", "b", result=Type.NUMBER),
    _function("the length of an embedding", "norm", "x", result=Type.NUMBER),
)
_VERBS = (
    _verb(
        "the decoded sentence",
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
        threshold=Literal.FRACTION,
        where=Literal.TEXT,
        fold=Literal.FRACTION,
        diversity=Literal.FRACTION,
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
