"""How a command runs a program, and prints its answers."""

from typing import TYPE_CHECKING, Any

from zcalc.cli.options import read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from zcalc.answer import Answer
    from zcalc.expression import Expression
    from zcalc.language import Step
    from zcalc.named import NamedVectors


def evaluate(expr: str, options: dict[str, Any]) -> "list[Expression[Any, Any]]":
    """Evaluate a program; an error in it is shown before anything else is imported."""
    from zcalc.language import plan

    source, file = read(expr), options.pop("names", None)
    loaded = _names(file, source) if file else None
    steps, bound = plan(source, loaded.bound() if loaded else {})
    if not loaded and not any(options.get(o) for o in ("images", "index", "allow_files")):
        _check_pictures(steps, source)

    from zcalc.calculator import Calculator
    from zcalc.show.run import evaluate

    calculator = Calculator.create(**options)
    if loaded:
        loaded.put_into(calculator)
    results = evaluate(source, steps, bound, calculator)
    if file and bound:
        calculator.save_names(file)
    return results


def _names(file: "Path", source: str) -> "NamedVectors | None":
    """The named vectors of a file; a program that binds names may make the file."""
    from zcalc.language import plan
    from zcalc.named import load

    if not file.exists() and plan(source)[1]:
        return None
    return load(file)


def _check_pictures(steps: "Sequence[Step]", source: str) -> None:
    """Raise LanguageError, with its place, for a sample picture that isn't there."""
    from zcalc.gallery import Gallery
    from zcalc.language import Image, errors_at, operands

    samples = Gallery.samples()
    for node in (node for step in steps for node in operands(step.tree)):
        if isinstance(node, Image):
            with errors_at(source, node.span):
                samples.find(node.name)


def print_answer(answer: "Answer", as_json: bool, thumbnails: bool | None = False) -> None:
    """Print an answer for people, or as JSON."""
    from zcalc.show import terminal
    from zcalc.show.data import answer_data

    if as_json:
        terminal.print_json(answer_data(answer))
        terminal.print_skipped(answer.skipped)
    else:
        terminal.print_answer(answer, thumbnails)
