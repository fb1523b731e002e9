"""Tokens of the source: their spans, the values of literals, and literals that are refused."""

import math
import re
from collections.abc import Sequence

from lark import Token

from zcalc.language.errors import LanguageError, error_at
from zcalc.language.tree import Span

SIGNS = frozenset({"PLUS", "MINUS"})
OPERATORS = SIGNS | {"TIMES", "DIVIDE"}
ENDS = frozenset({"RPAR", "NAME", "STRING", "NUMBER"})  # the last token of an operand
EXAMPLE = 'img(coffee) - "coffee" + "tea"'
NAME_HINT = 'Pass a name, as in img(coffee), or a path, as in img("trips/rome.jpg").'
LARGEST_HINT = "Keep numbers below 1e308."
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")


def span_of(token: Token) -> Span:
    """Return the span of a token in the source."""
    return Span(token.start_pos or 0, token.end_pos or 0)


def refuse_literal(source: str, before: Sequence[Token], token: Token) -> None:
    """Raise for infinite numbers, unknown escapes, unpaired surrogates and `img("")`."""
    if token.type == "NUMBER" and not math.isfinite(float(token)):
        raise error_at(source, span_of(token), f"{token} is too large", LARGEST_HINT)
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
                f"Unknown escape sequence {escape[0]}",
                r"Write \\ for a backslash, and / between the folders of a path.",
            )
    if re.search("[\ud800-\udfff]", unquote(token)):
        hint = "Replace it with the whole character, or delete it."
        raise error_at(source, span_of(token), "This text contains an unpaired surrogate", hint)


def unquote(token: str) -> str:
    """Return the value of a quoted text, with its escapes resolved."""
    control = {"n": "\n", "t": "\t"}

    def resolve(escape: re.Match[str]) -> str:
        code = escape[1]
        return chr(int(code[1:], 16)) if len(code) > 1 else control.get(code, code)

    return _ESCAPE.sub(resolve, token[1:-1])


def no_picture(source: str, span: Span) -> LanguageError:
    """Build the error for an `img()` without a name."""
    return error_at(source, span, "img() needs the name of a picture", NAME_HINT)


def short(text: str) -> str:
    """Truncate a text to 40 characters, for a message."""
    return text if len(text) <= 40 else text[:39] + "…"
