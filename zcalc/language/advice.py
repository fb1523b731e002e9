"""What is wrong with a text that is not an expression, and what to do, in words for people.

Each function gets the tokens that were read before the trouble. `refuse_…` raises if there is
trouble the grammar lets through; `about_…` makes the error for trouble the grammar found.
"""

import math
import re
import unicodedata
from collections.abc import Sequence
from difflib import get_close_matches

from lark import Token

from zcalc.language.errors import LanguageError, error_at
from zcalc.language.formatter import quote
from zcalc.language.tree import Span

SIGNS = frozenset({"PLUS", "MINUS"})
ENDS = frozenset({"RPAR", "NAME", "STRING", "NUMBER"})  # what an operand may end with
_OPERATORS = SIGNS | {"TIMES", "DIVIDE"}

_EXAMPLE = 'img(coffee) - "coffee" + "tea"'
_FUNCTIONS = 'The functions are img(name) for a picture and txt("…") for a text.'
_LIKE = {word: "img" for word in ("img", "image", "picture", "photo", "pic")} | {
    word: "txt" for word in ("txt", "text", "string", "word", "sentence")
}
# What a keyboard, a word processor or a paper gives in place of a sign of the language.
_INSTEAD = (
    dict.fromkeys("—‒‐‑﹣－", "-") | dict.fromkeys("⋅∗∙•⨯✕＊", "*") | dict.fromkeys("÷∕⁄／", "/")
)
_INSTEAD |= {"＋": "+", "（": "(", "）": ")", "[": "(", "]": ")", "{": "(", "}": ")"}
_SAID = {"and": "+", "plus": "+", "with": "+", "minus": "-", "without": "-", "times": "*", "x": "*"}
_CURLY = "“”„‟«»‘’‚‛`´＂＇"
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)")


def span_of(token: Token) -> Span:
    """Give the place of a token in the source."""
    return Span(token.start_pos or 0, token.end_pos or 0)


def refuse_new_line(source: str, before: Sequence[Token], token: Token) -> None:
    """Refuse to go on, outside parentheses, after an operand that ended its line."""
    if before and before[-1].type in ENDS and before[-1].line != token.line:
        raise error_at(
            source,
            span_of(token),
            "A new line begins a second expression, and there can be one only",
            "To go on with the first, end its line with the operator or put it in parentheses.",
        )


def refuse_literal(source: str, before: Sequence[Token], token: Token) -> None:
    """Refuse a number too large, an unknown escape, half a character, and `img("")`."""
    if token.type == "NUMBER" and not math.isfinite(float(token)):
        raise error_at(source, span_of(token), f"{token} is too large", "1e308 is about the most.")
    if token.type != "STRING":
        return
    if len(token) == 2 and [t.type for t in before[-2:]] == ["IMG", "LPAR"]:
        raise _no_picture(source, span_of(token))
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


def about_end(source: str, before: Sequence[Token]) -> LanguageError:
    """Say why an expression cannot end where it does."""
    if not before:
        message = "There is only a comment here" if "#" in source else "The expression is empty"
        return error_at(source, Span(0, 1), message, f"Write for example: {_EXAMPLE}")
    last, opened, call = before[-1], *_innermost(before)
    if last.type in ("IMG", "TXT") and call is None:
        return _without_parentheses(source, last, None)
    if last.type in _OPERATORS:
        return _nothing_after(source, last)
    assert opened is not None, "an expression that is complete may end"
    hint = "Add the ) that closes it."
    if "#" in source[span_of(opened).end :]:
        hint += " Everything after a # is a comment."
    return error_at(source, span_of(opened), "This parenthesis is never closed", hint)


def about_token(source: str, before: Sequence[Token], token: Token) -> LanguageError:
    """Say why a word, sign, text or number cannot stand where it does."""
    here = span_of(token)
    if not before:
        return _no_operand(source, "", token)
    last, opened, call = before[-1], *_innermost(before)
    if call is not None and opened is not None:
        return _in_call(source, call, opened, last, here)
    if last.type in ("IMG", "TXT"):
        return _without_parentheses(source, last, token)
    if token.type == "RPAR":
        return _closing(source, last, opened, here)
    if last.type in ENDS:
        return _side_by_side(source, last, token)
    return _no_operand(source, last if last.type in _OPERATORS else "", token)


