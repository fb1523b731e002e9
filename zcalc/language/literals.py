"""Tokens as they stand in the source: where they are, what they say, and what they may not."""

import math
import re
from collections.abc import Sequence

from lark import Token

from zcalc.language.errors import LanguageError, error_at
from zcalc.language.tree import Span

SIGNS = frozenset({"PLUS", "MINUS"})
OPERATORS = SIGNS | {"TIMES", "DIVIDE"}
ENDS = frozenset({"RPAR", "NAME", "STRING", "NUMBER"})  # what an operand may end with
EXAMPLE = 'img(coffee) - "coffee" + "tea"'
NAME_HINT = 'Write the name of a picture: img(coffee), or its path: img("trips/rome.jpg").'
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")


def span_of(token: Token) -> Span:
    """Give the place of a token in the source."""
    return Span(token.start_pos or 0, token.end_pos or 0)


def refuse_literal(source: str, before: Sequence[Token], token: Token) -> None:
    """Refuse a number too large, an unknown escape, half a character, and `img("")`."""
    if token.type == "NUMBER" and not math.isfinite(float(token)):
        raise error_at(source, span_of(token), f"{token} is too large", "1e308 is about the most.")
    if token.type != "STRING":
        return
    if len(token) == 2 and [t.type for t in before[-2:]] == ["IMG", "LPAR"]:
        raise no_picture(source, span_of(token))
    for escape in _ESCAPE.finditer(token):
        if escape[1][0] not in "\\\"'nt" and len(escape[1]) == 1:
            start = span_of(token).start + escape.start()
            raise error_at(
                source,
                Span(start, start + 2),
                f"{escape[0]} means nothing in a text",
                r"A backslash itself is written \\; folders in a path are separated by /.",
            )
    if re.search("[\ud800-\udfff]", unquote(token)):
        hint = "Write the character itself, or delete what is damaged."
        raise error_at(source, span_of(token), "This text holds half of a character", hint)


def unquote(token: str) -> str:
    """Give the text that stands in quotes in the source."""
    plain = {"n": "\n", "t": "\t"}

    def replaced(escape: re.Match[str]) -> str:
        name = escape[1]
        return chr(int(name[1:], 16)) if len(name) > 1 else plain.get(name, name)

    return _ESCAPE.sub(replaced, token[1:-1])


def no_picture(source: str, span: Span) -> LanguageError:
    """Say that `img( )` is empty."""
    return error_at(source, span, "img( ) has no name of a picture", NAME_HINT)


def short(text: str) -> str:
    """Cut a text down to what a message can hold."""
    return text if len(text) <= 40 else text[:39] + "…"
