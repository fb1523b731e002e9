"""Tables of texts that `zcalc bench` prints."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from zcalc.bench import Report
    from zcalc.bench.relation import Answer


def misses_table(report: "Report") -> "Table":
    """The plain questions whose first answer is wrong, with the answers and the accepted ones."""
    from zcalc.bench.report import listed

    rows = [
        (name, section, ", ".join(output["answers"][:3]), listed(output["accepted"]))
        for name, section, output, rank in zip(
            report.names, report.sections, report.outputs, report.metrics[0].values, strict=True
        )
        if rank > 1
    ]
    return _texts(("first is wrong", "section", "first three", "accepted"), rows)


def answers_table(answers: "Sequence[Answer]") -> "Table":
    """The answers to questions in picture arithmetic, with the rank of the first accepted word."""
    headings = ("", "expression", "first five words", "caption")
    width = 4 if answers[0].caption else 3
    rows = []
    for answer in answers:
        rank = "·" if answer.rank is None else str(answer.rank)
        cells = (
            rank,
            answer.question.expression,
            ", ".join(answer.words[:5]),
            answer.caption or "",
        )
        rows.append(cells[:width])
    return _texts(headings[:width], rows)


def _texts(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> "Table":
    """A table of texts, wrapped to the terminal's width."""
    from rich.table import Table
    from rich.text import Text

    table = Table(*headings, box=None, pad_edge=False, header_style="dim")
    for row in rows:
        table.add_row(*map(Text, row))
    return table
