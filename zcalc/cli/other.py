"""`zcalc models`, `lab`, `demo` and `bench`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from zcalc.cli.options import Json, Model, print_json, reporting

app = typer.Typer()
bench = typer.Typer(help="Measure the models.", no_args_is_help=True)


@app.command("models")
def models(as_json: Json = False) -> None:
    """List the presets, and which of them are on this machine."""
    with reporting(as_json):
        os.environ["HF_HUB_OFFLINE"] = "1"  # before the hub's library is imported: ask nobody
        from zcalc import terminal
        from zcalc.models.available import availability

        with terminal.waiting("Looking for models …"):
            found = availability()
        if as_json:
            print_json({"models": found})
        else:
            terminal.show_models(found)


@app.command("lab", context_settings={"ignore_unknown_options": True})
def lab(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Where the notebooks are, or go.")
    ] = None,
    options: Annotated[
        list[str] | None, typer.Argument(metavar="[-- OPTIONS]", help="JupyterLab's own.")
    ] = None,
) -> None:
    """Open JupyterLab on the notebooks; those that FOLDER lacks are copied there."""
    with reporting(False):
        from zcalc.notebook.jupyterlab import open_lab

        raise typer.Exit(open_lab(folder, options or []))


@app.command("demo")
def demo(
    html: Annotated[Path | None, typer.Option(help="Write the cards to this file.")] = None,
    model: Model = "mini",
) -> None:
    """Evaluate four expressions over the sample pictures."""
    with reporting(False):
        from zcalc.demo import run

        run(html, model)


@bench.command("mini")
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


@bench.command("arithmetic")
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


@bench.command("flags")
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
