"""`zcalc index build`, `info`, `restore` and `push`."""
# ruff: noqa: PLR0913, PLR0917  (typer makes an option of every parameter)

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from zcalc.cli.options import CaptionShare, Clip, Device, Json, Model, print_json, reporting

if TYPE_CHECKING:
    from zcalc.index import Index

app = typer.Typer(help="Build and inspect indexes of pictures.", no_args_is_help=True)
_COUNTS = ("added", "updated", "moved", "removed", "unchanged")
_File = Annotated[Path, typer.Argument(metavar="FILE", help="An index.")]


@app.command("build")
def build(
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
    caption_column: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The column of captions in a CSV or Parquet file, or their field in the JSON "
            "files of a tar shard.",
        ),
    ] = None,
    caption_share: CaptionShare = None,
    dtype: Annotated[
        Literal["float32", "float16"] | None,
        typer.Option(help="Type of the stored vectors; float16 halves the size."),
    ] = None,
    memory: Annotated[
        str | None, typer.Option(help="Memory limit for searching, such as 4GB.")
    ] = None,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="Encode on this machine or on a Ray cluster.")
    ] = "local",
    as_json: Json = False,
) -> None:
    """Build an index of pictures, or update it: only new and changed pictures are read.

    An interrupted build resumes when the same command runs again.
    """
    with reporting(as_json):
        from dataclasses import asdict

        from zcalc.calculator import Calculator
        from zcalc.progress import notice
        from zcalc.show import terminal

        settings: dict[str, Any] = {"dtype": dtype, "memory": _bytes(memory)}
        columns = {"column": column, "caption_column": caption_column}
        calculator = Calculator.create(model, clip=clip, device=device, caption_share=caption_share)
        try:
            report = calculator.index(sources, out, engine=engine, **columns, **settings)
        except KeyboardInterrupt:
            notice(
                "Interrupted before the index was finished. "
                "Pictures encoded so far are kept; run the same command again to resume."
            )
            raise typer.Exit(130) from None
        data = asdict(report)
        if as_json:
            print_json({"index": str(out), **data})
            return
        counts = ", ".join(f"{data[part]} {part}" for part in _COUNTS)
        captioned = f", {report.captioned} with captions" if report.captioned else ""
        print(f"{out}: {counts}{captioned}")
        terminal.print_skipped(report.skipped)


@app.command("info")
def info(
    file: _File,
    previous: Annotated[
        bool, typer.Option("--previous", help="The generation before the current one.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show an index's contents and search structure, and check its integrity."""
    with reporting(as_json):
        from zcalc.index import Index

        index = Index.open(file, previous=previous)
        index.check()
        data = _index_data(file, index)
        if as_json:
            print_json(data)
            return
        rows = {**data, "folders": ", ".join(data["folders"]), "skipped": len(index.skipped)}
        for name, value in rows.items():
            if value not in (None, "") and name != "index":
                print(f"{name.replace('_', ' '):14}{value}")


@app.command("restore")
def restore(file: _File, as_json: Json = False) -> None:
    """Go back to the previous generation; the current one becomes the previous."""
    with reporting(as_json):
        from zcalc.index import restore as restore_previous

        index = restore_previous(file)
        if as_json:
            print_json({"index": str(file), "pictures": len(index)})
        else:
            print(f"{file}: restored, {len(index)} pictures")


@app.command("push")
def push(
    file: _File,
    address: Annotated[
        str, typer.Argument(help="milvus://HOST:PORT/COLLECTION or milvus:FILE.db/COLLECTION.")
    ],
    as_json: Json = False,
) -> None:
    """Copy an index into a Milvus collection, replacing the zcalc index there."""
    with reporting(as_json):
        from zcalc.index import Index
        from zcalc.index.milvus import push as push_index

        count = push_index(Index.open(file), address)
        if as_json:
            print_json({"index": address, "pictures": count})
        else:
            print(f"{address}: {count} pictures")


def _bytes(memory: str | None) -> int | None:
    if memory is None:
        return None
    from zcalc.index.memory import parse_bytes

    return parse_bytes(memory)


def _captions(index: "Index") -> int | None:
    """How many captions are part of an index's points; None if it was built without."""
    return sum(bool(caption.text) for caption in index.captions) if index.caption_share else None


def _index_data(file: Path, index: "Index") -> dict[str, Any]:
    structure = index.structure
    return {
        "index": str(file),
        "model": index.model,
        "pictures": len(index),
        "dimensions": index.dim,
        "stored_as": f"{index.vectors.dtype}, {index.vectors.nbytes / 1e6:,.1f} MB",
        "metadata": ", ".join(index.fields),
        "caption_share": index.caption_share,
        "caption_column": index.manifest.caption_column,
        "captions": _captions(index),
        "search": structure.kind,
        "recall_at_10": structure.recall,
        "search_memory": structure.memory,
        "memory_budget": index.memory,
        "generation": index.manifest.generation,
        "folders": list(index.roots),
        "skipped": [{"path": e.path, "reason": e.skipped} for e in index.skipped],
    }
