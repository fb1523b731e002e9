"""How a command runs a program: plan it, load what it needs, evaluate it, print every answer."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zcalc.cli.options import read

if TYPE_CHECKING:
    from zcalc.answer import Answer, View
    from zcalc.expression import Expression


def evaluate(expr: str, options: dict[str, Any]) -> "list[Expression[Any, Any]]":
    """Plan a program and check its names before any model is loaded, then evaluate it."""
    from zcalc.language import plan

    source = read(expr)
    steps, bound = plan(source)  # errors in it are shown before anything else is imported

    from zcalc.calculator import Calculator
    from zcalc.decode.captions import check_verb
    from zcalc.show import terminal

    calculator = Calculator.create(**options)
    for step in steps:
        if step.verb is not None:
            check_verb(step.verb, calculator.models, source)
    for step in steps:
        calculator.check_names(step.tree, source)
    with terminal.waiting(f"Loading {calculator.models.name} …"):
        _ = calculator.models.encoder
    results = calculator.run(steps, bound, source)
    return results if isinstance(results, list) else [results]


def answer(result: "Expression[Any, Any]", default: "View", as_json: bool) -> "Answer":
    """Compute what to print: the verb's part of a result, or without a verb the default view.

    In a terminal, a caption grows while it is decoded.
    """
    from zcalc.answer import View
    from zcalc.decodable import Decodable
    from zcalc.result import Scalar
    from zcalc.show import terminal

    if isinstance(result, Scalar):
        return result.answer()
    named = bool(result.verb or result.name)
    view = replace(result.view, keep_operands=default.keep_operands) if named else default
    grows = view.caption is not None and terminal.out.is_terminal and not as_json
    if isinstance(result, Decodable) and grows:
        with terminal.growing_caption(result.answer(View())) as on_token:
            result.caption(on_token=on_token, **(view.caption or {}))
    return result.answer(view)


def print_answer(answer: "Answer", as_json: bool, thumbnails: bool | None = False) -> None:
    """Print an answer for people, or as JSON."""
    from zcalc.show import terminal
    from zcalc.show.data import answer_data

    if as_json:
        terminal.print_json(answer_data(answer))
        terminal.print_skipped(answer.skipped)
    else:
        terminal.print_answer(answer, thumbnails)
