"""An index served from Milvus: a server or cluster, or a local file (milvus-lite).

Both use the same client, pymilvus. An address is `milvus://HOST:PORT/COLLECTION` or
`milvus:FILE.db/COLLECTION`; a password or token is read from $ZCALC_MILVUS_TOKEN.
"""

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.compound import Spread
from zcalc.errors import ZcalcError, require
from zcalc.index.hits import jsonable
from zcalc.index.table import CORE_COLUMNS, Entry
from zcalc.progress import track

if TYPE_CHECKING:
    from zcalc.index.store import Index

TOKEN = "ZCALC_MILVUS_TOKEN"
_ADDRESS = re.compile(r"milvus:(?:(//[^/\s]+)|(.+?\.db))/([A-Za-z_]\w{0,254})")
_CHECK_SERVER = f"Check the address, that the server is running, and ${TOKEN} if it needs a token."
_HEADER_ROW = -1  # the row that describes the collection instead of a picture
_BATCH = 1000
_MAX_LIMIT = 16_384  # hits per search in Milvus
_MAX_TEXT = 65_535  # bytes per text in Milvus
_MEAN_SAMPLE = 4096
_CAPTION = "_caption"


def is_address(place: str) -> bool:
    """Whether this is a Milvus address rather than a folder."""
    return place.startswith("milvus:")


def push(index: "Index", address: str) -> int:
    """Copy an index to a collection, replacing an index there; returns the number of pictures.

    Raises ZcalcError if the server is unreachable or the collection is not an index.
    """
    client, collection = _connect(address)
    with _translated_errors(address):
        if client.has_collection(collection) and _header(client, collection) is None:
            hint = "Use another collection, or delete this one yourself."
            raise ZcalcError(f"The collection {collection} exists and is not an index.", hint)
        client.drop_collection(collection)
        params = _index_params()
        client.create_collection(collection, schema=_schema(index.dim), index_params=params)
        starts = range(0, len(index), _BATCH)
        for start in track(starts, "Sending pictures to Milvus"):
            client.insert(collection, _rows(index, start))
        header = {"model": index.model, "roots": list(index.roots), "count": len(index)}
        header |= {"caption_share": index.caption_share}
        filler = np.full(index.dim, index.dim**-0.5).tolist()
        row = {"row": _HEADER_ROW, "vector": filler, "name": "", "path": ""}
        # Inserted last: a collection without a header is incomplete.
        client.insert(collection, [row | {"about": json.dumps(header)}])
        client.flush(collection)
        client.close()
    return len(index)