def about_character(source: str, before: Sequence[Token], at: int) -> LanguageError:
    """Say why a character belongs to nothing in the language."""
    char, here = source[at], Span(at, at + 1)
    opened, call = _innermost(before)
    if char in "\"'":
        hint = f"Put {char} where it ends, on the same line."
        if f"\\{char}" in source[at:]:
            hint += f" A \\{char} does not end it."
        return error_at(source, here, "This text has no closing quote", hint)
    if char in _CURLY:
        inside = re.match(f"[^{_CURLY}\"'\r\n]+", source[at + 1 :])
        hint = "Write straight quotes" + (f": {quote(inside[0])}" if inside else ": \" or '")
        return error_at(source, here, f"The quote {char} is not one that the language knows", hint)
    if not char.isprintable():
        name = f"U+{ord(char):04X} {unicodedata.name(char, '')}".strip()
        message = f"There is an invisible character here ({name})"
        return error_at(source, here, message, "Delete it.")
    if call is not None and opened is not None and char not in "()（）":
        return _in_call(source, call, opened, before[-1], here)
    if char in _INSTEAD:
        hint = f"Write {_INSTEAD[char]} instead."
        return error_at(source, here, f"{char} is not a sign that the language knows", hint)
    hint = _SIGN_HINTS.get(char, _GENERAL_HINT)
    if char == "," and before and before[-1].type == "NUMBER":
        hint = "The decimal sign is a point: 0.5. Thousands are not set apart: 1000."
    if char.isnumeric():
        hint = "Numbers are written with the digits 0 to 9."
    return error_at(source, here, f"The character {char} has no meaning here", hint)


_GENERAL_HINT = (
    'A picture is img(name), a text stands in quotes: "a photo". '
    "They combine with + - * / and parentheses."
)
_NAME_HINT = 'Write the name of a picture: img(coffee), or its path: img("trips/rome.jpg").'
_SIGN_HINTS = {
    ",": "Combine pictures and texts with +.",
    "=": "An expression cannot be given a name; write it alone.",
    ";": "Write one expression at a time.",
    "|": "Write the expression alone.",
    ">": "Write the expression alone.",
    "^": "There are no powers, only + - * / and parentheses.",
}


def _innermost(before: Sequence[Token]) -> tuple[Token | None, Token | None]:
    """Find the last parenthesis still open and, if it is that of `img(` or `txt(`, that word."""
    closed = 0
    for i in reversed(range(len(before))):
        if before[i].type == "RPAR":
            closed += 1
        elif before[i].type == "LPAR" and closed:
            closed -= 1
        elif before[i].type == "LPAR":
            word = before[i - 1] if i and before[i - 1].type in ("IMG", "TXT") else None
            return before[i], word
    return None, None


def _in_call(source: str, call: Token, opened: Token, last: Token, here: Span) -> LanguageError:
    """Say what is wrong between the parentheses of `img( )` or `txt( )`."""
    found = source[here.start : here.end]
    inside = re.match(r"[^)\"'#\r\n]*", source[span_of(opened).end :])
    name = _short(inside[0].strip(" \t(")) if inside else ""
    if call.type == "TXT":
        if last is not opened:
            return error_at(source, here, "txt( ) takes one text", 'Add texts up: "a" + "b".')
        if found == ")":
            empty = Span(span_of(call).start, here.end)
            return error_at(source, empty, "txt( ) has no text", 'Write "a photo".')
        return error_at(
            source, here, "A text stands in quotes", f"Write {quote(name or 'a photo')}."
        )
    if last is opened and found == ")":
        return _no_picture(source, Span(span_of(call).start, here.end))
    hints = []
    if name and last.type != "STRING" and found != ",":
        hints.append(f"Put such a name in quotes: img({quote(name)}).")
    if last is opened:
        message = "The name of a picture cannot begin like this unless it is in quotes"
    else:
        message = "img( ) takes one name, and it ends before this"
        if found not in (".", "/", "\\", ":"):
            sign = found if found in ("+", "-") else "+"
            hints.append(f"For two pictures write img({_short(last)}) {sign} img(…).")
    return error_at(source, here, message, " ".join(hints) or _NAME_HINT)


