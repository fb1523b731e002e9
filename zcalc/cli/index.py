"""`zcalc index build` and `zcalc index info`."""
# ruff: noqa: PLR0913, PLR0917  (typer makes an option of every parameter)

from pathlib import Path
from typing import Annotated, Any

import typer

from zcalc.cli.options import Clip, Device, Json, Model, print_json, reporting

app = typer.Typer(help="Build and look at indexes of pictures.", no_args_is_help=True)
_REPORTED = ("added", "updated", "moved", "removed", "unchanged")


@app.command("build")
def index_build(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of pictures.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The index to build or update.")],
    model: Model = "mini",
    clip: Clip = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Index a folder of pictures, or bring its index up to date: only what is new is read."""
    with reporting(as_json):
        from dataclasses import asdict

        from zcalc import terminal
        from zcalc.calculator import Calculator

        with terminal.waiting(f"Loading {clip or model} …"):
            calculator = Calculator(model, clip=clip, device=device)
            _ = calculator.encoder
        report = calculator.index(folder, out)
        if as_json:
            print_json({"index": str(out), **asdict(report)})
            return
        about = asdict(report)
        counts = ", ".join(f"{about[part]} {part}" for part in _REPORTED)
        print(f"{out}: {counts}")
        terminal.show_skipped(report.skipped)


@app.command("info")
def index_info(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An index.")], as_json: Json = False
) -> None:
    """Show what an index holds, and check that it is whole."""
    with reporting(as_json):
        from zcalc.index import Index

        index = Index.open(file)
        about: dict[str, Any] = {
            "index": str(file),
            "model": index.model,
            "pictures": len(index),
            "dimensions": index.dim,
            "folders": list(index.roots),
            "skipped": [{"path": e.path, "reason": e.skipped} for e in index.skipped],
        }
        if as_json:
            print_json(about)
            return
        for name in ("model", "pictures", "dimensions"):
            print(f"{name:12}{about[name]}")
        print(f"{'folders':12}{', '.join(about['folders']) or 'the sample pictures'}")
        print(f"{'skipped':12}{len(index.skipped)}")
