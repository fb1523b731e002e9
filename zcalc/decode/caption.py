"""What every decoder gives back: a caption with its beams."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choice:
    """What a decoder chose one token from: its candidates, best first, and their scores.

    `clip` is the objective's score of the caption with the candidate, None where it wasn't asked;
    `before` the plain language model's log-probability, `after` the guided one that decided.
    """

    candidates: tuple[str, ...]
    clip: tuple[float | None, ...]
    before: tuple[float | None, ...]
    after: tuple[float | None, ...]


Trace = tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Beam:
    """One finished or running caption.

    `clip` is the cosine of `text` (prompt included) with the target, or what the objective makes of
    it; `logprob` the mean log-probability of `tokens` (without the prompt) under the plain language
    model, None where no language model was asked; `trace` has a choice for every token where the
    setting `trace` asks for candidates.
    """

    text: str
    clip: float
    logprob: float | None
    tokens: tuple[int, ...] = ()
    trace: Trace = ()


@dataclass(frozen=True, slots=True)
class Caption:
    """The best beam by CLIP, with all beams in the decoder's own order.

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
        """The caption of a decoder's beams, at least one."""
        best = max(beams, key=lambda beam: beam.clip)
        return cls(best.text, best.clip, best.logprob, tuple(beams), method, finished)

    @property
    def best_clip(self) -> Beam:
        """The beam nearest to the target."""
        return max(self.beams, key=lambda beam: beam.clip)

    @property
    def best_likelihood(self) -> Beam:
        """The likeliest beam under the plain language model; without one, the first."""
        return max(self.beams, key=lambda b: float("-inf") if b.logprob is None else b.logprob)


def latest(
    captions: Iterator[Caption], on_token: Callable[[Caption], None] | None = None
) -> Caption:
    """Run a decoder to its end, or until an interrupt (Ctrl-C), and give its last caption.

    `on_token` sees every caption as it comes. Raises KeyboardInterrupt when there is none yet.
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
