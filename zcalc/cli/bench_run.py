"""What the benchmark commands share: options, models, and how reports are printed."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zcalc.cli.options import print_json, reporting

if TYPE_CHECKING:
    from zcalc.bench import ModelComparison, Report, Suite
    from zcalc.calculator import Calculator

Encoder = Annotated[
    str, typer.Option("--model", help="Preset, or an encoder: open_clip:ARCH/TAG or a folder.")
]
Other = Annotated[
    str | None, typer.Option("--compare", help="A second preset or encoder to compare with.")
]
Table = Annotated[Path, typer.Argument(metavar="FILE", help="Columns image and references.")]
Items = Annotated[bool, typer.Option("--show", help="With --json: add every item.")]
Folders = Annotated[
    list[Path] | None,
    typer.Option("--images", help="Folder of the named pictures; default: the sample pictures."),
]


def report(
    benchmark: "Callable[[Calculator], Report]",
    models: tuple[str, str | None],
    images: list[Path] | None,
    items: bool,
    as_json: bool,
) -> None:
    """Print the report on one model, or two models side by side."""
    with reporting(as_json):
        from zcalc.bench import compare

        first = benchmark(calculator_of(models[0], images))
        if models[1] is None:
            print_table(first, first.data(items) if as_json else None)
            return
        comparison = compare(first, benchmark(calculator_of(models[1], images)))
        print_table(comparison, comparison.data() if as_json else None)


def calculator_of(name: str, images: list[Path] | None = None) -> "Calculator":
    """A calculator on a preset, or on another encoder with the language model of `mini`."""
    from zcalc.calculator import Calculator
    from zcalc.models.presets import PRESETS

    if name not in PRESETS and (name.startswith("open_clip:") or Path(name).is_dir()):
        return Calculator.create("mini", images=images, clip=name)
    return Calculator.create(name, images=images)


def print_table(
    table: "Report | Suite | ModelComparison", data: dict[str, Any] | None = None
) -> None:
    """Print a table, or its JSON if there is some."""
    if data is not None:
        print_json(data)
        return
    from zcalc.show import terminal

    terminal.out.print(table)


def print_scores(scores: dict[str, float], name_width: int, width: int) -> None:
    """Print a line for each score."""
    for name, value in scores.items():
        print(f"{name:{name_width}}{value:{width}.3f}")
