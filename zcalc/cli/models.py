"""`zcalc models`: the presets, which of their models are here, and how to bring or remove them."""

from typing import Annotated

import typer

from zcalc.cli.options import Json, print_json, reporting

app = typer.Typer()
Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A preset, open_clip:ARCH/TAG, or a language model on the hub, as ORG/NAME.",
    ),
]


@app.callback(invoke_without_command=True)
def models(context: typer.Context, as_json: Json = False) -> None:
    """List the presets, which of their models are on this machine, and their size."""
    if context.invoked_subcommand is not None:
        return
    with reporting(as_json):
        from zcalc.models.available import availability
        from zcalc.show import terminal

        with terminal.waiting("Looking for models …"):
            presets = availability()
        if as_json:
            print_json({"models": presets})
        else:
            terminal.print_models(presets)


@app.command("fetch")
def fetch(name: Name) -> None:
    """Download a model now rather than at first use; an interrupted download goes on."""
    with reporting(False):
        from zcalc.models import available
        from zcalc.progress import readable

        files = available.fetch(name)
        size = readable(sum(file.stat().st_size for file in files))
        folders = dict.fromkeys(str(file.parent) for file in files)
        print(f"{name}: {size} in {', '.join(folders)}")


@app.command("remove")
def remove(name: Name) -> None:
    """Remove a downloaded model from the hub's cache; files that other presets use stay."""
    with reporting(False):
        from zcalc.models import available
        from zcalc.progress import readable

        print(f"Removed {name}: {readable(available.remove(name))} freed")
