"""An index served by Milvus: a cluster elsewhere, or a file beside you (milvus-lite).

Both through the same client, pymilvus. An address is `milvus://HOST:PORT/COLLECTION` or
`milvus:FILE.db/COLLECTION`; a password or token is read from $ZCALC_MILVUS_TOKEN.
"""

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.errors import ZcalcError
from zcalc.index.table import OWN, Entry
from zcalc.progress import track

if TYPE_CHECKING:
    from zcalc.index.store import Index

TOKEN = "ZCALC_MILVUS_TOKEN"
_ADDRESS = re.compile(r"milvus:(?:(//[^/\s]+)|(.+?\.db))/([A-Za-z_]\w{0,254})")
_ABOUT = -1  # the row that says what the collection is, not a picture's
_BATCH = 1000
_TEXT = 65_535  # bytes of a text in Milvus
_FOR_MEAN = 4096


def is_address(place: str) -> bool:
    """Whether an index is named by an address of Milvus."""
    return place.startswith("milvus:")


def push(index: "Index", address: str) -> int:
    """Put an index into a collection of Milvus, in place of what was there; gives the pictures.

    Raises ZcalcError where the server can't be reached, or the collection is something else's.
    """
    client, collection = _client(address)
    with _explained(address):
        if client.has_collection(collection) and _about(client, collection) is None:
            hint = "Name another collection, or delete this one yourself."
            raise ZcalcError(f"The collection {collection} is there and is no index.", hint)
        client.drop_collection(collection)
        client.create_collection(collection, schema=_schema(index.dim), index_params=_by_cosine())
        starts = range(0, len(index), _BATCH)
        for start in track(starts, "Sending pictures to Milvus"):
            client.insert(collection, _rows(index, start))
        about = {"model": index.model, "roots": list(index.roots), "count": len(index)}
        filler = np.full(index.dim, index.dim**-0.5).tolist()
        last = {"row": _ABOUT, "vector": filler, "name": "", "path": "", "about": json.dumps(about)}
        client.insert(collection, [last])  # last of all: without it the collection is unfinished
        client.flush(collection)
        client.close()
    return len(index)


