"""What is wrong with a text that is no program, and what to do, in words for people.

Each function gets the tokens that were read before the trouble, and makes the error for it. What
goes wrong inside parentheses is told by `brackets`.
"""

import re
import unicodedata
from collections.abc import Sequence

from lark import Token

from zcalc.language.brackets import (
    closing,
    in_function,
    in_operand,
    innermost,
    never_closed,
    without_parentheses,
)
from zcalc.language.errors import LanguageError, error_at
from zcalc.language.formatter import quote
from zcalc.language.literals import ENDS, EXAMPLE, OPERATORS, short, span_of
from zcalc.language.signatures import VERBS
from zcalc.language.tree import Span

# What a keyboard, a word processor or a paper gives in place of a sign of the language.
_INSTEAD = (
    dict.fromkeys("—‒‐‑﹣－", "-") | dict.fromkeys("⋅∗∙•⨯✕＊", "*") | dict.fromkeys("÷∕⁄／", "/")
)
_INSTEAD |= {"＋": "+", "（": "(", "）": ")", "[": "(", "]": ")", "{": "(", "}": ")"}
_INSTEAD |= {"，": ",", "；": ";", "＝": "="}
_SAID = {"and": "+", "plus": "+", "with": "+", "minus": "-", "without": "-", "times": "*", "x": "*"}
_CURLY = "“”„‟«»‘’‚‛`´＂＇"
_NAMING = "leader = img(obama) - img(us_flag)"
_SHOWING = "To show something of an expression write |>: img(coffee) |> words(10)."
_GENERAL_HINT = (
    'A picture is img(name), a text stands in quotes: "a photo". '
    "They combine with + - * / and parentheses."
)
_SIGN_HINTS = {
    "|": _SHOWING,
    ">": _SHOWING,
    ":": f"A name is given with = alone: {_NAMING}.",
    "^": "There are no powers, only + - * / and parentheses.",
}


def about_end(source: str, before: Sequence[Token]) -> LanguageError:
    """Say why a program cannot end where it does."""
    if all(token.type == "SEMI" for token in before):
        message = "There is only a comment here" if "#" in source else "The expression is empty"
        at = span_of(before[0]) if before else Span(0, 1)
        return error_at(source, at, message, f"Write for example: {EXAMPLE}")
    last, opened, word = before[-1], *innermost(before)
    if last.type in ("IMG", "TXT") and not (word and word.type in ("IMG", "TXT")):
        return without_parentheses(source, last, None)
    if opened is not None and last.type not in OPERATORS:
        return never_closed(source, opened)
    return _unfinished(source, before)


def about_token(source: str, before: Sequence[Token], token: Token) -> LanguageError:
    """Say why a word, sign, text or number cannot stand where it does."""
    if not before:
        return _no_operand(source, None, token)
    last, opened, word = before[-1], *innermost(before)
    if opened is not None and word is not None and word.type in ("IMG", "TXT"):
        return in_operand(source, word, opened, last, span_of(token))
    if last.type in ("IMG", "TXT"):
        reserved = token.type == "EQUALS"
        return _named(source, last) if reserved else without_parentheses(source, last, token)
    if opened is not None:
        return _in_brackets(source, before, token)
    if token.type == "RPAR":
        return closing(source, before, token)
    return _in_statement(source, before, token)


def about_character(source: str, before: Sequence[Token], at: int) -> LanguageError:
    """Say why a character belongs to nothing in the language."""
    char, here = source[at], Span(at, at + 1)
    opened, word = innermost(before)
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
    in_name = word is not None and word.type in ("IMG", "TXT")
    if in_name and word is not None and opened is not None and char not in "()（）":
        return in_operand(source, word, opened, before[-1], here)
    if char in _INSTEAD:
        hint = f"Write {_INSTEAD[char]} instead."
        return error_at(source, here, f"{char} is not a sign that the language knows", hint)
    hint = _SIGN_HINTS.get(char, _GENERAL_HINT)
    if char.isnumeric():
        hint = "Numbers are written with the digits 0 to 9."
    return error_at(source, here, f"The character {char} has no meaning here", hint)


def _in_brackets(source: str, before: Sequence[Token], token: Token) -> LanguageError:
    """Say what is wrong between parentheses that are no picture's or text's."""
    last, opened, word = before[-1], *innermost(before)
    assert opened is not None
    begins = re.compile(r"\w+[ \t]*=(?!=)").match(source, span_of(token).start)
    if token.type == "SEMI" or (begins and token.line != last.line):
        return never_closed(source, opened)
    if token.type == "PIPE":
        hint = "Close the parenthesis before |>: it shows the whole expression."
        return error_at(source, span_of(token), "There can be no |> inside parentheses", hint)
    if token.type == "EQUALS" and word is None and last.type == "NAME":
        hint = f"Give it in a statement of its own: {_NAMING}."
        return error_at(source, span_of(token), "A name is not given inside parentheses", hint)
    if word is not None:
        found = in_function(source, before, token)
        if found:
            return found
    if token.type == "RPAR":
        return closing(source, before, token)
    return _in_statement(source, before, token)


