"""`zcalc index build`, `info` and `restore`."""
# ruff: noqa: PLR0913, PLR0917  (typer makes an option of every parameter)

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from zcalc.cli.options import Clip, Device, Json, Model, print_json, reporting

if TYPE_CHECKING:
    from zcalc.index import Index

app = typer.Typer(help="Build and look at indexes of pictures.", no_args_is_help=True)
_REPORTED = ("added", "updated", "moved", "removed", "unchanged")
_File = Annotated[Path, typer.Argument(metavar="FILE", help="An index.")]


@app.command("build")
def index_build(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR...",
            help="Folders of pictures, tar shards, or CSV and Parquet files of paths.",
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="The index to build or update.")],
    model: Model = "mini",
    clip: Clip = None,
    device: Device = "auto",
    column: Annotated[
        str | None, typer.Option(help="The column of paths in a CSV or Parquet file.")
    ] = None,
    dtype: Annotated[
        Literal["float32", "float16"] | None,
        typer.Option(help="How vectors are stored; float16 takes half the space."),
    ] = None,
    memory: Annotated[
        str | None, typer.Option(help="What searching may take, such as 4GB.")
    ] = None,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="Who encodes: this machine, or a Ray cluster.")
    ] = "local",
    as_json: Json = False,
) -> None:
    """Index pictures, or bring their index up to date: only what is new is read.

    Interrupted, the same command goes on where it was.
    """
    with reporting(as_json):
        from dataclasses import asdict

        from zcalc import terminal
        from zcalc.calculator import Calculator
        from zcalc.errors import ZcalcError

        settings: dict[str, Any] = {"dtype": dtype, "memory": _bytes(memory)}
        calculator = Calculator(model, clip=clip, device=device)
        try:
            report = calculator.index(sources, out, column=column, engine=engine, **settings)
        except KeyboardInterrupt as error:
            hint = "What has been encoded is kept: the same command goes on from there."
            raise ZcalcError("Stopped before the index was finished.", hint) from error
        about = asdict(report)
        if as_json:
            print_json({"index": str(out), **about})
            return
        counts = ", ".join(f"{about[part]} {part}" for part in _REPORTED)
        print(f"{out}: {counts}")
        terminal.show_skipped(report.skipped)


@app.command("info")
def index_info(
    file: _File,
    previous: Annotated[
        bool, typer.Option("--previous", help="The generation before the last.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what an index holds and how it is searched, and check that it is whole."""
    with reporting(as_json):
        from zcalc.index import Index

        index = Index.open(file, previous=previous)
        index.check()
        about = _about(file, index)
        if as_json:
            print_json(about)
            return
        shown = {**about, "folders": ", ".join(about["folders"]), "skipped": len(index.skipped)}
        for name, value in shown.items():
            if value not in (None, "") and name != "index":
                print(f"{name.replace('_', ' '):14}{value}")


@app.command("restore")
def index_restore(file: _File, as_json: Json = False) -> None:
    """Go back to the generation before the last one; the last one becomes the one before."""
    with reporting(as_json):
        from zcalc.index import restore

        index = restore(file)
        if as_json:
            print_json({"index": str(file), "pictures": len(index)})
        else:
            print(f"{file}: {len(index)} pictures, as before the last change")


def _bytes(memory: str | None) -> int | None:
    if memory is None:
        return None
    from zcalc.index.memory import bytes_of

    return bytes_of(memory)


def _about(file: Path, index: "Index") -> dict[str, Any]:
    structure = index.structure
    return {
        "index": str(file),
        "model": index.model,
        "pictures": len(index),
        "dimensions": index.dim,
        "stored_as": f"{index.vectors.dtype}, {index.vectors.nbytes / 1e6:,.1f} MB",
        "metadata": ", ".join(index.fields),
        "search": structure.kind,
        "recall_at_10": structure.recall,
        "search_memory": structure.memory,
        "memory_budget": index.memory,
        "generation": index.manifest.generation,
        "folders": list(index.roots),
        "skipped": [{"path": e.path, "reason": e.skipped} for e in index.skipped],
    }
