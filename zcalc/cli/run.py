"""How a command runs a program, and prints its answers."""

from typing import TYPE_CHECKING, Any

from zcalc.cli.options import read

if TYPE_CHECKING:
    from zcalc.answer import Answer
    from zcalc.expression import Expression


def evaluate(expr: str, options: dict[str, Any]) -> "list[Expression[Any, Any]]":
    """Evaluate a program; an error in it is shown before anything else is imported."""
    from zcalc.language import plan

    source = read(expr)
    steps, bound = plan(source)

    from zcalc.calculator import Calculator
    from zcalc.show.run import evaluate

    return evaluate(source, steps, bound, Calculator.create(**options))


def print_answer(answer: "Answer", as_json: bool, thumbnails: bool | None = False) -> None:
    """Print an answer for people, or as JSON."""
    from zcalc.show import terminal
    from zcalc.show.data import answer_data

    if as_json:
        terminal.print_json(answer_data(answer))
        terminal.print_skipped(answer.skipped)
    else:
        terminal.print_answer(answer, thumbnails)
