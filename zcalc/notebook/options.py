"""The options of the magics: split off the front of a line before anything else is read."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from zcalc.errors import ZcalcError
from zcalc.notebook.interpolation import end_of

# An option is a word after one or two dashes; "-img(a)" and "--2 * x" are arithmetic.
_OPTION = re.compile(r"\s*(--[a-z][\w-]*|-[kh])(?=[=\s]|$)=?")
_VALUE = re.compile(r"\"([^\"\n]*)\"|'([^'\n]*)'|([^\s{]\S*)")
_END = re.compile(r"\s*--(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Option:
    """An option: what it is called, the value it takes ("" for a switch), what it does."""

    name: str
    value: str
    about: str


OPTIONS = {
    option.name: option
    for option in (
        Option("--model", "NAME", "the preset: mini, paper, base, large, multilingual"),
        Option("--clip", "MODEL", "an encoder in the preset's place"),
        Option("--lm", "MODEL", "a language model in the preset's place"),
        Option("--images", "FOLDER", "pictures of your own; may be given more than once"),
        Option("--index", "INDEX", "an index that was built before"),
        Option("--memory", "SIZE", "what searching the index may take, such as 4GB"),
        Option("--device", "DEVICE", "auto, cpu or cuda"),
        Option("--seed", "N", "the seed of the decoder"),
        Option("--raw", "", "add up the models' raw features"),
        Option("-k", "N", "how many words and pictures a card shows"),
        Option("--no-caption", "", "cards without a sentence: they come at once"),
        Option("--help", "", "print these options"),
    )
}
_SHOWN = {"-k", "--no-caption", "--help"}  # what is about the cards, not about the calculator


@dataclass(frozen=True, slots=True)
class Settings:
    """What the options before a program say.

    `calculator` are the arguments of the calculator that they ask for: none, where they leave it
    open. `k` and `caption` are about the cards.
    """

    calculator: dict[str, Any] = field(default_factory=dict)
    k: int | None = None
    caption: bool = True
    help: bool = False


def split(line: str, value_of: Callable[[str], Any] = str) -> tuple[list[tuple[str, Any]], int]:
    """Split options off a line: their names and values, and where the rest begins.

    `value_of` gives the value of what stands in braces. Raises ZcalcError for an unknown option or
    one without its value.

    >>> split('--model mini -k 5 -img(a) + "b"')
    ([('--model', 'mini'), ('-k', '5')], 18)
    """
    found: list[tuple[str, Any]] = []
    at = 0
    while matched := _OPTION.match(line, at):
        option = _known(matched[1])
        at = matched.end()
        value: Any = True
        if option.value:
            value, at = _value(line, at, option, value_of)
        found.append((option.name, value))
    ended = _END.match(line, at)
    at = ended.end() if ended else at
    return found, at + len(line[at:]) - len(line[at:].lstrip())


def settings_of(options: list[tuple[str, Any]]) -> Settings:
    """What options say, put together; raises ZcalcError for numbers that are none."""
    given = dict(options)
    calculator: dict[str, Any] = {}
    for name, value in options:
        key = name.lstrip("-")
        if name == "--images":
            calculator.setdefault("images", []).append(str(value))
        elif name == "--seed":
            calculator[key] = _count(name, value, 0)
        elif name == "--raw":
            calculator["normalize"] = False
        elif name not in _SHOWN:
            calculator[key] = str(value)
    k = _count("-k", given["-k"], 1) if "-k" in given else None
    return Settings(calculator, k, "--no-caption" not in given, "--help" in given)


def help_text() -> str:
    """The options, one a line."""
    lines = [f"  {f'{o.name} {o.value}':18} {o.about}" for o in OPTIONS.values()]
    usage = '%zcalc [OPTIONS] img(coffee) - "coffee" + "tea"'
    return "\n".join([usage, "%%zcalc [OPTIONS], with a program below", "", *lines])


def _known(name: str) -> Option:
    name = "--help" if name == "-h" else name
    if name in OPTIONS:
        return OPTIONS[name]
    close = get_close_matches(name, OPTIONS, n=1, cutoff=0.5)
    did_you_mean = f"Did you mean {close[0]}? " if close else ""
    hint = f"{did_you_mean}%zcalc --help lists them; an expression after -- is never an option."
    raise ZcalcError(f"There is no option {name}.", hint)


def _value(line: str, at: int, option: Option, value_of: Callable[[str], Any]) -> tuple[Any, int]:
    """The value that stands at a place, and where it ends."""
    at += len(line[at:]) - len(line[at:].lstrip(" \t"))
    if line[at : at + 1] == "{" and (end := end_of(line, at)):
        return value_of(line[at + 1 : end - 1]), end
    matched = _VALUE.match(line, at)
    if not matched:
        raise ZcalcError(f"{option.name} has no value.", f"Write {option.name} {option.value}.")
    return next(group for group in matched.groups() if group is not None), matched.end()


def _count(name: str, value: Any, least: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = least - 1
    if number < least:
        raise ZcalcError(f"{name} {value} is no number to count with.", f"Write {name} 5.")
    return number
