"""What is known about each picture, as Arrow tables: name, file, and columns of metadata.

A path that is no valid text, as file systems allow, is kept byte for byte in the hidden column
`_path`, and shown with replacement characters in `path`.
"""

import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

OWN = ("name", "path", "size", "mtime_ns", "sha256")  # the columns that every index has
_HIDDEN = ("_path", "_skipped", "_row")


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture of the index: its name and file, and how to tell that the file has changed.

    A picture inside a tar has the path `shard.tar!member.jpg`.
    """

    name: str
    path: str
    size: int
    mtime_ns: int
    sha256: str
    skipped: str = ""  # why it has no vector


def table_of(
    entries: Sequence[Entry], metadata: Sequence[Mapping[str, Any]] | None = None
) -> pa.Table:
    """The table of entries and, beside them, their metadata; one row each.

    Metadata that has the name of a column of ours gets an underscore behind it.
    """
    paths = [entry.path for entry in entries]
    raw = [None if _is_text(path) else os.fsencode(path) for path in paths]
    columns: dict[str, Any] = {
        "name": pa.array([shown(e.name) for e in entries], pa.string()),
        "path": pa.array([shown(path) for path in paths], pa.string()),
        "size": pa.array([e.size for e in entries], pa.int64()),
        "mtime_ns": pa.array([e.mtime_ns for e in entries], pa.int64()),
        "sha256": pa.array([bytes.fromhex(e.sha256) or None for e in entries], pa.binary(32)),
    }
    if any(raw):
        columns["_path"] = pa.array(raw, pa.binary())
    if any(entry.skipped for entry in entries):
        columns["_skipped"] = pa.array([shown(e.skipped) for e in entries], pa.string())
    names = dict.fromkeys(name for fields in metadata or () for name in fields)
    for name in names:
        own = name in (*OWN, *_HIDDEN)
        columns[f"{name}_" if own else name] = _column([f.get(name) for f in metadata or ()])
    return pa.table(columns)


def entry_of(table: pa.Table, row: int) -> Entry:
    """The entry of a row."""
    return _entry({n: table[n][row].as_py() for n in table.column_names if n in _FIELDS})


def entries_of(table: pa.Table) -> tuple[Entry, ...]:
    """The entries of all rows."""
    kept = table.select([name for name in table.column_names if name in _FIELDS])
    return tuple(_entry(row) for batch in kept.to_batches() for row in batch.to_pylist())


def paths_of(table: pa.Table) -> list[str]:
    """The real paths of all rows."""
    paths = table["path"].to_pylist()
    if "_path" in table.column_names:
        for row, raw in enumerate(table["_path"].to_pylist()):
            paths[row] = paths[row] if raw is None else os.fsdecode(raw)
    return paths


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Tables one below the other; what one lacks is null, and what differs in kind is text."""
    kinds: dict[str, pa.DataType] = {}
    for table in tables:
        for field in table.schema:
            before = kinds.setdefault(field.name, field.type)
            kinds[field.name] = _common(before, field.type)
    fitting = [
        pa.table(
            {
                name: table[name].cast(kind)
                if name in table.column_names
                else pa.nulls(len(table), kind)
                for name, kind in kinds.items()
            }
        )
        for table in tables
    ]
    return pa.concat_tables(fitting)


def visible(table: pa.Table) -> pa.Table:
    """A table without its hidden columns."""
    return table.select([name for name in table.column_names if name not in _HIDDEN])


def metadata_of(table: pa.Table) -> list[str]:
    """The names of the columns that are metadata."""
    return [name for name in table.column_names if name not in OWN and name not in _HIDDEN]


def to_bytes(table: pa.Table) -> bytes:
    """A table as an Arrow file; the same rows give the same bytes."""
    sink = io.BytesIO()
    whole = table.combine_chunks()
    with pa.ipc.new_file(sink, whole.schema) as writer:
        writer.write_table(whole)
    return sink.getvalue()


def from_buffer(data: pa.Buffer) -> pa.Table:
    """The table of an Arrow file, its columns where they lie; the bytes must have been checked."""
    return pa.ipc.open_file(data).read_all()


def hashes_of(table: pa.Table) -> list[bytes]:
    """The hashes of all rows as bytes."""
    return table["sha256"].to_pylist()


def rows_in_use(table: pa.Table) -> np.ndarray | None:
    """Which rows of the vectors' part a part's table is about; None for all of them."""
    return table["_row"].to_numpy() if "_row" in table.column_names else None


def shown(text: str) -> str:
    """Text that can be stored: what is no valid text replaced."""
    return text.encode("utf-8", "replace").decode()


_FIELDS = {*OWN, "_path", "_skipped"}


def _entry(row: dict[str, Any]) -> Entry:
    raw = row.get("_path")
    return Entry(
        row["name"],
        row["path"] if raw is None else os.fsdecode(raw),
        row["size"],
        row["mtime_ns"],
        (row["sha256"] or b"").hex(),
        row.get("_skipped") or "",
    )


def _is_text(path: str) -> bool:
    return path.isascii() or not any("\ud800" <= c <= "\udfff" for c in path)


def _column(values: Iterable[Any]) -> pa.Array:
    """Values of any kind as one column: numbers and dates as they are, what is mixed as text."""
    plain = [json.dumps(v) if isinstance(v, list | dict) else v for v in values]
    plain = [shown(v) if isinstance(v, str) else v for v in plain]
    kinds = {type(v) for v in plain if v is not None}
    if kinds == {int, float}:
        plain = [None if v is None else float(v) for v in plain]
    elif len(kinds) > 1:
        plain = [None if v is None else str(v) for v in plain]
    try:
        return pa.array(plain)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if v is None else shown(str(v)) for v in plain], pa.string())


def _common(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    numbers = [pa.types.is_integer(t) or pa.types.is_floating(t) for t in (one, other)]
    return pa.float64() if all(numbers) else pa.string()
