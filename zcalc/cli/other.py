"""`zcalc models`, `lab` and `demo`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from zcalc.cli.options import Json, Model, print_json, reporting

app = typer.Typer()


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
    if folder is not None and str(folder).startswith("-"):  # `lab -- --no-browser`
        folder, options = None, [str(folder), *(options or [])]
    with reporting(False):
        from zcalc.notebook.jupyterlab import open_lab

        open_lab(folder, options or [])


@app.command("demo")
def demo(
    html: Annotated[Path | None, typer.Option(help="Write the cards to this file.")] = None,
    model: Model = "mini",
) -> None:
    """Evaluate four expressions over the sample pictures."""
    with reporting(False):
        from zcalc.demo import run

        run(html, model)
