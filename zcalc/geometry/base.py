"""What all measures have in common: a table, JSON data, and a plot."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc import hooks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Table = tuple[tuple[str, ...], list[tuple[Any, ...]]]  # headings; rows of a name and values
_MAX_ROWS, _MAX_COLUMNS = 30, 14


class Measure(ABC):
    """Numbers about an embedding space; a notebook displays the plot with the numbers below it."""

    @abstractmethod
    def table(self) -> Table:
        """Return the headings, and rows of a name and values."""

    @abstractmethod
    def data(self) -> dict[str, Any]:
        """Return the measure as a JSON-serializable dict."""

    def plot(self) -> "Figure":
        """Draw the measure as a matplotlib figure (see `geometry.plots`)."""
        return hooks.draw(self)

    def cells(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Return the table as text, truncated to 30 rows and 14 columns."""
        headings, rows = self.table()
        cells = [tuple(format_value(v) for v in row[:_MAX_COLUMNS]) for row in rows[:_MAX_ROWS]]
        if len(rows) > _MAX_ROWS:
            cells.append((f"and {len(rows) - _MAX_ROWS} more", *[""] * (len(cells[0]) - 1)))
        return headings[:_MAX_COLUMNS], cells

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
        return hooks.mimebundle(self)


@dataclass(frozen=True)
class NamedVectors:
    """Names with their unit vectors (m, d), and image files where they are pictures."""

    names: Sequence[str]
    vectors: np.ndarray = field(repr=False)
    paths: Sequence[Path | None] = ()


def format_value(value: Any) -> str:
    """Format a table value as text.

    >>> format_value(0.12345), format_value(7), format_value("tea")
    ('0.123', '7', 'tea')
    """
    return f"{value:.3f}" if isinstance(value, float) else str(value)
