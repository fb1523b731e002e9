"""Pictures in a terminal, if it can show any."""

import logging
import os
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from zcalc.index.hits import Hit
from zcalc.pictures import printable

_MAX_COLUMNS, _MAX_LINES = 26, 13  # of a thumbnail
_MIN_COLUMNS = 20
_PATIENCE = 0.1  # seconds that a terminal has for an answer


def shows_pictures(console: Console) -> bool:
    """Whether the console has room and colours for pictures, and its terminal answers a question.

    Outside a terminal, pictures are drawn in characters if they are asked for.
    """
    if console.width < _MIN_COLUMNS or console.is_dumb_terminal or console.no_color:
        return False
    return not console.is_terminal or _answers()


@cache
def _answers() -> bool:
    """Whether the terminal has a size and says what it is (DA1).

    Drawing pictures takes more questions, which a terminal that is silent here would show as text.
    """
    from textual_image._terminal import TerminalError, capture_terminal_response

    logging.getLogger("textual_image").setLevel(logging.CRITICAL)
    if sys.__stdout__ is None or not sys.__stdout__.isatty():
        return True
    try:
        if not all(os.get_terminal_size(sys.__stdout__.fileno())):
            return False
        with capture_terminal_response("\x1b[?", "c", _PATIENCE):
            sys.__stdout__.write("\x1b[c")
            sys.__stdout__.flush()
    except (TerminalError, TimeoutError, OSError):
        return False
    return True


def strip(hits: Sequence[Hit], width: int) -> Table:
    """Captioned thumbnails in rows, as many in a row as fit."""
    columns = max(1, min(len(hits), width // _MIN_COLUMNS))
    column_width = min(_MAX_COLUMNS, width // columns - 2)
    grid = Table.grid(padding=(0, 2, 1, 0))
    for _ in range(columns):
        grid.add_column(width=column_width, vertical="bottom")
    for i in range(0, len(hits), columns):
        grid.add_row(*(_cell(hit, column_width) for hit in hits[i : i + columns]))
    return grid


def _cell(hit: Hit, width: int) -> Group:
    name = Text(printable(hit.name), overflow="ellipsis", no_wrap=True)
    return Group(_thumbnail(hit, width), name, Text(f"{hit.score:.3f}", "dim"))


def _thumbnail(hit: Hit, width: int) -> Any:
    """A picture the best way the terminal can show it: kitty's protocol, sixel, or blocks."""
    from textual_image.renderable import Image

    picture = hit.thumbnail(512)
    if picture is None:
        return Text("missing" if hit.missing else "can't be read", "yellow")
    lines = min(_MAX_LINES, max(1, round(width * picture.height / picture.width / 2)))
    columns = min(width, max(1, round(2 * lines * picture.width / picture.height)))
    return Image(picture, width=columns, height=lines)