class Served:
    """The pictures of a collection, with the same questions as an index of a folder."""

    skipped: tuple[Entry, ...] = ()

    def __init__(self, client: Any, collection: str, about: Mapping[str, Any], dim: int) -> None:
        self._client, self._collection, self.dim = client, collection, dim
        self.model, self.roots = str(about["model"]), tuple(about["roots"])
        self._count = int(about["count"])
        self._fields: dict[int, dict[str, Any]] = {}  # rows of the last search

    @classmethod
    def open(cls, address: str, model: str | None = None) -> "Served":
        """Connect to a collection; `model` is the identity of the encoder that is to search it.

        Raises ZcalcError where there is none, it is not whole, or it is another model's.
        """
        client, collection = _client(address)
        with _explained(address):
            if not client.has_collection(collection):
                hint = f"Fill it: zcalc index push INDEX {address}"
                raise ZcalcError(f"There is no collection {collection}.", hint)
            client.load_collection(collection)
            about = _about(client, collection)
            if about is None:
                hint = f"Fill it again: zcalc index push INDEX {address}"
                raise ZcalcError(f"The collection {collection} is no index, or unfinished.", hint)
            fields = client.describe_collection(collection)["fields"]
        if model not in (None, about["model"]):
            raise ZcalcError(
                f"The collection {collection} was made with {about['model']}, not with {model}.",
                "Choose that model, or push an index made with this one.",
            )
        dim = next(f["params"]["dim"] for f in fields if f["name"] == "vector")
        return cls(client, collection, about, int(dim))

    def __len__(self) -> int:
        return self._count

    def find(
        self, target: np.ndarray, k: int, where: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The cosines (m,) and rows (m,) of the at most `k` nearest to a unit vector (d,).

        `where` is a condition in Milvus's own language, which for comparisons is SQL's.
        """
        condition = f"row >= 0 and ({where})" if where is not None else "row >= 0"
        with _explained(self._collection, where):
            found = self._client.search(
                self._collection,
                [target.tolist()],
                limit=min(k, 16_384),
                filter=condition,
                output_fields=["*"],
                search_params={"metric_type": "IP"},
            )[0]
        found = [hit for hit in found if hit["row"] >= 0]
        self._fields = {hit["row"]: dict(hit["entity"]) for hit in found}
        rows = np.array([hit["row"] for hit in found], np.int64)  # (m,)
        scores = np.array([hit["distance"] for hit in found], np.float32)  # (m,)
        order = np.argsort(-scores, kind="stable")
        return scores[order], rows[order]

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The vectors (m, d) of rows."""
        found = [self._row(int(row))["vector"] for row in rows]
        return np.array(found, np.float32).reshape(len(found), self.dim)

    def entry(self, row: int) -> Entry:
        """The picture of a row."""
        found = self._row(row)
        return Entry(found["name"], found["path"], found.get("size", 0), 0, "")

    def metadata(self, row: int) -> dict[str, Any]:
        """What else is known about it."""
        hidden = (*OWN, "row", "vector")
        return {
            name: value
            for name, value in self._row(row).items()
            if name not in hidden and value is not None
        }

    @cached_property
    def means(self) -> np.ndarray:
        """The mean picture (d,) of the first 4,096."""
        found = self._query(f"row >= 0 and row < {_FOR_MEAN}", ["vector"])
        return np.array([one["vector"] for one in found], np.float64).mean(axis=0)

    @property
    def named(self) -> Mapping[str, Path]:
        """The pictures' files by name, asked of the server one by one."""
        return _Named(self)

    def names(self) -> Iterator[str]:
        """The names of all pictures."""
        for start in range(0, len(self), _BATCH):
            some = f"row >= {start} and row < {start + _BATCH}"
            found = self._query(some, ["row", "name"])
            yield from (one["name"] for one in sorted(found, key=lambda one: one["row"]))

    def path_of(self, name: str) -> str | None:
        """The path of a picture by its name; None where there is none."""
        found = self._query(f"row >= 0 and name == {json.dumps(name)}", ["path"])
        return found[0]["path"] if found else None

    def _row(self, row: int) -> dict[str, Any]:
        if row not in self._fields:
            self._fields |= {one["row"]: one for one in self._query(f"row == {row}", ["*"])}
        return self._fields[row]

    def _query(self, condition: str, fields: list[str]) -> list[dict[str, Any]]:
        with _explained(self._collection):
            return list(self._client.query(self._collection, condition, output_fields=fields))


class _Named(Mapping[str, Path]):
    def __init__(self, served: Served) -> None:
        self._served = served

    def __len__(self) -> int:
        return len(self._served)

    def __iter__(self) -> Iterator[str]:
        return self._served.names()

    def __getitem__(self, name: str) -> Path:
        path = self._served.path_of(name)
        if path is None:
            raise KeyError(name)
        return Path(path)


def _client(address: str) -> tuple[Any, str]:
    """A client of the server or file that an address names, and the collection's name."""
    found = _ADDRESS.fullmatch(address)
    if not found:
        hint = "Write milvus://HOST:19530/COLLECTION or milvus:FILE.db/COLLECTION."
        raise ZcalcError(f"{address!r} is no address of Milvus.", hint)
    try:
        import pymilvus
    except ImportError as error:
        raise ZcalcError(
            "Serving from Milvus needs more packages.", "pip install 'zcalc[milvus]'"
        ) from error
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # what it logs is raised as well
    place = f"http:{found[1]}" if found[1] else str(Path(found[2]).expanduser().resolve())
    try:
        return pymilvus.MilvusClient(place, token=os.environ.get(TOKEN, ""), timeout=10), found[3]
    except Exception as error:  # pymilvus raises its own, grpc's and milvus-lite's
        raise ZcalcError(f"Can't reach Milvus at {place}: {_said(error)}", _REACH) from error


_REACH = f"Check the address, that the server runs, and ${TOKEN} where it wants one."


class _explained:
    """Turns what pymilvus raises into an error that a person can mend."""

    def __init__(self, place: str, where: str | None = None) -> None:
        self._place, self._where = place, where

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if not isinstance(error, Exception) or isinstance(error, ZcalcError):
            return
        if self._where is not None:
            hint = "Milvus reads it: where=\"year > 2010 and place == 'Rome'\"."
            message = f"The condition {self._where!r} can't be used: {_said(error)}"
            raise ZcalcError(message, hint) from error
        raise ZcalcError(f"Milvus at {self._place} failed: {_said(error)}", _REACH) from error


def _said(error: BaseException) -> str:
    text = str(getattr(error, "message", "") or error) or type(error).__name__
    return text.strip().splitlines()[0][:300]


def _about(client: Any, collection: str) -> dict[str, Any] | None:
    """What a collection says of itself; None where it is no index."""
    client.load_collection(collection)
    try:
        found = client.query(collection, f"row == {_ABOUT}", output_fields=["about"])
        return json.loads(found[0]["about"]) if found else None
    except Exception:  # a collection without our columns
        return None


def _schema(dim: int) -> Any:
    from pymilvus import DataType, MilvusClient

    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=True)
    schema.add_field("row", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dim)
    schema.add_field("name", DataType.VARCHAR, max_length=_TEXT)
    schema.add_field("path", DataType.VARCHAR, max_length=_TEXT)
    return schema


def _by_cosine() -> Any:
    from pymilvus import MilvusClient

    params = MilvusClient.prepare_index_params()
    params.add_index("vector", index_type="AUTOINDEX", metric_type="IP")
    return params


def _rows(index: "Index", start: int) -> list[dict[str, Any]]:
    """Rows of an index as Milvus takes them: its columns, and every one of metadata."""
    from zcalc.index.query import plain

    stop = min(start + _BATCH, len(index))
    vectors = index.vectors.take(np.arange(start, stop))  # (m, d)
    table = index.table.slice(start, stop - start)
    fields = table.drop_columns(["mtime_ns", "sha256"]).to_pylist()
    return [
        {"row": start + i, "vector": vector.tolist()}
        | {name: plain(value) for name, value in about.items() if value is not None}
        for i, (vector, about) in enumerate(zip(vectors, fields, strict=True))
    ]
