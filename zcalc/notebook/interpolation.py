"""Interpolation: Python expressions in braces inside a program of the language.

Each `{x}` is replaced by a name of the same length, bound to the value. So error positions stay
correct, and a value is never parsed as part of the program.
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from zcalc.errors import ZcalcError
from zcalc.expression import Expression
from zcalc.index.hits import Hit
from zcalc.language import (
    Bound,
    LanguageError,
    Neg,
    Node,
    Number,
    Operand,
    Span,
    Text,
    Type,
    check,
    error_at,
    errors_at,
    image,
    number,
    plan,
    unparse,
)
from zcalc.language.tree import uses
from zcalc.words import Word

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

_TOKEN = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?|#[^\n]*|\{")
_CALL = re.compile(r"\b(img|txt)\s*\(\s*$")
_CLOSE = re.compile(r"\s*\)")
_MAX_COUNT = 256  # interpolations in a program
_MAX_TEXT = 4096  # characters
_USABLE = "Use a Result, a text, a number, an embedding (d,), a PIL picture or the Path of one."


@dataclass(frozen=True, slots=True)
class Interpolation:
    """A Python expression in braces, from `start` to `end`.

    In `img({name})` and `txt({text})` the span includes the call, and `call` is its function.
    """

    start: int
    end: int
    code: str
    call: str = ""


def end_of(text: str, start: int) -> int | None:
    """Find the end of the braces that open at `start`: the first } that completes an expression.

    >>> end_of('{ {"}": 1}["}"] } + 2', 0)
    17
    """
    ends = [i + 1 for i in range(start, len(text)) if text[i] == "}"][:50]
    return next((end for end in ends if _is_python(text[start + 1 : end - 1])), None)


def interpolations(text: str) -> Iterator[Interpolation]:
    """Find the interpolations of a program; braces in quotes and comments don't count.

    Raises LanguageError for braces that are unclosed or hold no Python expression.
    """
    position = 0
    while token := _TOKEN.search(text, position):
        position = token.end()
        if token[0] != "{":
            continue
        start, end = token.start(), end_of(text, token.start())
        if end is None:
            raise _brace_error(text, start)
        before, after = _CALL.search(text[:start]), _CLOSE.match(text, end)
        position = end
        code = text[start + 1 : end - 1].strip()
        if before and after:
            yield Interpolation(before.start(), after.end(), code, before[1])
        else:
            yield Interpolation(start, end, code)


def mask(text: str) -> tuple[str, dict[str, Interpolation]]:
    """Replace every interpolation by a unique name of the same length."""
    parts = list(interpolations(text))
    if len(parts) > _MAX_COUNT:
        span = Span(parts[_MAX_COUNT].start, parts[_MAX_COUNT].end)
        hint = "Combine some of them in Python first."
        raise error_at(text, span, f"More than {_MAX_COUNT} interpolations", hint)
    letter = next(c for c in map(chr, range(0x4E00, 0x9FA5)) if c not in text)
    names = {
        f"{letter}{i:x}".ljust(part.end - part.start, "_"): part for i, part in enumerate(parts)
    }
    for name, part in names.items():
        text = text[: part.start] + name + text[part.end :]
    return text, names


def evaluate(calculator: "Calculator", text: str, value_of: Callable[[str], Any]) -> Any:
    """Evaluate a program with interpolations; `value_of` evaluates their Python expressions.

    Returns what calling the calculator does. Raises LanguageError with the position in `text`, also
    for errors in Python expressions.
    """
    program, names = mask(text)
    bindings = {name: _bind(calculator, text, part, value_of) for name, part in names.items()}
    try:
        steps, bound = plan(program, {**calculator.names, **bindings})
    except LanguageError as error:
        message, hint, _, span = error.args
        originals = {name: text[part.start : part.end] for name, part in names.items()}
        message, hint = _unmask(message, originals), _unmask(hint, originals)
        raise error_at(text, span, message, hint) from None
    sources = {name: _parenthesized(value.tree) for name, value in bindings.items()}
    steps = tuple(replace(step, source=_unmask(step.source, sources)) for step in steps)
    return calculator.run(steps, bound, text)


def operand(calculator: "Calculator", value: Any, code: str) -> Node:  # noqa: PLR0911
    """Convert a Python value to a node; `code`, its Python expression, names new pictures.

    Raises ZcalcError for a value that can't be an operand.
    """
    import numpy as np
    import PIL.Image

    match value:
        case Expression():
            return _tree_of(calculator, value)
        case str():
            return _text(value)
        case Hit():
            return image(value.name)
        case Word():
            return _text(value.text)
        case PIL.Image.Image():
            return image(calculator.add_picture(value, code))
        case Path():
            return image(calculator.add_picture(value))
        case Real() if not isinstance(value, bool | np.bool_):
            return number(float(value))
    value = value.detach().cpu() if hasattr(value, "detach") else value
    if isinstance(value, list | tuple) or hasattr(value, "__array__"):
        values = _array(value)
        return (
            number(float(values)) if not values.ndim else image(calculator.add_vector(values, code))
        )
    raise ZcalcError(f"A {type(value).__name__} can't be an operand", _USABLE)


def _bind(
    calculator: "Calculator", text: str, part: Interpolation, value_of: Callable[[str], Any]
) -> Bound:
    """Evaluate an interpolation to a binding."""
    span = Span(part.start, part.end)
    try:
        value = value_of(part.code)
    except ZcalcError as error:
        raise error_at(text, span, error.message, error.hint) from error
    except Exception as error:
        message = f"{type(error).__name__} in the Python expression: {error}"
        hint = "Braces hold Python, evaluated with the notebook's variables."
        raise error_at(text, span, message, hint) from error
    with errors_at(text, span):
        is_name = part.call == "img" and isinstance(value, str)
        tree = image(value) if is_name else operand(calculator, value, part.code)
    count = sum(1 for _ in uses(tree))
    if isinstance(value, Expression):
        return Bound(tree, check(tree), count)
    return Bound(tree, Type.EMBEDDING if count else _number(tree), count)


def _tree_of(calculator: "Calculator", expression: Expression) -> Node:
    if expression.calculator is calculator:
        return expression.tree
    hint = "Evaluate it again with calc, the calculator that the magics use."
    raise ZcalcError("This result belongs to another calculator", hint)


def _text(value: str) -> Text:
    """A text as an operand, with the limits of quoted texts."""
    if len(value) > _MAX_TEXT:
        message = f"This text has {len(value):,} characters; the limit is {_MAX_TEXT:,}"
        raise ZcalcError(message, "Shorten it.")
    if re.search("[\ud800-\udfff]", value):
        raise ZcalcError("This text contains an unpaired surrogate", "Remove it.")
    return Text(value)


def _array(value: Any) -> Any:
    import numpy as np

    try:
        return np.asarray(value)
    except (TypeError, ValueError) as error:
        message = f"This {type(value).__name__} is not an embedding: {error}"
        raise ZcalcError(message, _USABLE) from error


def _number(tree: Node) -> float:
    """The value of a number node, or of its negation."""
    return -_number(tree.operand) if isinstance(tree, Neg) else cast(Number, tree).value


def _unmask(text: str, replacements: Mapping[str, str]) -> str:
    """Replace the names that `mask` put in."""
    for name, replacement in replacements.items():
        text = text.replace(name, replacement)
    return text


def _parenthesized(tree: Node) -> str:
    return unparse(tree) if isinstance(tree, Operand) else f"({unparse(tree)})"


def _is_python(code: str) -> bool:
    try:
        ast.parse(f"({code}\n)", mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return bool(code.strip())


def _brace_error(text: str, start: int) -> LanguageError:
    """The error for braces that hold no Python expression."""
    line_end = text.find("\n", start)
    close = text.find("}", start, len(text) if line_end < 0 else line_end)
    if close < 0:
        hint = "Close it with }. For a literal brace, put the text in quotes."
        return error_at(text, Span(start, start + 1), "This brace is never closed", hint)
    hint = "Braces hold a Python expression: {variable}."
    empty = not text[start + 1 : close].strip()
    message = "These braces are empty" if empty else "This is not a Python expression"
    return error_at(text, Span(start, close + 1), message, hint)
