"""A comparison of captions as a table, in text and HTML."""

from zcalc.decode.comparison import ComparedCaption, Comparison
from zcalc.show.card import card
from zcalc.show.html import escaped

_HEADINGS = ("decoder", "toward", "cosine", "log-prob.", "seconds", "caption")
_TOWARD = {"vectors": "the vector", "scores": "the sum of cosines"}


def comparison_text(comparison: Comparison) -> str:
    """The expression, and below it a row for each caption."""
    lines = [_HEADINGS, *map(_cells, comparison.rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_HEADINGS))]
    padded = ("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) for line in lines)
    return "\n".join([comparison.expr, *(line.rstrip() for line in padded)])


def comparison_html(comparison: Comparison) -> str:
    """The same as a card; the caption comes first."""
    rows = "".join(
        f"<tr>{''.join(f'<td>{escaped(cell)}</td>' for cell in (caption, *cells))}</tr>"
        for *cells, caption in (_HEADINGS, *map(_cells, comparison.rows))
    )
    expression = f'<p class="note">{escaped(comparison.expr)}</p>'
    return card(f'{expression}<table class="compared">{rows}</table>')


def _cells(row: ComparedCaption) -> tuple[str, ...]:
    logprob = "" if row.caption.logprob is None else f"{row.caption.logprob:.2f}"
    numbers = f"{row.cosine:.3f}", logprob, f"{row.seconds:.2f}"
    return row.method, _TOWARD[row.mode], *numbers, row.caption.text
