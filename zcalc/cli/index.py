"""`zcalc index`: what it has, what is taken out, and the generations."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zcalc.cli import index_build, index_groups
from zcalc.cli.options import Json, print_json, reporting

if TYPE_CHECKING:
    from zcalc.index import Index

app = typer.Typer(help="Build, keep and inspect indexes of pictures.", no_args_is_help=True)
_files = typer.Typer()
_File = Annotated[Path, typer.Argument(metavar="FILE", help="An index.")]


@_files.command("info")
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
        sources = ", ".join(f"{s['path']} ({s['pictures']:,})" for s in data["sources"])
        rows = {**data, "sources": sources, "skipped": len(index.skipped)}
        del rows["folders"]
        for name, value in rows.items():
            if value not in (None, "") and name != "index":
                print(f"{name.replace('_', ' '):14}{value}")


@_files.command("remove")
def remove(
    things: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE|PATTERN...",
            help="Sources, folders or files of the index, or patterns such as 'trips/*'.",
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="The index.")],
    as_json: Json = False,
) -> None:
    """Take pictures out of an index; their files stay as they are.

    Their embeddings are kept aside, so that pictures that come back are not encoded again.
    """
    with reporting(as_json):
        from zcalc.index.edit import remove as take_out

        index, count = take_out(out, things)
        if as_json:
            print_json({"index": str(out), "removed": count, "pictures": len(index)})
        else:
            print(f"{out}: {count} removed, {len(index)} left")


@_files.command("compact")
def compact(file: _File, as_json: Json = False) -> None:
    """Give back the space of what an index doesn't use.

    The embeddings of removed pictures go, and the previous generation: there is nothing to restore
    afterwards.
    """
    with reporting(as_json):
        from zcalc.index.edit import compact as rewrite
        from zcalc.index.memory import format_bytes

        index, freed = rewrite(file)
        if as_json:
            print_json({"index": str(file), "freed": freed, "pictures": len(index)})
        else:
            print(f"{file}: {format_bytes(freed)} freed, {len(index)} pictures")


@_files.command("export")
def export(
    file: _File,
    to: Annotated[Path, typer.Option("-o", "--out", help="A .parquet or .npy file.")],
    as_json: Json = False,
) -> None:
    """Write an index to Parquet, or to NumPy with a Parquet table beside it: no lock-in."""
    with reporting(as_json):
        from zcalc.index import Index
        from zcalc.index.export import export as write

        index = Index.open(file)
        files = [str(path) for path in write(index, to)]
        if as_json:
            print_json({"files": files, "pictures": len(index)})
        else:
            print(f"{' and '.join(files)}: {len(index)} pictures, {index.dim} dimensions")


@_files.command("restore")
def restore(file: _File, as_json: Json = False) -> None:
    """Go back to the previous generation; the current one becomes the previous."""
    with reporting(as_json):
        from zcalc.index import restore as restore_previous

        index = restore_previous(file)
        if as_json:
            print_json({"index": str(file), "pictures": len(index)})
        else:
            print(f"{file}: restored, {len(index)} pictures")


@_files.command("push")
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


def _captions(index: "Index") -> int | None:
    """How many captions are part of an index's points; None if it was built without."""
    return sum(bool(caption.text) for caption in index.captions) if index.caption_share else None


def _sources(index: "Index") -> list[dict[str, Any]]:
    """The sources of an index, each with its number of pictures."""
    from collections import Counter

    from zcalc.index.at_stake import sources_of

    counts = Counter(index.sources)
    return [{"path": s.path, "pictures": counts[s.path]} for s in sources_of(index.manifest)]


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
        "sources": _sources(index),
        "skipped": [{"path": e.path, "reason": e.skipped} for e in index.skipped],
    }


for _part in (index_build.app, _files, index_groups.app):
    app.add_typer(_part)
