"""What is wrong inside parentheses, or with them, in words for people."""

import re
from collections.abc import Sequence

from lark import Token

from zcalc.language.errors import LanguageError, error_at
from zcalc.language.formatter import quote
from zcalc.language.literals import EXAMPLE, NAME_HINT, OPERATORS, no_picture, short, span_of
from zcalc.language.signatures import FUNCTIONS, VERBS
from zcalc.language.tree import Span


def innermost(before: Sequence[Token]) -> tuple[Token | None, Token | None]:
    """Find the last parenthesis still open and, if it is that of a call, the word before it."""
    closed = 0
    for i in reversed(range(len(before))):
        if before[i].type == "RPAR":
            closed += 1
        elif before[i].type == "LPAR" and closed:
            closed -= 1
        elif before[i].type == "LPAR":
            word = before[i - 1] if i and before[i - 1].type in ("IMG", "TXT", "NAME") else None
            return before[i], word
    return None, None


def in_operand(source: str, call: Token, opened: Token, last: Token, here: Span) -> LanguageError:
    """Say what is wrong between the parentheses of `img( )` or `txt( )`."""
    found = source[here.start : here.end]
    inside = re.match(r"[^)\"'#\r\n]*", source[span_of(opened).end :])
    name = short(inside[0].strip(" \t(")) if inside else ""
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
        return no_picture(source, Span(span_of(call).start, here.end))
    hints = []
    if name and last.type != "STRING" and found != ",":
        hints.append(f"Put such a name in quotes: img({quote(name)}).")
    if last is opened:
        message = "The name of a picture cannot begin like this unless it is in quotes"
    else:
        message = "img( ) takes one name, and it ends before this"
        if found not in (".", "/", "\\", ":"):
            sign = found if found in ("+", "-") else "+"
            hints.append(f"For two pictures write img({short(last)}) {sign} img(…).")
    return error_at(source, here, message, " ".join(hints) or NAME_HINT)


def in_function(source: str, before: Sequence[Token], token: Token) -> LanguageError | None:
    """Say what is wrong with the list of arguments of a function or verb, if that is it."""
    last, here = before[-1], span_of(token)
    word = innermost(before)[1]
    known = FUNCTIONS.get(word or "") or VERBS.get(word or "")
    usage = f"It is written {known.usage}." if known else "Arguments are set apart with ,."
    if last.type == "COMMA" and token.type in ("COMMA", "RPAR"):
        return error_at(source, span_of(last), "No argument follows this ,", usage)
    if last.type == "LPAR" and token.type == "COMMA":
        return error_at(source, here, "No argument stands before this ,", usage)
    if token.type == "EQUALS":
        message = "Only the name of an argument can stand before = here"
        return error_at(source, here, message, usage)
    if last.type == "EQUALS":
        return error_at(source, span_of(last), "Nothing follows this =", usage)
    return None


def without_parentheses(source: str, word: Token, after: Token | None) -> LanguageError:
    """Say that `img` or `txt` is followed by something else than a parenthesis."""
    named = "coffee" if word.type == "IMG" else '"a photo"'
    if after and (after.type == "STRING" or (after.type == "NAME" and word.type == "IMG")):
        named = short(after)
    message = f"{word} needs parentheses"
    return error_at(source, span_of(word), message, f"Write {word}({named}).")


def never_closed(source: str, opened: Token) -> LanguageError:
    """Say that a parenthesis stays open."""
    hint = "Add the ) that closes it."
    if "#" in source[span_of(opened).end :]:
        hint += " Everything after a # is a comment."
    return error_at(source, span_of(opened), "This parenthesis is never closed", hint)


def closing(source: str, before: Sequence[Token], token: Token) -> LanguageError:
    """Say why a parenthesis cannot close here."""
    here = span_of(token)
    opened = innermost(before)[0]
    if before and before[-1].type in OPERATORS:
        last = before[-1]
        hint = f"Write a picture, text or number after it, or take the {last} out."
        return error_at(source, span_of(last), f"Nothing follows this {last}", hint)
    if opened is None:
        hint = "Take it out, or put a ( where it should begin."
        return error_at(source, here, "This ) closes nothing", hint)
    hint = f"Put something between them, for example ({EXAMPLE})."
    both = Span(span_of(before[-1]).start, here.end)
    return error_at(source, both, "These parentheses are empty", hint)
