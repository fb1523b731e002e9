"""What the command line does with a program: evaluate it, and show every result of it."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from zcalc.cli.options import read

if TYPE_CHECKING:
    from zcalc.result import Result, Scalar, View


def evaluated(expr: str, options: dict[str, Any]) -> "list[Result | Scalar]":
    """Check a program, load what it needs, and embed it."""
    from zcalc import terminal
    from zcalc.calculator import Calculator
    from zcalc.language import Image, operands, plan

    source = read(expr)
    steps, _ = plan(source)
    calculator = Calculator(**options)
    for node in (node for step in steps for node in operands(step.tree)):
        if isinstance(node, Image):
            calculator.find(node, source)
    with terminal.waiting(f"Loading {calculator.model} …"):
        _ = calculator.encoder
    found = calculator(source)
    return found if isinstance(found, list) else [found]


def show(result: "Result | Scalar", view: "View", keep_operands: bool, as_json: bool) -> None:
    """Print a result: its verb's part or, without a verb, what `view` names."""
    from zcalc import terminal
    from zcalc.result import Scalar

    if isinstance(result, Scalar):
        terminal.print_json(result.data()) if as_json else terminal.show_number(result)
        return
    if result.verb or result.name:
        view = replace(result.view, thumbnails=view.thumbnails)
    counts: dict[str, Any] = {
        "words": view.words,
        "pictures": view.pictures,
        "keep_operands": keep_operands,
        "asked": view.asked,
    }
    if as_json:
        if view.caption is not None:
            result.caption(**view.caption)
        data = result.data(**counts)
        if view.plot is not None:
            from zcalc.geometry.session import shown_of

            data["plot"] = shown_of(result, **view.plot).data()
        terminal.print_json(data)
        terminal.show_skipped(result.calculator.skipped if view.pictures else ())
        return
    terminal.show_equation(result)
    if view.caption is not None:
        terminal.show_caption(result, view.caption)
    terminal.show_tables(result, **counts, thumbnails=view.thumbnails)
    if view.caption is not None and view.words:
        terminal.show_terms(result)
    if view.plot is not None:
        terminal.show_plot(result, view.plot)
