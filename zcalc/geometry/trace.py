"""The trace of a guided decode: each token's candidates before and after guidance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.errors import ZcalcError
from zcalc.geometry.base import Measure, Table

if TYPE_CHECKING:
    from zcalc.decode.caption import Beam


@dataclass(frozen=True, eq=False)
class Trace(Measure):
    """The top c candidates of each of s tokens, as the guided model ranked them.

    `candidates` holds their texts; `clip` (s, c) is the cosine of the caption so far with each
    candidate appended, `before` and `after` (s, c) the log-probabilities without and with guidance,
    NaN where there is none. `tokens` (s) are the caption's own tokens: usually the best candidate,
    but with several beams possibly another.
    """

    text: str
    candidates: tuple[tuple[str, ...], ...]
    clip: np.ndarray
    before: np.ndarray
    after: np.ndarray
    tokens: tuple[str, ...]

    @property
    def shift(self) -> np.ndarray:
        """The change in log-probability due to guidance, (s, c)."""
        return self.after - self.before

    def table(self) -> Table:
        """Return one row per candidate of each token."""
        headings = ("token", "candidate", "CLIP", "before", "after", "shift", "chosen")
        rows: list[tuple[Any, ...]] = []
        for i, tokens in enumerate(self.candidates):
            columns = (self.clip[i], self.before[i], self.after[i], self.shift[i])
            for j, token in enumerate(tokens):
                numbers = [("" if np.isnan(c[j]) else float(c[j])) for c in columns]
                rows.append((str(i + 1), token, *numbers, "●" if token == self.tokens[i] else ""))
        return headings, rows

    def data(self) -> dict[str, Any]:
        """Return the text, and the candidates of each token with their scores."""
        headings, rows = self.table()
        candidates = [
            {h: value for h, value in zip(headings, row, strict=True) if value != ""}
            for row in rows
        ]
        return {"text": self.text, "candidates": candidates}


def trace_of(beam: "Beam", tokens: Sequence[str]) -> Trace:
    """Build the trace of a caption's beam; `tokens` are the texts of its tokens.

    Raises ZcalcError where the beam was decoded without a trace.
    """
    if not beam.trace:
        message = "This caption was decoded without a trace."
        raise ZcalcError(message, "Decode it with trace=5; the decoder retrieve has no trace.")
    width = max(len(choice.candidates) for choice in beam.trace)
    scores = {
        field: np.array([_padded(getattr(choice, field), width) for choice in beam.trace])
        for field in ("clip", "before", "after")
    }
    candidates = tuple(choice.candidates for choice in beam.trace)
    return Trace(beam.text, candidates, **scores, tokens=tuple(tokens))


def _padded(scores: tuple[float | None, ...], width: int) -> list[float]:
    """Return scores as floats, with NaN for missing ones up to `width`."""
    floats = [np.nan if score is None else score for score in scores]
    return floats + [np.nan] * (width - len(floats))
