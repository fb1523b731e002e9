"""Captions of one result side by side: by decoder, and by what the decoder writes toward."""

import time
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.algebra import unit
from zcalc.captions import MODES
from zcalc.progress import track

if TYPE_CHECKING:
    from zcalc.decode.caption import Caption
    from zcalc.result import Result

_HEADINGS = ("decoder", "toward", "cosine", "log-prob.", "seconds", "caption")
_TOWARD = {"vectors": "the vector", "scores": "the sum of cosines"}


@dataclass(frozen=True, slots=True)
class Row:
    """One caption; `cosine` is its own with the result's vector, in every mode."""

    method: str
    mode: str
    caption: "Caption"
    cosine: float
    seconds: float

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as it is shown."""
        logprob = "" if self.caption.logprob is None else f"{self.caption.logprob:.2f}"
        numbers = f"{self.cosine:.3f}", logprob, f"{self.seconds:.2f}"
        return self.method, _TOWARD[self.mode], *numbers, self.caption.text


@dataclass(frozen=True, slots=True)
class Comparison:
    """What several decoders say of one expression; a notebook shows it as a table."""

    expr: str
    rows: tuple[Row, ...]

    def __repr__(self) -> str:
        lines = [_HEADINGS, *(row.cells for row in self.rows)]
        wide = [max(len(line[i]) for line in lines) for i in range(len(_HEADINGS))]
        padded = ("  ".join(c.ljust(w) for c, w in zip(line, wide, strict=True)) for line in lines)
        return "\n".join([self.expr, *(line.rstrip() for line in padded)])

    def _repr_html_(self) -> str:
        from zcalc.notebook.card import style

        lines = [_HEADINGS, *(row.cells for row in self.rows)]
        head, *rows = [
            "".join(f"<td>{escape(cell)}</td>" for cell in (caption, *others))
            for *others, caption in lines
        ]
        return (
            f'<div class="zcalc"><style>{style()}</style><p class="about">{escape(self.expr)}</p>'
            f'<table class="compared"><tr>{"</tr><tr>".join([head, *rows])}</tr></table></div>'
        )


def compare(
    result: "Result", methods: tuple[str, ...], modes: tuple[str, ...] = MODES, **settings: Any
) -> Comparison:
    """Decode a result with every decoder in every mode (see `Result.caption`)."""
    rows = []
    pairs = [(method, mode) for method in methods for mode in modes]
    for method, mode in track(pairs, "Comparing captions"):
        before = result.seconds["caption"]
        begin = time.perf_counter()
        caption = result.caption(method, mode=mode, **settings)
        taken = result.seconds["caption"] - before or time.perf_counter() - begin
        vector = unit(result.calculator.encoder.texts([caption.text]))[0]  # (d,)
        rows.append(Row(method, mode, caption, float(np.dot(vector, result.vector)), taken))
    return Comparison(result.expr, tuple(rows))
