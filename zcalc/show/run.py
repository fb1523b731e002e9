"""How a program is run in a terminal: checked, evaluated, and answered part by part."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from zcalc.answer import Answer, View
from zcalc.calculator import Calculator
from zcalc.decodable import Decodable
from zcalc.decode.captions import check_verb
from zcalc.expression import Expression
from zcalc.language import Bound, Step
from zcalc.result import Scalar
from zcalc.show import terminal


def evaluate(
    source: str, steps: Sequence[Step], bound: Mapping[str, Bound], calculator: Calculator
) -> "list[Expression[Any, Any]]":
    """Check the names of a planned program before any model is loaded, then evaluate it."""
    for step in steps:
        if step.verb is not None:
            check_verb(step.verb, calculator.models, source)
    for step in steps:
        calculator.check_names(step.tree, source)
    if not calculator.models.is_loaded:
        with terminal.waiting(f"Loading {calculator.models.name} …"):
            _ = calculator.models.encoder
    results = calculator.run(steps, bound, source)
    return results if isinstance(results, list) else [results]


def answer(result: "Expression[Any, Any]", default: View, as_json: bool) -> Answer:
    """Compute what to print: the verb's part of a result, or without a verb the default view.

    In a terminal, a caption grows while it is decoded.
    """
    if isinstance(result, Scalar):
        return result.answer()
    named = bool(result.verb or result.name)
    view = replace(result.view, keep_operands=default.keep_operands) if named else default
    grows = view.caption is not None and terminal.moves(terminal.out) and not as_json
    if isinstance(result, Decodable) and grows:
        with terminal.growing_caption(result.answer(View())) as on_token:
            result.caption(on_token=on_token, **(view.caption or {}))
    return result.answer(view)
