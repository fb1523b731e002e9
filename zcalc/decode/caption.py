"""Captions, the output of every decoder."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choice:
    """The candidates for one token, best first, with their scores.

    `clip` is the objective's score of the caption with that candidate, None if it wasn't computed;
    `before` is the unguided language model's log-probability, `after` the guided score that
    decided.
    """

    candidates: tuple[str, ...]
    clip: tuple[float | None, ...]
    before: tuple[float | None, ...]
    after: tuple[float | None, ...]


Trace = tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Beam:
    """One caption, finished or not.

    `raw` is what the decoder wrote, prompt included, and `text` the same in correct English (see
    `english.correct`). `clip` is the objective's score of `raw`, usually its cosine with the
    target; `logprob` is the mean log-probability of `tokens` (without the prompt) under the
    unguided language model, None for decoders without one; `trace` has the choice of every token
    if the setting `trace` is above 0.
    """

    text: str
    clip: float
    logprob: float | None
    tokens: tuple[int, ...] = ()
    trace: Trace = ()
    raw: str = ""

    def __post_init__(self) -> None:
        if not self.raw:
            object.__setattr__(self, "raw", self.text)


@dataclass(frozen=True, slots=True)
class Caption:
    """The beam with the highest CLIP score, and all beams in the decoder's order.

    >>> caption = Caption.of([Beam("a cat", 0.2, -1.0), Beam("a tabby", 0.3, -2.0)], "search")
    >>> caption.text, caption.best_likelihood.text
    ('a tabby', 'a cat')
    """

    text: str
    clip: float
    logprob: float | None
    beams: tuple[Beam, ...]
    method: str
    finished: bool

    @classmethod
    def of(cls, beams: Sequence[Beam], method: str, finished: bool = True) -> "Caption":
        """The caption of one or more beams."""
        best = max(beams, key=lambda beam: beam.clip)
        return cls(best.text, best.clip, best.logprob, tuple(beams), method, finished)

    @property
    def raw(self) -> str:
        """What the decoder wrote, before its English was corrected."""
        return self.best_clip.raw

    @property
    def ranked(self) -> tuple[Beam, ...]:
        """The beams by their score, best first."""
        return tuple(sorted(self.beams, key=lambda beam: -beam.clip))

    @property
    def best_clip(self) -> Beam:
        """The beam with the highest CLIP score."""
        return max(self.beams, key=lambda beam: beam.clip)

    @property
    def best_likelihood(self) -> Beam:
        """The likeliest beam under the unguided language model; without one, the first."""
        return max(self.beams, key=lambda b: float("-inf") if b.logprob is None else b.logprob)


def latest(
    captions: Iterator[Caption], on_token: Callable[[Caption], None] | None = None
) -> Caption:
    """Run a decoder until it finishes or is interrupted (Ctrl-C), and return its last caption.

    `on_token` is called with every caption so far. Raises KeyboardInterrupt if there is none yet.
    """
    last: Caption | None = None
    try:
        for caption in captions:
            last = caption
            if on_token is not None:
                on_token(caption)
    except KeyboardInterrupt:
        if last is None:
            raise
    assert last is not None, "a decoder yields at least one caption"
    return last
