"""`zcalc lab`: JupyterLab on the notebooks."""

from pathlib import Path
from typing import Annotated

import typer

from zcalc.cli.options import reporting

app = typer.Typer()


@app.command("lab", context_settings={"ignore_unknown_options": True})
def lab(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Folder for the notebooks.")
    ] = None,
    options: Annotated[
        list[str] | None, typer.Argument(metavar="[-- OPTIONS]", help="Options for JupyterLab.")
    ] = None,
) -> None:
    """Open JupyterLab on the notebooks, copying those that FOLDER doesn't have."""
    if folder is not None and str(folder).startswith("-"):  # `lab -- --no-browser`
        folder, options = None, [str(folder), *(options or [])]
    with reporting(False):
        from zcalc.notebook.jupyterlab import open_lab

        open_lab(folder, options or [])
