"""Answers to `?`: what can be typed, or what a name, function or verb is."""

from difflib import get_close_matches

from zcalc.calculator import Calculator
from zcalc.decode.captions import setting_names
from zcalc.errors import ZcalcError
from zcalc.language import FUNCTIONS, VERBS, unparse
from zcalc.language.signatures import Signature

_OVERVIEW = """\
Type an expression:
  img(coffee) - "coffee" + "tea"        pictures by name, texts in quotes
  tea = img(coffee) - "coffee" + "tea"  a name, for later lines
  tea |> caption                        a sentence
  tea |> nearest(10)                    pictures
A line that can't end yet goes on in the next one; Alt-Enter starts a new line anywhere.
Tab completes, Up and Down find earlier lines, Ctrl-C stops what runs, Ctrl-D leaves.
`?name` explains a function or verb, such as ?lerp."""


def help_on(topic: str, calculator: Calculator) -> str:
    """Help on a topic; "" is the overview. Raises ZcalcError for an unknown one."""
    if not topic:
        return "\n\n".join((_OVERVIEW, *_lists(calculator)))
    name = topic.removeprefix("|>").strip().partition("(")[0]
    if name in FUNCTIONS:
        return _signature(FUNCTIONS[name])
    if name in VERBS:
        settings = setting_names(calculator.models.preset, "") if VERBS[name].is_open else ()
        listed = f"\nSettings of the default decoder: {', '.join(settings)}" if settings else ""
        return f"… |> {_signature(VERBS[name])}{listed}"
    if name in calculator.names:
        return f"{name} = {unparse(calculator.names[name].tree)}"
    known = (*FUNCTIONS, *VERBS, *calculator.names)
    close = get_close_matches(name, known, n=1)
    hint = f"Did you mean ?{close[0]}?" if close else "? alone lists functions, verbs and names."
    raise ZcalcError(f"There is no function, verb or name {name!r}.", hint)


def _signature(signature: Signature) -> str:
    return f"{signature.usage}\n{signature.summary}"


def _lists(calculator: Calculator) -> list[str]:
    """The functions, verbs and bound names."""
    lists = [f"Functions: {', '.join(FUNCTIONS)}", f"Verbs: {', '.join(VERBS)}"]
    pictures = [picture.name for picture in calculator.gallery][:12]
    more = len(calculator.gallery) - len(pictures)
    lists.append(f"Pictures: {', '.join(pictures)}" + (f" and {more:,} more" if more else ""))
    if calculator.names:
        bound = calculator.names.items()
        lists.append("\n".join(f"{name} = {unparse(value.tree)}" for name, value in bound))
    return lists
