"""Answers: everything that is shown of a result, computed once and ready to render."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from zcalc import hooks
from zcalc.analysis.difference import Separator
from zcalc.analysis.labels import Labels
from zcalc.analysis.parts import Parts
from zcalc.decode.caption import Beam
from zcalc.gallery import Picture
from zcalc.index.hits import Hit
from zcalc.language import Image, Node, Verb
from zcalc.words import Word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zcalc.index import Skipped


@dataclass(frozen=True, slots=True)
class Term:
    """An operand's part in a result: its weight, the part's norm, and its cosine with the result.

    The parts of all terms add up to the result before normalisation.
    """

    name: str
    weight: float
    norm: float
    cosine: float


class Measure(Protocol):
    """Numbers that can be drawn: what an answer holds of a plot."""

    def cells(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Headings, and rows of text."""
        ...

    def data(self) -> dict[str, Any]:
        """The numbers as JSON."""
        ...

    def plot(self) -> "Figure":
        """The numbers as a matplotlib figure."""
        ...


@dataclass(frozen=True, slots=True)
class Strip:
    """A set of pictures: how many it has, and the first of them."""

    name: str
    count: int
    pictures: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is shown of a result, under the names of the JSON output; rendering computes nothing.

    `tree` and `operands` (the pictures it names) are for drawing the equation. A number has a
    `value` and no `norm`. `captions` are beams, best first, decoded by `method`. `searched` is how
    many pictures were searched for `images`, `query` with which settings. `skipped` are the
    pictures that could not be read. `labels` are the classes of each picture, `parts` the words of
    a sum, `diff` what tells two sets apart, `strips` the pictures of sets. `text_remarks` are what
    the encoder misses of the texts. `random_cosine` is what random pairs have, on average, where
    the answer's cosines can be held against it. `seconds` is the time each part took.
    """

    expr: str
    model: str
    tree: Node
    name: str | None = None
    norm: float | None = None
    value: float | None = None
    operands: Mapping[Image, Picture] = field(default_factory=dict)
    captions: tuple[Beam, ...] | None = None
    method: str = ""
    words: tuple[Word, ...] | None = None
    images: tuple[Hit, ...] | None = None
    searched: int = 0
    query: Mapping[str, Any] = field(default_factory=dict)
    terms: tuple[Term, ...] = ()
    plot: Measure | None = None
    labels: tuple[Labels, ...] = ()
    parts: Parts | None = None
    diff: tuple[Separator, ...] | None = None
    strips: tuple[Strip, ...] = ()
    skipped: "tuple[Skipped, ...]" = ()
    notes: tuple[str, ...] = ()
    text_remarks: tuple[str, ...] = ()
    random_cosine: float | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def scale(self) -> str:
        """What the scores of words and pictures are: "cosine", or "score" for a query."""
        return "score" if self.norm is None else "cosine"

    @property
    def weak(self) -> bool:
        """Whether no word and no picture is nearer than random pairs are, on average."""
        best, random = self._best, self.random_cosine
        return best is not None and random is not None and best < random

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the reader should know: texts that were cut or unknown, a result near to nothing."""
        if not self.weak:
            return self.text_remarks
        best = f"the best cosine is {self._best:.2f}"
        random = f"random pairs have {self.random_cosine:.2f} on average"
        return (*self.text_remarks, f"Nothing is near this point: {best}, and {random}.")

    @property
    def _best(self) -> float | None:
        """The highest cosine of a word or picture."""
        words = [word.score for word in self.words or ()]
        return max((*words, *(hit.score for hit in self.images or ())), default=None)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return hooks.mimebundle(self)


class Answerable(Protocol):
    """What a view answers for: a `result.Result`."""

    def answer(self, view: "View") -> Answer:
        """Compute the parts that a view names."""
        ...


@dataclass(frozen=True, slots=True)
class View:
    """Which parts of a result to show.

    `caption`, `query` and `plot` are settings of `Result.caption`, `nearest` and `plot`; a caption
    or plot of None is left out, as are 0 `words`, `pictures` or `parts`. `among` is a file of words
    to rank, `labels` are classes to choose from.
    """

    caption: Mapping[str, Any] | None = field(default=None, hash=False)
    words: int = 0
    pictures: int = 0
    plot: Mapping[str, Any] | None = field(default=None, hash=False)
    query: Mapping[str, Any] = field(default_factory=dict, hash=False)
    keep_operands: bool = False
    among: str | None = None
    labels: tuple[str, ...] = ()
    parts: int = 0

    @classmethod
    def of_verb(cls, verb: Verb) -> "View":
        """The part of a result that a verb names, with its settings."""
        settings = dict(verb.settings)
        match verb.name:
            case "caption":
                fields: dict[str, Any] = {"caption": settings}
            case "words":
                fields = {"words": settings.get("k", 10), "among": settings.get("among")}
            case "nearest":
                fields = {"pictures": settings.pop("k", 5), "query": settings}
            case "label":
                fields = {"labels": settings["names"]}
            case "parts":
                fields = {"parts": settings.get("k", 6)}
            case "relevance":
                fields = {"plot": {"kind": "relevance", **settings}}
            case _:
                fields = {"plot": settings}
        return cls(**fields)

    def answer(self, result: Answerable) -> Answer:
        """Compute these parts of a result, each once."""
        return result.answer(self)


def skipped_note(skipped: "Sequence[Skipped]") -> tuple[str, ...]:
    """A note on the pictures that could not be read, if there are any."""
    if not skipped:
        return ()
    first, more = skipped[0], f" and {len(skipped) - 1} more" if len(skipped) > 1 else ""
    return (f"skipped {Path(first.path).name}: {first.reason}{more}",)
