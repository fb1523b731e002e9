"""Language errors: what is wrong, where in the source, and how to fix it."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from zcalc.errors import ZcalcError
from zcalc.language.tree import Span

_WINDOW = 96  # characters of a long line shown around the caret
_INDENT = "    "


class LanguageError(ZcalcError):
    """A mistake in a program, with its location.

    `line` and `column` are 1-based and count characters; `source_line` is the text of that line.
    `str()` shows the line with carets under the characters at fault. `unfinished` says that the
    program is right as far as it goes, and more text could complete it.
    """

    unfinished = False

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
        lines = [f"Line {self.line}, column {self.column}: {self.message}"]
        if self.source_line.strip():
            lines += _underline(self.source_line, self.column - 1, self._width)
        return "\n".join([*lines, self.hint] if self.hint else lines)


def error_at(source: str, span: Span, message: str, hint: str = "") -> LanguageError:
    """Build the error for a span of the source.

    >>> print(error_at('"tea" + img(cofee)', Span(8, 18), "No such picture", "Try img(coffee)."))
    Line 1, column 9: No such picture
        "tea" + img(cofee)
                ^^^^^^^^^^
    Try img(coffee).
    """
    return LanguageError(message, hint, source, span)


@contextmanager
def errors_at(source: str, span: Span) -> Iterator[None]:
    """Turn a `ZcalcError` raised inside the block into a `LanguageError` at `span`."""
    try:
        yield
    except ZcalcError as error:
        raise error_at(source, span, error.message, error.hint) from error


def _underline(line: str, start: int, width: int) -> list[str]:
    """Excerpt a line around a position, with a second line of carets under `width` characters."""
    first = max(0, min(start - _WINDOW // 2, len(line) - _WINDOW))
    before, marked, after = line[first:start], line[start : start + width], line[start + width :]
    room = max(0, _WINDOW - len(before))
    head = ("…" if first else "") + _printable(before)
    tail = _printable((marked + after)[:room]) + ("…" if len(marked + after) > room else "")
    carets = "^" * max(1, _columns(_printable(marked[:room])))
    return [(_INDENT + head + tail).rstrip(), _INDENT + " " * _columns(head) + carets]


def _printable(text: str) -> str:
    """Expand tabs to four columns and replace unprintable characters with U+FFFD."""
    text = text.replace("\t", "    ")
    return "".join(
        c if c.isprintable() or _is_mark(c) else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def _columns(text: str) -> int:
    """Count terminal columns: two for a wide East Asian character, none for a combining mark."""
    return sum(0 if _is_mark(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _is_mark(char: str) -> bool:
    """Whether a character is zero-width: a combining mark or a joiner."""
    return unicodedata.category(char) in ("Mn", "Me") or char in "\u200c\u200d"
