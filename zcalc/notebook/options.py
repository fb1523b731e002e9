"""The options of the magics, split off the front of a line before the rest is parsed."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from zcalc.errors import ZcalcError
from zcalc.notebook.interpolation import end_of
from zcalc.sidecars import check_share

# An option is a word after one or two dashes; "-img(a)" and "--2 * x" are arithmetic.
_OPTION = re.compile(r"\s*(--[a-z][\w-]*|-[kh])(?=[=\s]|$)=?")
_VALUE = re.compile(r"\"([^\"\n]*)\"|'([^'\n]*)'|([^\s{]\S*)")
_LATE = re.compile(r"(?<=\S)\s+(--[a-z][\w-]*|-k(?=[ =]\s*\d))(?=[=\s]|$)")
_QUOTED = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?|#[^\n]*")
_END = re.compile(r"\s*--(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Option:
    """An option; `value` is the placeholder of its value, "" for a flag."""

    name: str
    value: str
    help: str


OPTIONS = {
    option.name: option
    for option in (
        Option("--model", "NAME", "preset: mini, paper, base, large or multilingual"),
        Option("--clip", "MODEL", "another encoder than the preset's"),
        Option("--lm", "MODEL", "another language model than the preset's"),
        Option("--vocabulary", "FILE", "words to rank, one per line, or a language; repeatable"),
        Option("--caption-share", "X", "share of captions in the points of pictures, 0 to 4"),
        Option("--images", "FOLDER", "folder of pictures; repeatable"),
        Option("--index", "INDEX", "an existing image index"),
        Option("--memory", "SIZE", "memory limit for searching the index, such as 4GB"),
        Option("--device", "DEVICE", "auto, cpu or cuda"),
        Option("--seed", "N", "random seed of the decoder"),
        Option("--method", "NAME", "decoder, or the folder of a trained one"),
        Option("--set", "NAME=VALUE", "a setting of the decoder; repeatable"),
        Option("--raw", "", "add up raw features without normalising"),
        Option("-k", "N", "number of words and pictures on a card"),
        Option("--no-caption", "", "cards without a caption, which are ready at once"),
        Option("--names", "", "a table of the names that are bound"),
        Option("--help", "", "print these options"),
    )
}
_CARD_OPTIONS = {
    "-k",
    "--method",
    "--set",
    "--no-caption",
    "--names",
    "--help",
}  # others: calculator's


@dataclass(frozen=True, slots=True)
class Settings:
    """Parsed options: `calculator` for `Calculator.create`, the others for the cards.

    `sets` are the decoder's settings as texts, such as "beams=3".
    """

    calculator: dict[str, Any] = field(default_factory=dict)
    k: int | None = None
    caption: bool = True
    help: bool = False
    names: bool = False
    method: str | None = None
    sets: tuple[str, ...] = ()


def split(line: str, value_of: Callable[[str], Any] = str) -> tuple[list[tuple[str, Any]], int]:
    """Split options off a line: their names and values, and the position of the rest.

    `value_of` evaluates a value in braces. Raises ZcalcError for an unknown option or a missing
    value.

    >>> split('--model mini -k 5 -img(a) + "b"')
    ([('--model', 'mini'), ('-k', '5')], 18)
    """
    options: list[tuple[str, Any]] = []
    position = 0
    while match := _OPTION.match(line, position):
        option = _option_named(match[1])
        position = match.end()
        value: Any = True
        if option.value:
            value, position = _value(line, position, option, value_of)
        options.append((option.name, value))
    end = _END.match(line, position)
    return options, _skip_blanks(line, end.end() if end else position)


def refuse_late(program: str, magic: str) -> None:
    """Raise ZcalcError if a program has an option of the magics behind its beginning."""
    bare = _QUOTED.sub(lambda text: "x" * len(text[0]), program)
    late = _LATE.search(bare)
    if late and (late[1] in OPTIONS or late[1] == "-k"):
        line, *_ = program[late.start() :].strip().splitlines()
        before = program[: late.start()].strip()
        raise ZcalcError(
            f"The option {late[1]} comes after the expression.",
            f"Options come first: {magic} {line} {before if magic == '%zcalc' else ''}".rstrip(),
        )


def hides(program: str) -> bool:
    """Whether a program ends with a semicolon, which hides what it shows, as in IPython.

    >>> hides('img(cat);  # done'), hides('"a;"'), hides("img(cat)  # done;")
    (True, False, False)
    """
    bare = _QUOTED.sub(lambda text: "" if text[0].startswith("#") else "x", program)
    return bare.rstrip().endswith(";")


def settings_of(options: list[tuple[str, Any]]) -> Settings:
    """Convert options to settings; raises ZcalcError for an invalid number."""
    by_name = dict(options)
    calculator: dict[str, Any] = {}
    for name, value in options:
        key = name.lstrip("-")
        if name in ("--images", "--vocabulary"):
            calculator.setdefault(key, []).append(str(value))
        elif name == "--seed":
            calculator[key] = _count(name, value, 0)
        elif name == "--caption-share":
            calculator["caption_share"] = _share(name, value)
        elif name == "--raw":
            calculator["normalize"] = False
        elif name not in _CARD_OPTIONS:
            calculator[key] = str(value)
    k = _count("-k", by_name["-k"], 1) if "-k" in by_name else None
    return Settings(
        calculator,
        k,
        "--no-caption" not in by_name,
        "--help" in by_name,
        "--names" in by_name,
        by_name.get("--method"),
        tuple(str(value) for name, value in options if name == "--set"),
    )


def help_text() -> str:
    """The usage, and a line for each option."""
    lines = [f"  {f'{o.name} {o.value}':18} {o.help}" for o in OPTIONS.values()]
    usage = '%zcalc [OPTIONS] img(coffee) - "coffee" + "tea"'
    return "\n".join([usage, "%%zcalc [OPTIONS], with a program on the lines below", "", *lines])


def _option_named(name: str) -> Option:
    name = "--help" if name == "-h" else name
    if name in OPTIONS:
        return OPTIONS[name]
    close = get_close_matches(name, OPTIONS, n=1, cutoff=0.5)
    did_you_mean = f"Did you mean {close[0]}? " if close else ""
    hint = f"{did_you_mean}%zcalc --help lists the options; -- ends them."
    raise ZcalcError(f"Unknown option {name}.", hint)


def _value(
    line: str, start: int, option: Option, value_of: Callable[[str], Any]
) -> tuple[Any, int]:
    """The value of an option, and the position of its end."""
    start = _skip_blanks(line, start, " \t")
    if line[start : start + 1] == "{" and (end := end_of(line, start)):
        return value_of(line[start + 1 : end - 1]), end
    match = _VALUE.match(line, start)
    if not match:
        raise ZcalcError(f"{option.name} needs a value.", f"Write {option.name} {option.value}.")
    return next(group for group in match.groups() if group is not None), match.end()


def _skip_blanks(line: str, position: int, blanks: str | None = None) -> int:
    return len(line) - len(line[position:].lstrip(blanks))


def _share(name: str, value: Any) -> float:
    try:
        share = float(value)
    except (TypeError, ValueError) as error:
        message = f"{name} must be a number, not {value!r}."
        raise ZcalcError(message, f"For example: {name} 0.5.") from error
    check_share(share)
    return share


def _count(name: str, value: Any, minimum: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = minimum - 1
    if number < minimum:
        message = f"{name} must be a whole number, at least {minimum}, not {value!r}."
        raise ZcalcError(message, f"For example: {name} 5.")
    return number
