"""`zcalc index push`: an index, served from Milvus."""

from pathlib import Path
from typing import Annotated

import typer

from zcalc.cli.index import app
from zcalc.cli.options import Json, print_json, reporting


@app.command("push")
def index_push(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An index.")],
    address: Annotated[
        str, typer.Argument(help="milvus://HOST:PORT/COLLECTION or milvus:FILE.db/COLLECTION.")
    ],
    as_json: Json = False,
) -> None:
    """Put an index into a collection of Milvus, in place of what was there of ours."""
    with reporting(as_json):
        from zcalc.index import Index
        from zcalc.index.milvus import push

        count = push(Index.open(file), address)
        if as_json:
            print_json({"index": address, "pictures": count})
        else:
            print(f"{address}: {count} pictures")
