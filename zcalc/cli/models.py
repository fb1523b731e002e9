"""`zcalc models`: the presets, and which of their models are on this machine."""

import os

import typer

from zcalc.cli.options import Json, print_json, reporting

app = typer.Typer()


@app.command("models")
def models(as_json: Json = False) -> None:
    """List the presets, and which of their models are on this machine."""
    with reporting(as_json):
        os.environ["HF_HUB_OFFLINE"] = "1"  # before huggingface_hub is imported: ask no hub
        from zcalc.models.available import availability
        from zcalc.show import terminal

        with terminal.waiting("Looking for models …"):
            presets = availability()
        if as_json:
            print_json({"models": presets})
        else:
            terminal.print_models(presets)