class Served:
    """A collection, with the interface of an index in a folder."""

    skipped: tuple[Entry, ...] = ()

    def __init__(self, client: Any, collection: str, header: Mapping[str, Any], dim: int) -> None:
        self._client, self._collection, self.dim = client, collection, dim
        self.model, self.roots = str(header["model"]), tuple(header["roots"])
        self._count = int(header["count"])
        self.caption_share = float(header.get("caption_share", 0.0))
        self._cached: dict[int, dict[str, Any]] = {}  # rows of the last search

    @classmethod
    def open(cls, address: str, model: str | None = None) -> "Served":
        """Connect to a collection, optionally requiring the encoder identity `model`.

        Raises ZcalcError if it is missing, incomplete, or belongs to another model.
        """
        client, collection = _connect(address)
        with _translated_errors(address):
            hint = f"Push an index to it: zcalc index push INDEX {address}"
            if not client.has_collection(collection):
                raise ZcalcError(f"There is no collection {collection}.", hint)
            client.load_collection(collection)
            header = _header(client, collection)
            if header is None:
                message = f"The collection {collection} is not an index, or is incomplete."
                raise ZcalcError(message, hint)
            fields = client.describe_collection(collection)["fields"]
        dim = next(f["params"]["dim"] for f in fields if f["name"] == "vector")
        served = cls(client, collection, header, int(dim))
        if model is not None:
            served.require_model(model)
        return served

    def require_model(self, identity: str) -> None:
        """Raise ZcalcError unless the index was built with the encoder of this identity."""
        if identity != self.model:
            raise ZcalcError(
                f"The collection {self._collection} was built with {self.model}, "
                f"not with {identity}.",
                "Use that model, or push an index built with this one.",
            )

    def __len__(self) -> int:
        return self._count

    def find(
        self, target: np.ndarray, k: int, where: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find at most `k` rows nearest to a unit vector (d,): cosines (m,) and rows (m,).

        `where` is a condition in Milvus's own language, which resembles SQL.
        """
        condition = f"row >= 0 and ({where})" if where is not None else "row >= 0"
        with _translated_errors(self._collection, where):
            hits = self._client.search(
                self._collection,
                [target.tolist()],
                limit=min(k, _MAX_LIMIT),
                filter=condition,
                output_fields=["*"],
                search_params={"metric_type": "IP"},
            )[0]
        hits = [hit for hit in hits if hit["row"] >= 0]
        self._cached = {hit["row"]: dict(hit["entity"]) for hit in hits}
        rows = np.array([hit["row"] for hit in hits], np.int64)  # (m,)
        scores = np.array([hit["distance"] for hit in hits], np.float32)  # (m,)
        order = np.argsort(-scores, kind="stable")
        return scores[order], rows[order]

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The vectors (m, d) of rows."""
        vectors = [self._row(int(row))["vector"] for row in rows]
        return np.array(vectors, np.float32).reshape(len(vectors), self.dim)

    def entry(self, row: int) -> Entry:
        """The entry of a row."""
        fields = self._row(row)
        return Entry(fields["name"], fields["path"], fields.get("size", 0), 0, "")

    def metadata(self, row: int) -> dict[str, Any]:
        """The metadata of a row."""
        excluded = (*CORE_COLUMNS, "row", "vector", _CAPTION)
        return {
            name: value
            for name, value in self._row(row).items()
            if name not in excluded and value is not None
        }

    def caption(self, row: int) -> str | None:
        """The caption that went into a row's vector; None if there is none."""
        return self._row(row).get(_CAPTION)

    @cached_property
    def mean(self) -> np.ndarray:
        """The mean vector (d,) of the first 4,096 pictures."""
        rows = self._query(f"row >= 0 and row < {_MEAN_SAMPLE}", ["vector"])
        return np.array([row["vector"] for row in rows], np.float64).mean(axis=0)

    @cached_property
    def spread(self) -> Spread:
        """Mean and covariance of the first 4,096 pictures."""
        rows = self._query(f"row >= 0 and row < {_MEAN_SAMPLE}", ["vector"])
        return Spread.of([np.array([row["vector"] for row in rows], np.float64)])

    @property
    def paths_by_name(self) -> Mapping[str, Path]:
        """The picture files by name, looked up on the server."""
        return _PathsByName(self)

    def names(self) -> Iterator[str]:
        """The names of all pictures."""
        for start in range(0, len(self), _BATCH):
            batch = f"row >= {start} and row < {start + _BATCH}"
            rows = self._query(batch, ["row", "name"])
            yield from (row["name"] for row in sorted(rows, key=lambda row: row["row"]))

    def row_named(self, name: str) -> int | None:
        """The row of the picture with this name; None if there is none."""
        rows = self._query(f"row >= 0 and name == {json.dumps(name)}", ["row"])
        return rows[0]["row"] if rows else None

    def _row(self, row: int) -> dict[str, Any]:
        if row not in self._cached:
            rows = self._query(f"row == {row}", ["*"])
            self._cached |= {fields["row"]: fields for fields in rows}
        return self._cached[row]

    def _query(self, condition: str, fields: list[str]) -> list[dict[str, Any]]:
        with _translated_errors(self._collection):
            return list(self._client.query(self._collection, condition, output_fields=fields))


class _PathsByName(Mapping[str, Path]):
    def __init__(self, served: Served) -> None:
        self._served = served

    def __len__(self) -> int:
        return len(self._served)

    def __iter__(self) -> Iterator[str]:
        return self._served.names()

    def __getitem__(self, name: str) -> Path:
        row = self._served.row_named(name)
        if row is None:
            raise KeyError(name)
        return Path(self._served.entry(row).path)


def _connect(address: str) -> tuple[Any, str]:
    """A client for the server or file of an address, and the name of the collection."""
    match = _ADDRESS.fullmatch(address)
    if not match:
        hint = "Write milvus://HOST:19530/COLLECTION or milvus:FILE.db/COLLECTION."
        raise ZcalcError(f"{address!r} is not a Milvus address.", hint)
    pymilvus = require("pymilvus", "milvus", "An index in Milvus")
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)  # it raises what it logs
    uri = f"http:{match[1]}" if match[1] else str(Path(match[2]).expanduser().resolve())
    try:
        return pymilvus.MilvusClient(uri, token=os.environ.get(TOKEN, ""), timeout=10), match[3]
    except Exception as error:  # pymilvus's own errors, grpc's and milvus-lite's
        message = f"Can't reach Milvus at {uri}: {_first_line(error)}"
        raise ZcalcError(message, _CHECK_SERVER) from error


@contextmanager
def _translated_errors(place: str, where: str | None = None) -> Iterator[None]:
    """Raise ZcalcError for whatever pymilvus raises."""
    try:
        yield
    except ZcalcError:
        raise
    except Exception as error:
        if where is None:
            message = f"Milvus at {place} failed: {_first_line(error)}"
            raise ZcalcError(message, _CHECK_SERVER) from error
        message = f"The condition {where!r} is invalid: {_first_line(error)}"
        hint = "Write it in Milvus's syntax: where=\"year > 2010 and place == 'Rome'\"."
        raise ZcalcError(message, hint) from error


def _first_line(error: BaseException) -> str:
    text = str(getattr(error, "message", "") or error) or type(error).__name__
    return text.strip().splitlines()[0][:300]


def _header(client: Any, collection: str) -> dict[str, Any] | None:
    """The header of a collection; None if it is not an index."""
    client.load_collection(collection)
    try:
        rows = client.query(collection, f"row == {_HEADER_ROW}", output_fields=["about"])
        return json.loads(rows[0]["about"]) if rows else None
    except Exception:  # a collection without these columns
        return None


def _schema(dim: int) -> Any:
    from pymilvus import DataType, MilvusClient

    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=True)
    schema.add_field("row", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dim)
    schema.add_field("name", DataType.VARCHAR, max_length=_MAX_TEXT)
    schema.add_field("path", DataType.VARCHAR, max_length=_MAX_TEXT)
    return schema


def _index_params() -> Any:
    from pymilvus import MilvusClient

    params = MilvusClient.prepare_index_params()
    params.add_index("vector", index_type="AUTOINDEX", metric_type="IP")
    return params


def _rows(index: "Index", start: int) -> list[dict[str, Any]]:
    """A batch of rows with all their metadata, in Milvus's format."""
    stop = min(start + _BATCH, len(index))
    vectors = index.vectors.take(np.arange(start, stop))  # (m, d)
    table = index.table.slice(start, stop - start)
    rows = table.drop_columns(["mtime_ns", "sha256"]).to_pylist()
    for row, fields in enumerate(rows, start):
        fields[_CAPTION] = index.caption(row)
    return [
        {"row": start + i, "vector": vector.tolist()}
        | {name: jsonable(value) for name, value in fields.items() if value is not None}
        for i, (vector, fields) in enumerate(zip(vectors, rows, strict=True))
    ]
