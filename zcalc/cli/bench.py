"""`zcalc bench`: what models can do, measured."""

from pathlib import Path
from typing import Annotated

import typer

from zcalc.cli.options import Json, Model, reporting

app = typer.Typer(help="Measure the models.", no_args_is_help=True)


@app.command("mini")
def bench_mini(
    photos: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Photographs with a labels.tsv.")
    ] = None,
    samples: Annotated[int, typer.Option(min=0, help="Captions to draw from the model.")] = 0,
    captions: Annotated[int, typer.Option(min=0, help="Photographs to caption.")] = 0,
    as_json: Json = False,
) -> None:
    """Measure the embedded models: recall on labelled photographs, cosine with the teacher."""
    with reporting(as_json):
        from zcalc.bench.mini import run

        run(photos, samples, captions, as_json)


@app.command("arithmetic")
def bench_arithmetic(  # noqa: PLR0913, PLR0917
    photos: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="The photographs that a third of it is about."),
    ] = None,
    split: Annotated[str, typer.Option(help="dev (to tune on), test (to report) or all.")] = "test",
    captions: Annotated[bool, typer.Option(help="Write a caption for each; slow.")] = False,
    show: Annotated[bool, typer.Option(help="List every question with its answers.")] = False,
    model: Model = "mini",
    as_json: Json = False,
) -> None:
    """Ask 293 questions in arithmetic on pictures, with closed lists of answers."""
    with reporting(as_json):
        from zcalc.bench.arithmetic import run

        run(photos, split, model, as_json=as_json, captions=captions, show=show)


@app.command("flags")
def bench_flags(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Folders of flags such as us.png.")
    ] = None,
    model: Model = "mini",
    as_json: Json = False,
) -> None:
    """Find countries by their flags, in designs that nothing was trained on."""
    with reporting(as_json):
        from zcalc.bench.flags import run

        run(folder, model, as_json)
