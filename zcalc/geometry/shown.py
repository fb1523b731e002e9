"""What every measure is: numbers that can be printed, drawn, and shown in a notebook."""

from abc import ABC, abstractmethod
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Table = tuple[tuple[str, ...], list[tuple[Any, ...]]]  # headings; a name and values for each row
_ROWS, _COLUMNS = 30, 14


class Shown(ABC):
    """A measure with its numbers; in a notebook it shows itself as figure and numbers."""

    @abstractmethod
    def plot(self) -> "Figure":
        """The measure as a matplotlib figure."""

    @abstractmethod
    def table(self) -> Table:
        """The measure as headings and rows of a name and values."""

    @abstractmethod
    def data(self) -> dict[str, Any]:
        """The measure as JSON has it."""

    def cells(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """The table as text, cut to what a page holds."""
        headings, rows = self.table()
        shown = [tuple(written(value) for value in row[:_COLUMNS]) for row in rows[:_ROWS]]
        if len(rows) > _ROWS:
            shown.append((f"and {len(rows) - _ROWS} more", *[""] * (len(shown[0]) - 1)))
        return headings[:_COLUMNS], shown

    def __str__(self) -> str:
        headings, rows = self.cells()
        lines = [headings, *rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if i else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from zcalc.notebook.card import figure_html

        return {"text/plain": str(self), "text/html": figure_html(self)}

    def html_table(self) -> str:
        """The table as HTML, escaped."""
        headings, rows = self.cells()
        body = "".join(
            f"<tr><th>{escape(name)}</th>{''.join(f'<td>{escape(c)}</td>' for c in cells)}</tr>"
            for name, *cells in [headings, *rows]
        )
        return f'<table class="terms">{body}</table>'


def written(value: Any) -> str:
    """A value of a table as text.

    >>> written(0.12345), written(7), written("tea")
    ('0.123', '7', 'tea')
    """
    return f"{value:.3f}" if isinstance(value, float) else str(value)
