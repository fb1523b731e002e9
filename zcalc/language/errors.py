"""The one error of the language: where it is, what is wrong there, and what to do."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from zcalc.errors import ZcalcError
from zcalc.language.tree import Span

_WINDOW = 96  # columns of a long line that are shown around the caret
_INDENT = "    "


class LanguageError(ZcalcError):
    """Something in an expression that a person can put right.

    `line` and `column` count from 1, in characters of the source, and `source_line` is that line.
    Printed, it shows the line with carets under the characters that are meant.
    """

    def __init__(self, message: str, hint: str, source: str, span: Span) -> None:
        lines = (_printable(line) for line in hint.split("\n"))
        super().__init__(_printable(message), "\n".join(lines))
        self.args = (message, hint, source, span)
        begin = source.rfind("\n", 0, span.start) + 1
        self.line = source.count("\n", 0, begin) + 1
        self.column = span.start - begin + 1
        self.source_line = source[begin:].partition("\n")[0].rstrip("\r")
        self._width = span.end - span.start

    def __str__(self) -> str:
        shown = [f"Line {self.line}, column {self.column}: {self.message}"]
        if self.source_line.strip():
            shown += _underline(self.source_line, self.column - 1, self._width)
        return "\n".join([*shown, self.hint] if self.hint else shown)


def error_at(source: str, span: Span, message: str, hint: str = "") -> LanguageError:
    """Make the error for a place in the source.

    >>> print(error_at('"tea" + img(cofee)', Span(8, 18), "No such picture", "Try img(coffee)."))
    Line 1, column 9: No such picture
        "tea" + img(cofee)
                ^^^^^^^^^^
    Try img(coffee).
    """
    return LanguageError(message, hint, source, span)


@contextmanager
def placed(source: str, span: Span) -> Iterator[None]:
    """Give errors that know no place the place of what they happened at."""
    try:
        yield
    except ZcalcError as error:
        raise error_at(source, span, error.message, error.hint) from error


def _underline(line: str, start: int, width: int) -> list[str]:
    """Show the part of a line around a place, with carets under it in a fixed-width font."""
    first = max(0, min(start - _WINDOW // 2, len(line) - _WINDOW))
    before, marked, after = line[first:start], line[start : start + width], line[start + width :]
    room = max(0, _WINDOW - len(before))
    head = ("…" if first else "") + _printable(before)
    tail = _printable((marked + after)[:room]) + ("…" if len(marked + after) > room else "")
    carets = "^" * max(1, _columns(_printable(marked[:room])))
    return [(_INDENT + head + tail).rstrip(), _INDENT + " " * _columns(head) + carets]


def _printable(text: str) -> str:
    """Give every tab four columns, and replace what would upset a terminal."""
    text = text.replace("\t", "    ")
    return "".join(
        c if c.isprintable() or _is_mark(c) else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def _columns(text: str) -> int:
    """Count the columns a text takes: East Asian wide characters two, combining marks none."""
    return sum(0 if _is_mark(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _is_mark(char: str) -> bool:
    """Tell whether a character stands on the one before it, or joins two, and takes no column."""
    return unicodedata.category(char) in ("Mn", "Me") or char in "\u200c\u200d"
