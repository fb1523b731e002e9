"""The nearest pictures in a terminal: a strip of thumbnails, and a table."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from zcalc.gallery import printable
from zcalc.index.query import Hit

_WIDE, _HIGH = 26, 13  # columns and lines of a thumbnail at most
_LEAST = 20  # columns
_FIELDS = 4  # columns of metadata
_BAR = 20


def show_hits(console: Console, hits: Sequence[Hit], thumbnails: bool) -> None:
    """Print pictures with their cosines and metadata; with `thumbnails`, themselves above."""
    if not hits:
        console.print(Text("No pictures.", "dim"))
        return
    if thumbnails:
        console.print(_strip(hits, console.width))
        console.print()
    console.print(_table(hits))


def _table(hits: Sequence[Hit]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("picture", overflow="ellipsis", no_wrap=True, min_width=8, max_width=48)
    table.add_column("cosine", justify="right", no_wrap=True, min_width=6)
    fields = list(dict.fromkeys(name for hit in hits for name in hit.metadata))[:_FIELDS]
    bars = not fields
    if bars:
        table.add_column("")
    for name in fields:
        numeric = all(isinstance(hit.metadata.get(name, 0), int | float) for hit in hits)
        table.add_column(
            printable(name),
            justify="right" if numeric else "left",
            overflow="ellipsis",
            no_wrap=True,
            min_width=4,
            max_width=32,
        )
    has_notes = any(hit.missing or hit.alike for hit in hits)
    if has_notes:
        table.add_column("", no_wrap=True, overflow="ellipsis", min_width=16, max_width=40)
    most = max(hit.score for hit in hits)
    for hit in hits:
        share = max(0.0, hit.score / most) if most > 0 else 0.0
        row: list[Any] = [Text(printable(hit.name)), f"{hit.score:.3f}"]
        row += [Text("━" * round(_BAR * share), "blue")] if bars else []
        row += [Text(printable(str(hit.metadata.get(name, "")))) for name in fields]
        table.add_row(*row, *([_notes(hit)] if has_notes else []))
    return table


def _notes(hit: Hit) -> Text:
    notes = Text()
    if hit.missing:
        notes.append("missing", "yellow")
    if hit.alike:
        count = len(hit.alike)
        names = ", ".join(printable(other.name) for other in hit.alike[:3])
        more = f" and {count - 3} more" if count > 3 else ""
        notes.append(f"{'  ' if hit.missing else ''}+ {names}{more}", "dim")
    return notes


def _strip(hits: Sequence[Hit], width: int) -> Table:
    """Thumbnails side by side, as many in a row as there is room for, named below."""
    columns = max(1, min(len(hits), width // _LEAST))
    wide = min(_WIDE, width // columns - 2)
    grid = Table.grid(padding=(0, 2, 1, 0))
    for _ in range(columns):
        grid.add_column(width=wide, vertical="bottom")
    for i in range(0, len(hits), columns):
        grid.add_row(*(_cell(hit, wide) for hit in hits[i : i + columns]))
    return grid


def _cell(hit: Hit, wide: int) -> Group:
    name = Text(printable(hit.name), overflow="ellipsis", no_wrap=True)
    return Group(_thumbnail(hit, wide), name, Text(f"{hit.score:.3f}", "dim"))


def _thumbnail(hit: Hit, wide: int) -> Any:
    """A picture by the best means that the terminal has: kitty's, sixel, or coloured blocks."""
    from textual_image.renderable import Image

    picture = hit.thumbnail(512)
    if picture is None:
        return Text("missing" if hit.missing else "can't be read", "yellow")
    lines = min(_HIGH, max(1, round(wide * picture.height / picture.width / 2)))
    columns = min(wide, max(1, round(2 * lines * picture.width / picture.height)))
    return Image(picture, width=columns, height=lines)
