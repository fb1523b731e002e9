"""Tables of figures, as a terminal, a notebook and plain text have them."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import JustifyMethod, RenderableType
    from rich.text import Text

Cells = Sequence[Sequence[str]]


def rich_table(cells: Cells, remarks: Sequence[str]) -> "RenderableType":
    """A table for a terminal, headings first; numbers stand to the right."""
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
    return Group(table, *map(remark, remarks))


def remark(text: str) -> "Text":
    """A line below a table."""
    from rich.text import Text

    return Text(clean(text), "dim")


def plain_table(cells: Cells, remarks: Sequence[str]) -> str:
    """A table in a fixed width."""
    wide = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    lines = [
        "  ".join(
            c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(row, wide, strict=True))
        )
        for row in cells
    ]
    return "\n".join([*(line.rstrip() for line in lines), *remarks])


def html_table(cells: Cells, remarks: Sequence[str]) -> str:
    """A table for a notebook: static, escaped, in the style of a result's card."""
    from zcalc.notebook.card import style

    rows = ["".join(f"<td>{_escaped(cell)}</td>" for cell in row) for row in cells]
    return (
        f'<div class="zcalc"><style>{style()}</style>'
        f'<table class="compared"><tr>{"</tr><tr>".join(rows)}</tr></table>'
        f"{html_lines(remarks)}</div>"
    )


def html_lines(remarks: Sequence[str]) -> str:
    """Lines below a table."""
    return "".join(f'<p class="about">{_escaped(line)}</p>' for line in remarks)


def clean(text: str) -> str:
    """Text as it can be shown: no broken encoding, no control characters."""
    from zcalc.gallery import printable

    return printable(text.encode("utf-8", "replace").decode())


def _escaped(text: str) -> str:
    return escape(clean(text), quote=True)
