"""Python values in a program of the language: what stands in braces, outside of quotes.

`{x}` becomes a name that stands for the value, as long as the braces are: so every place of the
program stays where it was, and no value is ever read as part of the program's text.
"""

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from zcalc.errors import ZcalcError
from zcalc.evaluated import Scalar
from zcalc.expression import Expression
from zcalc.index.query import Hit
from zcalc.language import (
    Bound,
    LanguageError,
    Neg,
    Node,
    Number,
    Operand,
    Span,
    Step,
    Text,
    Type,
    error_at,
    image,
    number,
    placed,
    plan,
    unparse,
)
from zcalc.language.tree import uses
from zcalc.words import Word

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

_READ = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?|#[^\n]*|\{")
_CALL = re.compile(r"\b(img|txt)\s*\(\s*$")
_CLOSE = re.compile(r"\s*\)")
_MOST = 256  # interpolations of a program
_LONGEST = 4096  # characters of a text
_KINDS = "a Result, a text, a number, an embedding (d,), a PIL picture or the Path of one"


@dataclass(frozen=True, slots=True)
class Hole:
    """A place from `start` to `end` where the value of a Python expression comes in.

    `call` is the function around it, which the place takes in: the img of `img({name})`.
    """

    start: int
    end: int
    code: str
    call: str = ""


def end_of(text: str, start: int) -> int | None:
    """Where the braces that open at `start` end: at the first } that completes Python.

    >>> end_of('{ {"}": 1}["}"] } + 2', 0)
    17
    """
    ends = [at + 1 for at in range(start, len(text)) if text[at] == "}"][:50]
    return next((end for end in ends if _is_python(text[start + 1 : end - 1])), None)


def holes(text: str) -> Iterator[Hole]:
    """The interpolations of a program; braces in quotes and comments are none.

    Raises LanguageError for braces that are not closed, or hold no Python expression.
    """
    at = 0
    while found := _READ.search(text, at):
        at = found.end()
        if found[0] != "{":
            continue
        end = end_of(text, found.start())
        if end is None:
            raise _no_python(text, found.start())
        before, after = _CALL.search(text[: found.start()]), _CLOSE.match(text, end)
        at = end
        code = text[found.start() + 1 : end - 1].strip()
        if before and after:
            yield Hole(before.start(), after.end(), code, before[1])
        else:
            yield Hole(found.start(), end, code)


def masked(text: str) -> tuple[str, dict[str, Hole]]:
    """A program with a name in place of every interpolation, as long as that is."""
    found = list(holes(text))
    if len(found) > _MOST:
        span = Span(found[_MOST].start, found[_MOST].end)
        raise error_at(text, span, f"More than {_MOST} values are put in here", "Split it.")
    letter = next(c for c in map(chr, range(0x4E00, 0x9FA5)) if c not in text)
    names = {
        f"{letter}{i:x}".ljust(hole.end - hole.start, "_"): hole for i, hole in enumerate(found)
    }
    for name, hole in names.items():
        text = text[: hole.start] + name + text[hole.end :]
    return text, names


def evaluate(calculator: "Calculator", text: str, value_of: Callable[[str], Any]) -> Any:
    """Run a program in which Python expressions stand in braces; `value_of` gives their values.

    Gives what calling the calculator does. Raises LanguageError with the place in `text`, also for
    what goes wrong in a Python expression.
    """
    program, names = masked(text)
    given = {name: _bound(calculator, text, hole, value_of) for name, hole in names.items()}
    try:
        steps, bound = plan(program, {**calculator.names, **given})
    except LanguageError as error:
        message, hint, _, span = error.args
        shown = {name: text[hole.start : hole.end] for name, hole in names.items()}
        raise error_at(text, span, _named(message, shown), _named(hint, shown)) from None
    values = {name: _written(value.tree) for name, value in given.items()}
    steps = tuple(_said(step, values) for step in steps)
    return calculator.run(steps, bound, text)


def operand(calculator: "Calculator", value: Any, code: str) -> Node:  # noqa: PLR0911
    """A Python value as a part of an expression; `code` is what it is called.

    Raises ZcalcError for a value that nothing can be calculated with.
    """
    import numpy as np
    import PIL.Image

    match value:
        case Expression():
            return _own(calculator, value)
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
    raise ZcalcError(
        f"A {type(value).__name__} is nothing to calculate with", f"It can be {_KINDS}."
    )


def _bound(
    calculator: "Calculator", text: str, hole: Hole, value_of: Callable[[str], Any]
) -> Bound:
    """What the name of an interpolation stands for."""
    span = Span(hole.start, hole.end)
    try:
        value = value_of(hole.code)
    except ZcalcError as error:
        raise error_at(text, span, error.message, error.hint) from error
    except Exception as error:
        message = f"{type(error).__name__} in the Python expression: {error}"
        raise error_at(
            text, span, message, "It is evaluated in the notebook's variables."
        ) from error
    with placed(text, span):
        named = hole.call == "img" and isinstance(value, str)
        tree = image(value) if named else operand(calculator, value, hole.code)
    if isinstance(value, Scalar):
        return Bound(tree, Type.NUMBER, sum(1 for _ in uses(tree)))
    count = sum(1 for _ in uses(tree))
    return Bound(tree, Type.EMBEDDING if count else _number(tree), count)


def _own(calculator: "Calculator", value: Expression) -> Node:
    if value.calculator is calculator:
        return value.tree
    hint = "Calculate it again with calc, the calculator that the magics use."
    raise ZcalcError("This result comes from another calculator", hint)


def _text(value: str) -> Text:
    """A text as an operand; refuses what the language refuses in quotes."""
    if len(value) > _LONGEST:
        message = f"This text has {len(value):,} characters; {_LONGEST:,} is the most"
        raise ZcalcError(message, "Shorten it.")
    if re.search("[\ud800-\udfff]", value):
        raise ZcalcError("This text holds half of a character", "Delete what is damaged.")
    return Text(value)


def _array(value: Any) -> Any:
    import numpy as np

    try:
        return np.asarray(value)
    except (TypeError, ValueError) as error:
        message = f"A {type(value).__name__} is no embedding: {error}"
        raise ZcalcError(message, f"It can be {_KINDS}.") from error


def _number(tree: Node) -> float:
    """The value of a number's node, of either sign."""
    return -_number(tree.operand) if isinstance(tree, Neg) else cast(Number, tree).value


def _said(step: Step, values: Mapping[str, str]) -> Step:
    """A statement whose text has the values' own texts in it, so that it can be read again."""
    return replace(step, source=_named(step.source, values))


def _named(text: str, shown: Mapping[str, str]) -> str:
    for name, instead in shown.items():
        text = text.replace(name, instead)
    return text


def _written(tree: Node) -> str:
    return unparse(tree) if isinstance(tree, Operand) else f"({unparse(tree)})"


def _is_python(code: str) -> bool:
    try:
        ast.parse(f"({code}\n)", mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return bool(code.strip())


def _no_python(text: str, start: int) -> LanguageError:
    """Say what is wrong with braces that hold no expression."""
    line_end = text.find("\n", start)
    close = text.find("}", start, len(text) if line_end < 0 else line_end)
    if close < 0:
        hint = "Close it with }; a brace in a text stands in quotes."
        return error_at(text, Span(start, start + 1), "This brace is never closed", hint)
    hint = "Braces hold a Python expression: {variable}."
    empty = not text[start + 1 : close].strip()
    message = "There is nothing in these braces" if empty else "This is no Python expression"
    return error_at(text, Span(start, close + 1), message, hint)
