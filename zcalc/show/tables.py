"""Tables of numbers with footnotes: for a terminal, in plain text, and in HTML."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zcalc.pictures import printable
from zcalc.show.card import card
from zcalc.show.html import escaped

if TYPE_CHECKING:
    from rich.console import JustifyMethod, RenderableType
    from rich.text import Text

Cells = Sequence[Sequence[str]]


def rich_table(cells: Cells, footnotes: Sequence[str] = ()) -> "RenderableType":
    """A table for a terminal, headings first; all columns but the first are right-aligned."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for i, heading in enumerate(cells[0]):
        justify: JustifyMethod = "right" if i else "left"
        table.add_column(Text(clean(heading)), justify=justify, no_wrap=i > 0)
    for row in cells[1:]:
        style = "bold" if row[0] == "total" else ""
        table.add_row(*(Text(clean(cell)) for cell in row), style=style)
    return Group(table, *map(footnote, footnotes))


def footnote(text: str) -> "Text":
    """A line below a table in a terminal."""
    from rich.text import Text

    return Text(clean(text), "dim")


def plain_table(cells: Cells, footnotes: Sequence[str] = ()) -> str:
    """A table in plain text with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if i else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    return "\n".join([*(line.rstrip() for line in lines), *footnotes])


def html_table(cells: Cells, footnotes: Sequence[str] = ()) -> str:
    """A table for a notebook: static, escaped HTML in the style of a card."""
    rows = ["".join(f"<td>{escaped(clean(cell))}</td>" for cell in row) for row in cells]
    table = f'<table class="compared"><tr>{"</tr><tr>".join(rows)}</tr></table>'
    return card(table + html_footnotes(footnotes))


def html_footnotes(footnotes: Sequence[str]) -> str:
    """The lines below a table in HTML."""
    return "".join(f'<p class="note">{escaped(clean(line))}</p>' for line in footnotes)


def clean(text: str) -> str:
    """Text safe to display: without control characters or broken encodings."""
    return printable(text.encode("utf-8", "replace").decode())
