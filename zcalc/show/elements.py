"""Elements of cards: thumbnails, figures, tables, and padded names."""

from collections.abc import Sequence

from rich.cells import cell_len

from zcalc.errors import ZcalcError
from zcalc.gallery import Picture
from zcalc.pictures import SHOWN
from zcalc.show.html import escaped, jpeg_uri

_SIDE = 144  # pixels of a thumbnail, displayed at half that
_BUDGET = 120_000  # characters of all thumbnails together; past it only names are shown
BAR_WIDTH = 24  # characters


class Thumbnails:
    """Pictures as <img> elements, as long as the card stays small."""

    def __init__(self) -> None:
        self._budget = _BUDGET

    def html(self, picture: Picture, side: int = _SIDE) -> str:
        """An <img>, or nothing if the file can't be read or the card is full."""
        try:
            pixels = picture.open(SHOWN)
        except ZcalcError:
            return ""
        wide = pixels.width > pixels.height
        uri = jpeg_uri(pixels, (2 * side, side) if wide else (side, 2 * side), 80)
        if len(uri) > self._budget:
            return ""
        self._budget -= len(uri)
        return f'<img src="{uri}" alt="{escaped(picture.name)}">'


def figure(image: str, name: str, below: str = "") -> str:
    """A picture with its name, and what stands below it."""
    caption = f'<figcaption title="{escaped(name)}">{escaped(name)}</figcaption>'
    return f"<figure>{image}{caption}{below}</figure>"


def html_table(headings: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "terms") -> str:
    """A table of names, each followed by its cells."""
    lines = (
        f"<tr><th>{escaped(name)}</th>{''.join(f'<td>{escaped(c)}</td>' for c in cells)}</tr>"
        for name, *cells in [headings, *rows]
    )
    return f'<table class="{kind}">{"".join(lines)}</table>'


def padded(name: str, width: int) -> str:
    """A name with blanks up to a width in columns, of which some scripts take two a character."""
    return name + " " * (width - cell_len(name))
