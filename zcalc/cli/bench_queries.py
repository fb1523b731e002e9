"""`zcalc bench mixed`, `simat` and `relations`: queries, edits and the paper's relations."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zcalc.cli.bench_run import Encoder, Folders, Items, Other, calculator_of, report
from zcalc.cli.options import Json, print_json, reporting

if TYPE_CHECKING:
    from zcalc.bench import Report
    from zcalc.calculator import Calculator

app = typer.Typer()


@app.command("mixed")
def bench_mixed(
    photos: Annotated[Path, typer.Argument(metavar="FOLDER", help="The 126 photographs.")],
    model: Encoder = "mini",
    as_json: Json = False,
) -> None:
    """Ask 120 queries, most of a picture and a text, as a sum and as a query (both, butnot)."""
    with reporting(as_json):
        from zcalc.bench.mixed import measure_mixed

        print_report(measure_mixed(calculator_of(model), photos), as_json)


@app.command("simat")
def bench_simat(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="simat_db of the release; default: a small set."),
    ] = None,
    model: Encoder = "mini",
    as_json: Json = False,
) -> None:
    """Change one word of a picture's caption by edit(x, a, b, by=λ), and sweep λ (SIMAT)."""
    with reporting(as_json):
        from zcalc.bench.simat import measure_simat

        print_report(measure_simat(calculator_of(model), folder), as_json)


@app.command("relations")
def bench_relations(  # noqa: PLR0913, PLR0917
    data: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER|TSV]",
            help="Pictures named by key (food/sushi.jpg), or questions of your own: columns "
            "section, expression and answers.",
        ),
    ] = None,
    images: Folders = None,
    captions: Annotated[bool, typer.Option(help="Write a caption for each; slow.")] = False,
    model: Encoder = "mini",
    other: Other = None,
    items: Items = False,
    as_json: Json = False,
) -> None:
    """Ask the paper's five relations, or questions of your own: B@1, R@5, CLIP."""
    if data is not None and data.is_file():

        def run(calculator: "Calculator") -> "Report":
            from zcalc.bench import relations

            return relations(calculator, data, captions=captions)

        report(run, (model, other), images, items, as_json)
        return
    with reporting(as_json):
        from zcalc.bench.paper_relations import measure_relations

        for name in filter(None, (model, other)):
            print_report(measure_relations(calculator_of(name), data, captions), as_json)


def print_report(result: Any, as_json: bool) -> None:
    """Print a table with a notice below, or JSON."""
    from zcalc.show import tables, terminal

    if as_json:
        print_json(result.data())
        return
    terminal.out.print(tables.rich_table(result.cells()))
    print(result.notice())
