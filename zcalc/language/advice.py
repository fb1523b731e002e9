"""Syntax errors: why the parser stopped, and how to fix it.

`before` are the tokens read so far. Errors about parentheses are in `brackets`.
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
    no_right_operand,
    without_parentheses,
)
from zcalc.language.errors import LanguageError, error_at
from zcalc.language.formatter import quote
from zcalc.language.literals import ENDS, EXAMPLE, OPERATORS, short, span_of
from zcalc.language.signatures import VERBS
from zcalc.language.tree import Span

# Look-alikes that keyboards, word processors and papers put in place of the language's characters.
_LOOKALIKES = (
    dict.fromkeys("—‒‐‑﹣－", "-") | dict.fromkeys("⋅∗∙•⨯✕＊", "*") | dict.fromkeys("÷∕⁄／", "/")
)
_LOOKALIKES |= {"＋": "+", "（": "(", "）": ")", "[": "(", "]": ")", "{": "(", "}": ")"}
_LOOKALIKES |= {"，": ",", "；": ";", "＝": "="}
_WORD_OPERATORS = dict.fromkeys(("and", "plus", "with"), "+") | dict.fromkeys(("times", "x"), "*")
_WORD_OPERATORS |= dict.fromkeys(("minus", "without"), "-")
_QUOTE_LOOKALIKES = "“”„‟«»‘’‚‛`´＂＇"
_BINDING = "leader = img(obama) - img(us_flag)"
_PIPE_HINT = "Pipe an expression to a verb with |>: img(coffee) |> words(10)."
_GENERAL_HINT = (
    'Write a picture as img(name) and text in quotes, "a photo", '
    "and combine them with + - * / and parentheses."
)
_CHARACTER_HINTS = {
    "|": _PIPE_HINT,
    ">": _PIPE_HINT,
    ":": f"Define a name with =: {_BINDING}.",
    "^": "Powers are not supported. Use + - * / and parentheses.",
}


def explain_end(source: str, before: Sequence[Token]) -> LanguageError:
    """Explain why a program cannot end here."""
    if all(token.type == "SEMI" for token in before):
        message = "There is only a comment here" if "#" in source else "The expression is empty"
        span = span_of(before[0]) if before else Span(0, 1)
        return error_at(source, span, message, f"For example: {EXAMPLE}")
    last, paren, callee = before[-1], *innermost(before)
    if last.type in ("IMG", "TXT") and not (callee and callee.type in ("IMG", "TXT")):
        return without_parentheses(source, last, None)
    if paren is not None and last.type not in OPERATORS:
        return never_closed(source, paren)
    return _incomplete(source, before)


def explain_token(source: str, before: Sequence[Token], token: Token) -> LanguageError:
    """Explain why a token cannot be here."""
    if not before:
        return _no_operand(source, None, token)
    last, paren, callee = before[-1], *innermost(before)
    if paren is not None and callee is not None and callee.type in ("IMG", "TXT"):
        return in_operand(source, callee, paren, last, span_of(token))
    if last.type in ("IMG", "TXT"):
        is_binding = token.type == "EQUALS"
        return _reserved(source, last) if is_binding else without_parentheses(source, last, token)
    if paren is not None:
        return _in_parentheses(source, before, token)
    if token.type == "RPAR":
        return closing(source, before, token)
    return _in_statement(source, before, token)


def explain_character(source: str, before: Sequence[Token], at: int) -> LanguageError:
    """Explain why a character starts no token."""
    char, span = source[at], Span(at, at + 1)
    paren, callee = innermost(before)
    if char in "\"'":
        hint = f"Add {char} where the text ends, on the same line."
        if f"\\{char}" in source[at:]:
            hint += f" An escaped \\{char} does not end it."
        return error_at(source, span, "This text has no closing quote", hint)
    if char in _QUOTE_LOOKALIKES:
        content = re.match(f"[^{_QUOTE_LOOKALIKES}\"'\r\n]+", source[at + 1 :])
        example = quote(content[0]) if content else "\" or '"
        hint = f"Use straight quotes: {example}"
        return error_at(source, span, f"Unsupported quotation mark {char}", hint)
    if not char.isprintable():
        name = f"U+{ord(char):04X} {unicodedata.name(char, '')}".strip()
        return error_at(source, span, f"Invisible character {name}", "Delete it.")
    is_operand = callee is not None and callee.type in ("IMG", "TXT")
    if is_operand and callee is not None and paren is not None and char not in "()（）":
        return in_operand(source, callee, paren, before[-1], span)
    hint = _CHARACTER_HINTS.get(char, _GENERAL_HINT)
    if char in _LOOKALIKES:
        hint = f"Use {_LOOKALIKES[char]} instead."
    elif char.isnumeric():
        hint = "Write numbers with the digits 0 to 9."
    return error_at(source, span, f"Unexpected character {char}", hint)


def _in_parentheses(source: str, before: Sequence[Token], token: Token) -> LanguageError:
    """Explain an error inside the parentheses of a group or of a function or verb."""
    last, paren, callee = before[-1], *innermost(before)
    assert paren is not None
    starts_binding = re.compile(r"\w+[ \t]*=(?!=)").match(source, span_of(token).start)
    if token.type == "SEMI" or (starts_binding and token.line != last.line):
        return never_closed(source, paren)
    if token.type == "PIPE":
        hint = "Close the parenthesis before |>, which applies to a whole expression."
        return error_at(source, span_of(token), "|> is not allowed inside parentheses", hint)
    if token.type == "EQUALS" and callee is None and last.type == "NAME":
        message = "A name cannot be defined inside parentheses"
        return error_at(source, span_of(token), message, f"Use a separate statement: {_BINDING}.")
    if callee is not None and (error := in_function(source, before, token)):
        return error
    if token.type == "RPAR":
        return closing(source, before, token)
    return _in_statement(source, before, token)


def _in_statement(source: str, before: Sequence[Token], token: Token) -> LanguageError:
    """Explain an unexpected token outside parentheses, or one that would be wrong anywhere."""
    last = before[-1]
    state = _verb_state(before)
    if state == "open" or (token.type == "SEMI" and last.type not in ENDS):
        return _incomplete(source, before)
    if state == "done":
        message = "A statement ends after its verb"
        hint = "Start a new statement with ; or a new line, or move this before the |>."
        return error_at(source, span_of(token), message, hint)
    if token.type == "EQUALS" and last.type in ENDS | {"EQUALS"}:
        return _equals(source, last, token)
    if token.type == "COMMA" and last.type in ENDS:
        return _comma(source, last, token)
    if last.type in ENDS:
        return _side_by_side(source, before, token)
    return _no_operand(source, last, token)


def _verb_state(before: Sequence[Token]) -> str:
    """Return "open" if a verb still needs its parentheses, "done" after them, otherwise ""."""
    for i in reversed(range(len(before))):
        if before[i].type == "SEMI":
            return ""
        if before[i].type == "PIPE":
            return "done" if before[-1].type == "RPAR" else "open" if i >= len(before) - 2 else ""
    return ""


def _incomplete(source: str, before: Sequence[Token]) -> LanguageError:
    """Explain what is missing at the end of a statement."""
    last = before[-1]
    if last.type == "NAME":  # the verb of a |>
        example = VERBS[last].usage if last in VERBS else f"{short(last)}()"
        message = f"{short(last)} needs parentheses"
        return error_at(source, span_of(last), message, f"Write {example}.")
    if last.type == "PIPE":
        hint = f"Use one of {', '.join(verb.usage for verb in VERBS.values())}."
        return error_at(source, span_of(last), "Expected a verb after this |>", hint)
    if last.type == "EQUALS":
        message = "Expected an expression after this ="
        return error_at(source, span_of(last), message, f"For example: {_BINDING}.")
    return no_right_operand(source, last)


def _reserved(source: str, word: Token) -> LanguageError:
    message = f"{word} is a reserved word"
    return error_at(source, span_of(word), message, f"Choose another name: {_BINDING}.")


def _equals(source: str, last: Token, token: Token) -> LanguageError:
    """Explain why an = cannot be here."""
    if last.type == "EQUALS":
        hint = "Define a name with a single =. To compare two embeddings, use cos(a, b)."
        return error_at(source, span_of(token), "There is no operator ==", hint)
    message = "The left side of = must be a single name"
    return error_at(source, span_of(token), message, f"For example: {_BINDING}.")


def _comma(source: str, last: Token, token: Token) -> LanguageError:
    """Explain a comma outside a call: a decimal comma, or a list of operands."""
    hint = "Combine pictures and texts with +, and separate statements with ;."
    if last.type == "NUMBER" and span_of(last).end == span_of(token).start:
        hint = "Use a decimal point, as in 0.5, and no thousands separators."
    return error_at(source, span_of(token), "Unexpected comma", hint)


def _side_by_side(source: str, before: Sequence[Token], token: Token) -> LanguageError:
    """Explain two operands without an operator between them."""
    last, paren, callee = before[-1], *innermost(before)
    is_adjacent = span_of(last).end == span_of(token).start
    if last.type == "NUMBER" and is_adjacent and token.type in ("NUMBER", "NAME"):
        both = Span(span_of(last).start, span_of(token).end)
        hint = "Write numbers as 2, 0.5 or 1e-3. To multiply, use *."
        return error_at(source, both, f"{short(last + token)} is not a number", hint)
    if last.type == "STRING" and is_adjacent and token.type == "NAME":
        message = f"The text {short(last)} ends before this"
        hint = f"Escape a quote inside the text as \\{last[0]}, or use the other kind of quotes."
        return error_at(source, span_of(token), message, hint)
    if last.type == token.type == "NAME" and token not in _WORD_OPERATORS:
        return _words(source, last)
    hint = "Put + or - between the two."
    if paren is not None and callee is not None:
        hint = "Put + or - between the two, or a comma if they are separate arguments."
    if "NUMBER" in (last.type, token.type):
        hint = "To multiply, put * between the two."
    if token in _WORD_OPERATORS:
        hint = f"Use {_WORD_OPERATORS[token]} instead of {token}."
    return error_at(source, span_of(token), "Expected an operator before this", hint)


def _words(source: str, first: Token) -> LanguageError:
    """Explain unquoted words in a row, which are probably meant as a text."""
    start = span_of(first).start
    words = re.compile(r"\w+(?:[ \t]+\w+)*").match(source, start)
    span = Span(start, words.end() if words else span_of(first).end)
    hint = f"Write {quote(short(source[slice(*span)]))}."
    return error_at(source, span, "Text must be in quotes", hint)


def _no_operand(source: str, last: Token | None, token: Token) -> LanguageError:
    """Explain a token where an operand is expected."""
    span = span_of(token)
    if token.type == "RPAR":
        return closing(source, (), token)
    if token.type == "EQUALS":
        return error_at(source, span, "Expected a name before this =", f"For example: {_BINDING}.")
    if token.type == "PIPE":
        return error_at(source, span, "Expected an expression before this |>", _PIPE_HINT)
    if last is not None and last + token in ("**", "*×", "*·"):
        message = f"There is no operator {last}{token}"
        return error_at(source, span, message, _CHARACTER_HINTS["^"])
    hint = f"Add one, or remove the {token}."
    message = f"Expected a picture, text or number before this {token}"
    return error_at(source, span, message, hint)