def _in_statement(source: str, before: Sequence[Token], token: Token) -> LanguageError:
    """Say what is wrong with the order of things in a statement."""
    last = before[-1]
    piped = _verb_before(before)
    if piped == "open" or (token.type == "SEMI" and last.type not in ENDS):
        return _unfinished(source, before)
    if piped == "done":
        message = "A statement ends with what it shows"
        hint = "Begin another with ; or on a new line, or put this before the |>."
        return error_at(source, span_of(token), message, hint)
    if token.type == "EQUALS" and last.type in ENDS | {"EQUALS"}:
        return _equals(source, last, token)
    if token.type == "COMMA" and last.type in ENDS:
        return _comma(source, last, token)
    if last.type in ENDS:
        return _side_by_side(source, before, token)
    return _no_operand(source, last, token)


def _verb_before(before: Sequence[Token]) -> str:
    """Tell whether the statement has come to a verb: "open" before its parentheses, or "done"."""
    for i in reversed(range(len(before))):
        if before[i].type == "SEMI":
            return ""
        if before[i].type == "PIPE":
            return "done" if before[-1].type == "RPAR" else "open" if i >= len(before) - 2 else ""
    return ""


def _unfinished(source: str, before: Sequence[Token]) -> LanguageError:
    """Say what is missing where a statement stops too early."""
    last = before[-1]
    if last.type == "NAME":  # the verb of a |>
        example = VERBS[last].usage if last in VERBS else f"{short(last)}()"
        message = f"{short(last)} needs parentheses"
        return error_at(source, span_of(last), message, f"Write {example}.")
    if last.type == "PIPE":
        hint = f"Write what to show: {', '.join(verb.usage for verb in VERBS.values())}."
        return error_at(source, span_of(last), "Nothing to show follows this |>", hint)
    if last.type == "EQUALS":
        hint = f"Write what the name is to stand for: {_NAMING}."
        return error_at(source, span_of(last), "Nothing follows this =", hint)
    hint = f"Write a picture, text or number after it, or take the {last} out."
    return error_at(source, span_of(last), f"Nothing follows this {last}", hint)


def _named(source: str, word: Token) -> LanguageError:
    message = f"{word} is a word of the language and cannot be given a meaning"
    return error_at(source, span_of(word), message, f"Choose another name: {_NAMING}.")


def _equals(source: str, last: Token, token: Token) -> LanguageError:
    """Say why an = cannot stand where it does."""
    if last.type == "EQUALS":
        hint = "A name is given with one =. How alike two things are is cos(a, b)."
        return error_at(source, span_of(token), "== has no meaning here", hint)
    message = "Only a name of its own can stand before ="
    return error_at(source, span_of(token), message, f"Write for example: {_NAMING}.")


def _comma(source: str, last: Token, token: Token) -> LanguageError:
    """Say why a comma outside a function means nothing."""
    hint = "Combine pictures and texts with +. Statements are set apart with ;."
    if last.type == "NUMBER" and span_of(last).end == span_of(token).start:
        hint = "The decimal sign is a point: 0.5. Thousands are not set apart: 1000."
    return error_at(source, span_of(token), "The character , has no meaning here", hint)


def _side_by_side(source: str, before: Sequence[Token], token: Token) -> LanguageError:
    """Say that an operator is missing between two operands."""
    last, opened, word = before[-1], *innermost(before)
    touching = span_of(last).end == span_of(token).start
    both = Span(span_of(last).start, span_of(token).end)
    if last.type == "NUMBER" and touching and token.type in ("NUMBER", "NAME"):
        hint = "Numbers are written like 2, 0.5 or 1e-3. To multiply, put * between."
        return error_at(source, both, f"{short(last + token)} is not a number", hint)
    if last.type == "STRING" and touching and token.type == "NAME":
        hint = (
            f"If the text goes on, write its inner quote as \\{last[0]}, or use the other quotes."
        )
        return error_at(source, span_of(token), f"The text {short(last)} ended before this", hint)
    if last.type == token.type == "NAME" and token not in _SAID:
        return _words(source, last)
    hint = "Put + or - between the two."
    if opened is not None and word is not None:
        hint = "Put + or - between the two, or , between two arguments."
    if "NUMBER" in (last.type, token.type):
        hint = "To multiply, put * between the two."
    if token in _SAID:
        hint = f"Write {_SAID[token]} instead of {token}."
    return error_at(source, span_of(token), "An operator is missing before this", hint)


def _words(source: str, first: Token) -> LanguageError:
    """Say that words in a row are meant as a text."""
    begin = span_of(first).start
    words = re.compile(r"\w+(?:[ \t]+\w+)*").match(source, begin)
    whole = Span(begin, words.end() if words else span_of(first).end)
    hint = f"Write {quote(short(source[slice(*whole)]))}."
    return error_at(source, whole, "A text stands in quotes", hint)


def _no_operand(source: str, last: Token | None, token: Token) -> LanguageError:
    """Say why something cannot stand where a picture, text or number should."""
    here = span_of(token)
    if token.type == "RPAR":
        return closing(source, (), token)
    if token.type == "EQUALS":
        message = "A name is missing before this ="
        return error_at(source, here, message, f"Write for example: {_NAMING}.")
    if token.type == "PIPE":
        message = "There is nothing to show before this |>"
        return error_at(source, here, message, _SHOWING)
    if last is not None and last + token in ("**", "*×", "*·"):
        return error_at(source, here, f"{last}{token} has no meaning here", _SIGN_HINTS["^"])
    message = f"A picture, text or number is missing before this {token}"
    hint = f"Write one before it, or take the {token} out."
    if last is not None and last == "\n" and token.type in OPERATORS:
        hint = f"To go on with the line before, end it with {token} or put it all in parentheses."
    return error_at(source, here, message, hint)
