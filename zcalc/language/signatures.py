"""The functions and verbs of the language: parameters, result types and one-line summaries."""

from dataclasses import dataclass
from enum import Enum


class Type(Enum):
    """The type of an expression; a result, the output of a verb, cannot be an operand."""

    NUMBER = "number"
    EMBEDDING = "embedding"
    SET = "set of pictures"
    QUERY = "query"
    DIFFERENCE = "difference between sets"
    RESULT = "result"


class Literal(Enum):
    """The type of an argument that is a constant, known before any model is loaded."""

    COUNT = "a positive whole number"
    TEXT = "text in quotes"
    FRACTION = "a number from 0 to 1"
    CONSTANT = "a number or text in quotes"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a function or verb; it takes its `type` and those in `also`."""

    name: str
    type: Type | Literal = Type.EMBEDDING
    optional: bool = False
    also: tuple[Type, ...] = ()

    @property
    def expected(self) -> str:
        """What it takes, for messages.

        >>> FUNCTIONS["mean"].parameters[0].expected
        'an embedding or a set of pictures'
        """
        if isinstance(self.type, Literal):
            return self.type.value
        return " or ".join(with_article(kind) for kind in (self.type, *self.also))


@dataclass(frozen=True, slots=True)
class Signature:
    """The signature of a function or verb.

    If `variadic`, the last parameter may be repeated; if `is_open`, it takes further named
    constants, which are checked later: settings of the decoder that is chosen. A verb follows
    expressions of the types in `accepts`.
    """

    name: str
    parameters: tuple[Parameter, ...]
    result: Type
    summary: str
    variadic: bool = False
    is_open: bool = False
    accepts: tuple[Type, ...] = (Type.EMBEDDING,)

    @property
    def usage(self) -> str:
        """An example call, for messages.

        >>> FUNCTIONS["lerp"].usage, VERBS["words"].usage
        ('lerp(a, b, t)', 'words(10)')
        """
        if self.name in _EXAMPLES or self.result is Type.RESULT:
            return f"{self.name}({_EXAMPLES.get(self.name, '')})"
        names = ", ".join(p.name for p in self.parameters if not p.optional or self.variadic)
        return f"{self.name}({names}{', …' if self.variadic else ''})"


def with_article(kind: Type) -> str:
    """The name of a type with its article.

    >>> with_article(Type.EMBEDDING), with_article(Type.SET)
    ('an embedding', 'a set of pictures')
    """
    return f"{'an' if kind is Type.EMBEDDING else 'a'} {kind.value}"


_EXAMPLES = {
    "caption": "beams=5",
    "words": "10",
    "nearest": "5",
    "label": '"cat", "dog"',
    "parts": "6",
    "relevance": '"a dog"',
    "imgs": '"trips/*"',
    "crop": "img(coffee), 0, 0, 0.5, 1",
    "edit": "x, a, b, by=1",
    "diff": 'imgs("a/*"), imgs("b/*")',
}


def _function(summary: str, name: str, *names: str, result: Type = Type.EMBEDDING) -> Signature:
    parameters = (Parameter(n, Type.NUMBER if n == "t" else Type.EMBEDDING) for n in names)
    return Signature(name, tuple(parameters), result, summary)


def _verb(
    summary: str, name: str, accepts: tuple[Type, ...] = (), **parameters: Literal | Type
) -> Signature:
    optional = (Parameter(n, kind, optional=True) for n, kind in parameters.items())
    return Signature(
        name,
        tuple(optional),
        Type.RESULT,
        summary,
        is_open=name == "caption",
        accepts=(Type.EMBEDDING, *accepts),
    )


_SETS = (Type.SET,)
_PARTS = (Type.QUERY, Type.SET)  # what a query may be made of, besides embeddings
_SHARES = ("left", "top", "right", "bottom")
_FUNCTIONS = (
    Signature(
        "mean",
        (Parameter("a", also=_SETS), Parameter("b", optional=True, also=_SETS)),
        Type.EMBEDDING,
        "the mean direction of its arguments",
        variadic=True,
    ),
    _function("x scaled to length 1", "unit", "x"),
    _function("the component of x along another embedding", "proj", "x", "on"),
    Signature(
        "rej",
        (Parameter("x"), Parameter("off", also=_SETS)),
        Type.EMBEDDING,
        "x without its components along other embeddings",
        variadic=True,
    ),
    _function("the point at t on the straight line from a to b", "lerp", "a", "b", "t"),
    _function("the direction at t on the arc from a to b", "slerp", "a", "b", "t"),
    Signature(
        "analogy",
        (*map(Parameter, "abc"), Parameter("how", Literal.TEXT, optional=True)),
        Type.EMBEDDING,
        "b - a + c, which is to c as b is to a",
    ),
    Signature(
        "edit",
        (*map(Parameter, "xab"), Parameter("by", Type.NUMBER, optional=True)),
        Type.EMBEDDING,
        "x with a changed to b, and the rest kept",
    ),
    _function("x minus the mean picture or mean text", "center", "x"),
    Signature(
        "both",
        (Parameter("a", also=_PARTS), Parameter("b", optional=True, also=_PARTS)),
        Type.QUERY,
        "what is near all of its arguments",
        variadic=True,
    ),
    Signature(
        "either",
        (Parameter("a", also=_PARTS), Parameter("b", optional=True, also=_PARTS)),
        Type.QUERY,
        "what is near any of its arguments",
        variadic=True,
    ),
    Signature(
        "butnot",
        (Parameter("a", also=_PARTS), Parameter("b", also=_PARTS)),
        Type.QUERY,
        "what is near a and not near b",
    ),
    Signature(
        "imgs",
        (
            Parameter("pattern", Literal.TEXT, optional=True),
            Parameter("where", Literal.TEXT, optional=True),
            Parameter("most", Literal.COUNT, optional=True),
        ),
        Type.SET,
        "the pictures whose names or paths match a pattern, or that meet a condition",
    ),
    Signature(
        "crop",
        (Parameter("x"), *(Parameter(side, Type.NUMBER) for side in _SHARES)),
        Type.EMBEDDING,
        "a part of a picture, in shares of its sides",
    ),
    Signature(
        "diff",
        (Parameter("a", Type.SET), Parameter("b", Type.SET)),
        Type.DIFFERENCE,
        "what tells the pictures of set a from those of set b",
    ),
    _function("the cosine of a and b, from -1 to 1", "cos", "a", "b", result=Type.NUMBER),
    _function("the length of an embedding", "norm", "x", result=Type.NUMBER),
)
_VERBS = (
    _verb(
        "the decoded sentence",
        "caption",
        (Type.QUERY,),
        beams=Literal.COUNT,
        prompt=Literal.TEXT,
        max_tokens=Literal.COUNT,
        method=Literal.TEXT,
    ),
    _verb(
        "the nearest words",
        "words",
        (Type.QUERY, Type.DIFFERENCE),
        k=Literal.COUNT,
        among=Literal.TEXT,
    ),
    _verb(
        "the nearest pictures",
        "nearest",
        (Type.QUERY,),
        k=Literal.COUNT,
        threshold=Literal.FRACTION,
        where=Literal.TEXT,
        fold=Literal.FRACTION,
        diversity=Literal.FRACTION,
        among=Type.SET,
    ),
    _verb(
        "a map of the operands and the result, or another plot",
        "plot",
        kind=Literal.TEXT,
        k=Literal.COUNT,
        method=Literal.TEXT,
    ),
    Signature(
        "label",
        (Parameter("a", Literal.TEXT), Parameter("b", Literal.TEXT)),
        Type.RESULT,
        "the probability of each class",
        variadic=True,
        accepts=(Type.EMBEDDING, Type.SET),
    ),
    _verb("the embedding as a weighted sum of words", "parts", k=Literal.COUNT),
    Signature(
        "relevance",
        (Parameter("text", Literal.TEXT), Parameter("grid", Literal.COUNT, optional=True)),
        Type.RESULT,
        "which parts of a picture answer to a text",
    ),
)
FUNCTIONS = {signature.name: signature for signature in _FUNCTIONS}
VERBS = {signature.name: signature for signature in _VERBS}
