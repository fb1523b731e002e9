"""`zcalc bench mixed`, `simat` and `relations`: queries, edits and the paper's relations."""

from pathlib import Path
from typing import Annotated, Any

import typer

from zcalc.cli.options import Json, Model, print_json, reporting

app = typer.Typer()


@app.command("mixed")
def bench_mixed(
    photos: Annotated[Path, typer.Argument(metavar="FOLDER", help="The 126 photographs.")],
    model: Model = "mini",
    as_json: Json = False,
) -> None:
    """Ask 120 queries, most of a picture and a text, as a sum and as a query (both, butnot)."""
    with reporting(as_json):
        from zcalc.bench.mixed import measure_mixed
        from zcalc.calculator import Calculator
        from zcalc.models.pair import Models

        print_report(measure_mixed(Calculator(Models.named(model)), photos), as_json)


@app.command("simat")
def bench_simat(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="simat_db of the release; default: a small set."),
    ] = None,
    model: Model = "mini",
    as_json: Json = False,
) -> None:
    """Change one word of a picture's caption by edit(x, a, b, by=λ), and sweep λ (SIMAT)."""
    with reporting(as_json):
        from zcalc.bench.simat import measure_simat
        from zcalc.calculator import Calculator
        from zcalc.models.pair import Models

        print_report(measure_simat(Calculator(Models.named(model)), folder), as_json)


def print_report(result: Any, as_json: bool) -> None:
    """Print a table with a notice below, or JSON."""
    from zcalc.show import tables, terminal

    if as_json:
        print_json(result.data())
        return
    terminal.out.print(tables.rich_table(result.cells()))
    print(result.notice())
