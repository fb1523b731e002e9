"""Tab in the magics: the language's own completion, through IPython's completer."""

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
from zcalc.notebook.interpolation import masked
from zcalc.notebook.options import OPTIONS, split

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

_CELL = re.compile(r"\s*%%zcalc(?=\s)")
_LINE = re.compile(r"\s*(?:[^\W\d][\w.]*\s*=\s*)?%zcalc(?=\s)")
_TYPED = re.compile(r"(?:^|\s)(\S*)$")
_CLOSERS = ('")', "')", ")", '"', "'")


class _Silence(list[SimpleCompletion]):
    """No completions, of a length of 1: how IPython's other completers are asked to keep quiet."""

    def __len__(self) -> int:
        return 1


def matcher(calculator: Callable[[str], "Calculator"]) -> Any:
    """The completer of the magics; `calculator` gives the one that a line of options asks for."""

    @context_matcher(identifier="zcalc", priority=100)
    def completed(context: CompletionContext) -> SimpleMatcherResult:
        lines = context.full_text.split("\n")
        at = sum(len(line) + 1 for line in lines[: context.cursor_line]) + context.cursor_position
        place = _place(context.full_text, at)
        if place is None:
            return {"completions": [], "suppress": False}
        options, before, after = place
        try:
            return _completed(calculator, options, before, after)
        except ZcalcError:
            return _result("", [])

    return completed


def _place(text: str, at: int) -> tuple[str, str, str] | None:
    """The line of options, the program up to the cursor and from it on; None outside of magics."""
    begin = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    end = len(text) if end < 0 else end
    if cell := _CELL.match(text):
        first = text.find("\n", cell.end())
        first = len(text) if first < 0 else first
        if cell.end() < at <= first:
            return text[cell.end() : first], text[cell.end() : at], text[at:first]
        if at > first:
            return text[cell.end() : first] + "\n", text[first + 1 : at], text[at:end]
    elif (line := _LINE.match(text, begin)) and line.end() < at:
        return text[line.end() : end], text[line.end() : at], text[at:end]
    return None


def _completed(
    calculator: Callable[[str], "Calculator"], options: str, before: str, after: str
) -> SimpleMatcherResult:
    if not options.endswith("\n"):  # the options are on the cursor's own line
        typed = _TYPED.search(before)
        word = typed[1] if typed else ""
        offered = _options(before[: len(before) - len(word)], word)
        if offered is not None:
            return offered
        _, start = split(before, lambda code: "")
        before = before[start:]
    text = _open(before)
    if text is None:  # inside braces: Python's business
        return {"completions": [], "suppress": False}
    found = calculator(options).complete(text)
    shown = [_without(option, after) for option in found.options]
    return _result(before[found.start :], shown)


def _options(before: str, word: str) -> SimpleMatcherResult | None:
    """Options and their values, where the cursor is among them; None where a program begins."""
    last = before.split()[-1:]
    option = OPTIONS.get(last[0]) if last else None
    if option and option.value:
        if option.name in ("--images", "--index", "--clip", "--lm"):
            return {"completions": [], "suppress": False}  # files: IPython has them
        values = [*PRESETS] if option.name == "--model" else []
        values = ["auto", "cpu", "cuda"] if option.name == "--device" else values
        return _result(word, [value for value in values if value.startswith(word)])
    if not word.startswith("-") or split(before, lambda code: "")[1] != len(before):
        return None
    names = [f"{name} " for name in OPTIONS if name.startswith(word)]
    return _result(word, names) if names else None


def _open(before: str) -> str | None:
    """A program up to the cursor with names for what is in braces; None inside open braces."""
    try:
        return masked(before)[0]
    except ZcalcError:
        return None


def _without(option: str, after: str) -> str:
    """Leave out the bracket and quote that the editor has closed already."""
    for closer in _CLOSERS:
        if option.endswith(closer) and after.startswith(closer):
            return option.removesuffix(closer)
    return option


def _result(fragment: str, options: list[str]) -> SimpleMatcherResult:
    found = [SimpleCompletion(option, type=_type(option)) for option in options]
    return {
        "completions": found or _Silence(),
        "matched_fragment": fragment,
        "suppress": True,
        "ordered": True,
    }


def _type(option: str) -> str:
    """What JupyterLab marks a completion as."""
    if option.startswith("-") or option.endswith("="):
        return "keyword"
    return "function" if option.endswith("(") else "instance"
