"""Syntax errors about parentheses, or between them."""

import re
from collections.abc import Sequence

from lark import Token

from zcalc.language.errors import LanguageError, error_at
from zcalc.language.formatter import quote
from zcalc.language.literals import EXAMPLE, NAME_HINT, OPERATORS, no_picture, short, span_of
from zcalc.language.signatures import FUNCTIONS, VERBS
from zcalc.language.tree import Span


def innermost(before: Sequence[Token]) -> tuple[Token | None, Token | None]:
    """Return the innermost open parenthesis and, if it opens a call, the word before it."""
    closed = 0
    for i in reversed(range(len(before))):
        if before[i].type == "RPAR":
            closed += 1
        elif before[i].type == "LPAR" and closed:
            closed -= 1
        elif before[i].type == "LPAR":
            callee = before[i - 1] if i and before[i - 1].type in ("IMG", "TXT", "NAME") else None
            return before[i], callee
    return None, None


def in_operand(source: str, callee: Token, paren: Token, last: Token, span: Span) -> LanguageError:
    """Explain what is wrong at `span`, between the parentheses of `img( )` or `txt( )`."""
    unexpected = source[span.start : span.end]
    content = re.match(r"[^)\"'#\r\n]*", source[span_of(paren).end :])
    name = short(content[0].strip(" \t(")) if content else ""
    if callee.type == "TXT":
        if last is not paren:
            hint = 'To combine texts, add them: "a" + "b".'
            return error_at(source, span, "txt() takes a single text", hint)
        if unexpected == ")":
            call = Span(span_of(callee).start, span.end)
            return error_at(source, call, "txt() needs a text", 'Write "a photo".')
        return error_at(
            source, span, "Text must be in quotes", f"Write {quote(name or 'a photo')}."
        )
    if last is paren and unexpected == ")":
        return no_picture(source, Span(span_of(callee).start, span.end))
    hints = []
    if name and last.type != "STRING" and unexpected != ",":
        hints.append(f"If this is one name, quote it: img({quote(name)}).")
    if last is paren:
        message = "A picture name that starts like this must be in quotes"
        hints = [f"Write img({quote(name)})."] if hints else []
    else:
        message = "Expected ) after the name of the picture"
        if unexpected not in (".", "/", "\\", ":"):
            sign = unexpected if unexpected in ("+", "-") else "+"
            hints.append(f"For two pictures, write img({short(last)}) {sign} img(…).")
    return error_at(source, span, message, " ".join(hints) or NAME_HINT)


def in_function(source: str, before: Sequence[Token], token: Token) -> LanguageError | None:
    """Explain what is wrong with the argument list of a call, or return None if that is not it."""
    last, span = before[-1], span_of(token)
    callee = innermost(before)[1] or ""
    signature = FUNCTIONS.get(callee) or VERBS.get(callee)
    hint = f"Usage: {signature.usage}." if signature else "Separate arguments with commas."
    if last.type == "COMMA" and token.type in ("COMMA", "RPAR"):
        return error_at(source, span_of(last), "Expected an argument after this comma", hint)
    if last.type == "LPAR" and token.type == "COMMA":
        return error_at(source, span, "Expected an argument before this comma", hint)
    if token.type == "EQUALS":
        return error_at(source, span, "Expected the name of an argument before this =", hint)
    if last.type == "EQUALS":
        return error_at(source, span_of(last), "Expected a value after this =", hint)
    return None


def without_parentheses(source: str, word: Token, after: Token | None) -> LanguageError:
    """Build the error for an `img` or `txt` that no parenthesis follows."""
    argument = "coffee" if word.type == "IMG" else '"a photo"'
    if after and (after.type == "STRING" or (after.type == "NAME" and word.type == "IMG")):
        argument = short(after)
    message = f"{word} needs parentheses"
    return error_at(source, span_of(word), message, f"Write {word}({argument}).")


def never_closed(source: str, paren: Token) -> LanguageError:
    """Build the error for a parenthesis without its counterpart."""
    hint = "Add the matching )."
    if "#" in source[span_of(paren).end :]:
        hint += " Everything after a # is a comment."
    return error_at(source, span_of(paren), "This parenthesis is never closed", hint)


def closing(source: str, before: Sequence[Token], token: Token) -> LanguageError:
    """Explain why a `)` cannot be here."""
    if before and before[-1].type in OPERATORS:
        return no_right_operand(source, before[-1])
    if innermost(before)[0] is None:
        hint = "Remove it, or add the matching (."
        return error_at(source, span_of(token), "This ) has no matching (", hint)
    pair = Span(span_of(before[-1]).start, span_of(token).end)
    hint = f"Put an expression between them, for example ({EXAMPLE})."
    return error_at(source, pair, "These parentheses are empty", hint)


def no_right_operand(source: str, operator: Token) -> LanguageError:
    """Build the error for an operator that no operand follows."""
    message = f"Expected a picture, text or number after this {operator}"
    return error_at(source, span_of(operator), message, f"Add one, or remove the {operator}.")