def _no_picture(source: str, span: Span) -> LanguageError:
    return error_at(source, span, "img( ) has no name of a picture", _NAME_HINT)


def _without_parentheses(source: str, word: Token, after: Token | None) -> LanguageError:
    """Say that `img` or `txt` is followed by something else than a parenthesis."""
    named = "coffee" if word.type == "IMG" else '"a photo"'
    if after and (after.type == "STRING" or (after.type == "NAME" and word.type == "IMG")):
        named = _short(after)
    message = f"{word} needs parentheses"
    return error_at(source, span_of(word), message, f"Write {word}({named}).")


def _nothing_after(source: str, operator: Token) -> LanguageError:
    hint = f"Write a picture, text or number after it, or take the {operator} out."
    return error_at(source, span_of(operator), f"Nothing follows this {operator}", hint)


def _closing(source: str, last: Token, opened: Token | None, here: Span) -> LanguageError:
    """Say why a parenthesis cannot close here."""
    if last.type in _OPERATORS:
        return _nothing_after(source, last)
    if opened is None:
        hint = "Take it out, or put a ( where it should begin."
        return error_at(source, here, "This ) closes nothing", hint)
    hint = f"Put something between them, for example ({_EXAMPLE})."
    both = Span(span_of(last).start, here.end)
    return error_at(source, both, "These parentheses are empty", hint)


def _side_by_side(source: str, last: Token, token: Token) -> LanguageError:
    """Say that an operator is missing between two operands."""
    touching = span_of(last).end == span_of(token).start
    both = Span(span_of(last).start, span_of(token).end)
    if last.type == "NUMBER" and touching and token.type in ("NUMBER", "NAME"):
        hint = "Numbers are written like 2, 0.5 or 1e-3. To multiply, put * between."
        return error_at(source, both, f"{_short(last + token)} is not a number", hint)
    if last.type == "STRING" and touching and token.type == "NAME":
        hint = (
            f"If the text goes on, write its inner quote as \\{last[0]}, or use the other quotes."
        )
        return error_at(source, span_of(token), f"The text {_short(last)} ended before this", hint)
    hint = "Put + or - between the two."
    if "NUMBER" in (last.type, token.type):
        hint = "To multiply, put * between the two."
    if token in _SAID:
        hint = f"Write {_SAID[token]} instead of {token}."
    return error_at(source, span_of(token), "An operator is missing before this", hint)


def _no_operand(source: str, operator: str, token: Token) -> LanguageError:
    """Say why something cannot stand where a picture, text or number should."""
    here = span_of(token)
    if token.type == "NAME":
        return _word(source, token, here)
    if token.type == "RPAR":
        return _closing(source, token, None, here)
    if operator and operator + token == "**":
        return error_at(source, here, "** has no meaning here", _SIGN_HINTS["^"])
    message = f"A picture, text or number is missing before this {token}"
    return error_at(source, here, message, f"Write one before it, or take the {token} out.")


def _word(source: str, token: Token, here: Span) -> LanguageError:
    """Say what a bare word could have been meant as."""
    rest = source[here.end :].lstrip()
    like = get_close_matches(token.lower(), _LIKE, n=1)
    name = _short(token)
    if rest.startswith("("):
        hint = f"Did you mean {_LIKE[like[0]]}(…)?" if like else _FUNCTIONS
        return error_at(source, here, f"There is no function {name}", hint)
    if rest.startswith("="):
        return about_character(source, (), source.index("=", here.end))
    words = re.match(r"\w+(?:[ \t]+\w+)*", source[here.start :])
    if words and len(words[0]) > len(token):
        whole = Span(here.start, here.start + words.end())
        hint = f"Write {quote(_short(words[0]))}."
        return error_at(source, whole, "A text stands in quotes", hint)
    hint = f"A picture is img({name}), a text stands in quotes: {quote(name)}."
    return error_at(source, here, f"The word {name} means nothing by itself", hint)


def _short(text: str) -> str:
    """Cut a text down to what a message can hold."""
    return text if len(text) <= 40 else text[:39] + "…"
