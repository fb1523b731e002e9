"""Pictures in a terminal: a strip of thumbnails, and a table."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from zcalc.index.hits import Hit, shown
from zcalc.index.written import COLUMNS
from zcalc.pictures import printable
from zcalc.show.notes import caption_note
from zcalc.show.thumbnails import shows_pictures, strip

_MAX_FIELDS = 4  # columns of metadata
_FIELD_WIDTH, _FIRST_COLUMNS = 14, 26  # about what they and the columns before them take
_BAR_WIDTH = 20
_WIDE_ENOUGH_FOR_BARS = 50  # columns


def print_hits(
    console: Console, hits: Sequence[Hit], thumbnails: bool, scale: str = "cosine"
) -> None:
    """Print pictures with scores, metadata and captions, below their thumbnails if wanted.

    `scale` says what the scores are. A terminal that can't show pictures gets the table alone.
    """
    if not hits:
        console.print(Text("No pictures.", "dim"))
        return
    if thumbnails and shows_pictures(console):
        console.print(strip(hits, console.width))
        console.print()
    console.print(_table(hits, scale, console.width))
    for hit in hits:
        if hit.caption:
            console.print(Text(f"{printable(hit.name)} {caption_note(hit.caption)}", "dim"))


def _table(hits: Sequence[Hit], scale: str, width: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    room = max(4, min(48, width - 8))  # beside a score and the space before it
    table.add_column("picture", overflow="ellipsis", no_wrap=True, max_width=room)
    table.add_column(scale, justify="right", no_wrap=True, min_width=6)
    fields = _fields(hits, width)
    has_bars = not fields and width >= _WIDE_ENOUGH_FOR_BARS
    if has_bars:
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
    has_remarks = any(hit.missing or hit.alike for hit in hits)
    if has_remarks:
        table.add_column("", no_wrap=True, overflow="ellipsis", min_width=16, max_width=40)
    highest = max(hit.score for hit in hits)
    for hit in hits:
        share = max(0.0, hit.score / highest) if highest > 0 else 0.0
        row: list[Any] = [Text(printable(hit.name)), f"{hit.score:.3f}"]
        row += [] if not has_bars else [Text("━" * round(_BAR_WIDTH * share), "blue")]
        row += [Text(printable(shown(hit.details.get(name, "")))) for name in fields]
        table.add_row(*row, *([_remarks(hit)] if has_remarks else []))
    return table


def _fields(hits: Sequence[Hit], width: int) -> list[str]:
    """The columns of metadata that there is room for; what cameras wrote comes last."""
    names = dict.fromkeys(name for hit in hits for name in hit.details)
    room = max(0, min(_MAX_FIELDS, (width - _FIRST_COLUMNS) // _FIELD_WIDTH))
    return sorted(names, key=lambda name: name in COLUMNS)[:room]


def _remarks(hit: Hit) -> Text:
    """That a picture is missing, and its near-duplicates."""
    remarks = Text()
    if hit.missing:
        remarks.append("missing", "yellow")
    if hit.alike:
        count = len(hit.alike)
        names = ", ".join(printable(other.name) for other in hit.alike[:3])
        more = f" and {count - 3} more" if count > 3 else ""
        remarks.append(f"{'  ' if hit.missing else ''}+ {names}{more}", "dim")
    return remarks
