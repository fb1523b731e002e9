"""Tab completion in the magics: the language's completions through IPython's completer."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from zcalc.errors import ZcalcError
from zcalc.models.presets import PRESETS
from zcalc.notebook.interpolation import mask
from zcalc.notebook.options import OPTIONS, split

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

_CELL = re.compile(r"\s*%%zcalc(?=\s)")
_LINE = re.compile(r"\s*(?:[^\W\d][\w.]*\s*=\s*)?%zcalc(?=\s)")
_LAST_WORD = re.compile(r"(?:^|\s)(\S*)$")
_CLOSERS = ('")', "')", ")", '"', "'")


class _NoCompletions(list[SimpleCompletion]):
    """An empty list of length 1: IPython only suppresses its other completers if it isn't empty."""

    def __len__(self) -> int:
        return 1


def matcher(calculator: Callable[[str], "Calculator"]) -> Any:
    """The completer of the magics; `calculator` returns the calculator of a line of options."""

    @context_matcher(identifier="zcalc", priority=100)
    def complete(context: CompletionContext) -> SimpleMatcherResult:
        lines = context.full_text.split("\n")
        line_starts = sum(len(line) + 1 for line in lines[: context.cursor_line])
        parts = _split_at(context.full_text, line_starts + context.cursor_position)
        if parts is None:
            return {"completions": [], "suppress": False}
        options, before, after = parts
        try:
            return _complete(calculator, options, before, after)
        except ZcalcError:
            return _result("", [])

    return complete


def _split_at(text: str, cursor: int) -> tuple[str, str, str] | None:
    """The options, and the program before and after the cursor; None outside the magics.

    Options on a line above the cursor's end in a newline.
    """
    begin = text.rfind("\n", 0, cursor) + 1
    end = text.find("\n", cursor)
    end = len(text) if end < 0 else end
    if cell := _CELL.match(text):
        first = text.find("\n", cell.end())
        first = len(text) if first < 0 else first
        if cell.end() < cursor <= first:
            return text[cell.end() : first], text[cell.end() : cursor], text[cursor:first]
        if cursor > first:
            return text[cell.end() : first] + "\n", text[first + 1 : cursor], text[cursor:end]
    elif (line := _LINE.match(text, begin)) and line.end() < cursor:
        return text[line.end() : end], text[line.end() : cursor], text[cursor:end]
    return None


def _complete(
    calculator: Callable[[str], "Calculator"], options: str, before: str, after: str
) -> SimpleMatcherResult:
    if not options.endswith("\n"):  # the options are on the cursor's line
        match = _LAST_WORD.search(before)
        word = match[1] if match else ""
        result = _complete_option(before[: len(before) - len(word)], word)
        if result is not None:
            return result
        _, start = split(before, lambda code: "")
        before = before[start:]
    text = _masked(before)
    if text is None:  # inside braces, which hold Python
        return {"completions": [], "suppress": False}
    completion = calculator(options).complete(text)
    completions = [_without_closers(option, after) for option in completion.options]
    return _result(before[completion.start :], completions)


def _complete_option(before: str, word: str) -> SimpleMatcherResult | None:
    """Complete an option or its value; None if the program has begun."""
    last = before.split()[-1:]
    option = OPTIONS.get(last[0]) if last else None
    if option and option.value:
        if option.name in ("--images", "--index", "--clip", "--lm"):
            return {"completions": [], "suppress": False}  # IPython completes paths
        values = [*PRESETS] if option.name == "--model" else []
        values = ["auto", "cpu", "cuda"] if option.name == "--device" else values
        return _result(word, [value for value in values if value.startswith(word)])
    if not word.startswith("-") or split(before, lambda code: "")[1] != len(before):
        return None
    names = [f"{name} " for name in OPTIONS if name.startswith(word)]
    return _result(word, names) if names else None


def _masked(before: str) -> str | None:
    """The program before the cursor with its interpolations masked; None inside open braces."""
    try:
        return mask(before)[0]
    except ZcalcError:
        return None


def _without_closers(option: str, after: str) -> str:
    """Strip the closing quote and parenthesis that the editor has already inserted."""
    for closer in _CLOSERS:
        if option.endswith(closer) and after.startswith(closer):
            return option.removesuffix(closer)
    return option


def _result(fragment: str, options: list[str]) -> SimpleMatcherResult:
    completions = [SimpleCompletion(option, type=_type(option)) for option in options]
    return {
        "completions": completions or _NoCompletions(),
        "matched_fragment": fragment,
        "suppress": True,
        "ordered": True,
    }


def _type(option: str) -> str:
    """The kind of a completion, which JupyterLab shows as an icon."""
    if option.startswith("-") or option.endswith("="):
        return "keyword"
    return "function" if option.endswith("(") else "instance"
