"""The trace of a guided decode: what each token was chosen from, before and after the guidance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.errors import ZcalcError
from zcalc.geometry.shown import Shown, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zcalc.decode.caption import Beam


@dataclass(frozen=True, eq=False)
class Trace(Shown):
    """The candidates of each of s tokens, best c first, as the guided model ranked them.

    `candidates` holds their texts; `clip` (s, c) is the caption's cosine with each of them,
    `before` and `after` (s, c) their log-probabilities without and with the guidance, NaN where
    there is none. `tokens` (s) are those that the caption went on with, the best or, where several
    beams competed, another.
    """

    text: str
    candidates: tuple[tuple[str, ...], ...]
    clip: np.ndarray
    before: np.ndarray
    after: np.ndarray
    tokens: tuple[str, ...]

    @property
    def shift(self) -> np.ndarray:
        """How much likelier (above 0) or less likely the guidance made each candidate, (s, c)."""
        return self.after - self.before

    def plot(self) -> "Figure":
        """The candidates of every token, coloured by what the guidance did to them."""
        from zcalc.geometry.draw_paths import draw_trace

        return draw_trace(self)

    def table(self) -> Table:
        """One row for each candidate of each token."""
        head = ("token", "candidate", "CLIP", "before", "after", "shift", "chosen")
        rows: list[tuple[Any, ...]] = []
        for i, tokens in enumerate(self.candidates):
            columns = (self.clip[i], self.before[i], self.after[i], self.shift[i])
            for j, token in enumerate(tokens):
                numbers = [("" if np.isnan(c[j]) else float(c[j])) for c in columns]
                rows.append((str(i + 1), token, *numbers, "●" if token == self.tokens[i] else ""))
        return head, rows

    def data(self) -> dict[str, Any]:
        """The text, and the candidates of each token with their scores."""
        head, rows = self.table()
        known = [{h: v for h, v in zip(head, row, strict=True) if v != ""} for row in rows]
        return {"text": self.text, "candidates": known}


def trace_of(beam: "Beam", tokens: Sequence[str]) -> Trace:
    """The trace of a caption's beam, whose `tokens` read so.

    Raises ZcalcError where it was decoded without one.
    """
    if not beam.trace:
        message = "This caption remembers no candidates."
        raise ZcalcError(message, "Decode it with trace=5; a sentence looked up has none.")
    width = max(len(choice.candidates) for choice in beam.trace)
    parts = {
        part: np.array([_filled(getattr(choice, part), width) for choice in beam.trace])
        for part in ("clip", "before", "after")
    }
    candidates = tuple(choice.candidates for choice in beam.trace)
    return Trace(beam.text, candidates, **parts, tokens=tuple(tokens))


def _filled(scores: tuple[float | None, ...], width: int) -> list[float]:
    known = [np.nan if score is None else score for score in scores]
    return known + [np.nan] * (width - len(known))
