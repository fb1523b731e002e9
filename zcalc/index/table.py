"""Tables of pictures, in Arrow: name, file and metadata, one row per picture.

File systems allow paths that are not valid Unicode. The hidden column `_path` stores such a path
byte for byte; the column `path` has a printable form of it. The hidden column `_caption` has what
went into a picture's vector, `_sidecar` the size and time of the text file that it was read from,
`_source` the folder, shard or table that a picture was listed from, `_read` what cameras and
programs wrote into it (see `written`), and `_computed`
what zcalc computed for it (see `computed`), which the columns of metadata repeat.
"""

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from zcalc.index.columns import column_of, to_unicode
from zcalc.index.errors import DamagedIndex
from zcalc.storage import digest

CORE_COLUMNS = ("name", "path", "size", "mtime_ns", "sha256")  # present in every index
_HIDDEN_COLUMNS = (
    "_path",
    "_skipped",
    "_passing",
    "_row",
    "_caption",
    "_sidecar",
    "_source",
    "_read",
    "_computed",
)
_ENTRY_COLUMNS = {*CORE_COLUMNS, "_path", "_skipped", "_passing"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture of the index: its name and file, with the size, time and hash that were indexed.

    The path of a picture inside a tar shard is `shard.tar!member.jpg`.
    """

    name: str
    path: str
    size: int
    mtime_ns: int
    sha256: str
    skipped: str = ""  # why it has no vector
    passing: bool = False  # whether that reason may pass: the picture is tried again each time


class TablePart:
    """The table of one part; a file is mapped immediately and checked on first use."""

    def __init__(self, count: int, data: pa.Buffer | None, file: Path, sha256: str) -> None:
        self.count, self._data, self._file, self._sha256 = count, data, file, sha256

    @classmethod
    def of(cls, table: pa.Table) -> "TablePart":
        """Wrap a table in memory."""
        part = cls(len(table), None, Path(), "")
        part.__dict__["table"] = table
        return part

    @classmethod
    def map(cls, file: Path, sha256: str, count: int) -> "TablePart":
        """Map a file of `count` rows (-1: any number); raises OSError if it can't be opened."""
        with pa.memory_map(str(file)) as mapped:
            return cls(count, mapped.read_buffer(), file, sha256)

    @cached_property
    def table(self) -> pa.Table:
        """The table; raises DamagedIndex if its bytes don't match their hash."""
        if self._data is None or digest(self._data) != self._sha256:
            raise DamagedIndex(self._file.parent, f"{self._file.name} does not match its hash")
        table = from_buffer(self._data)
        if self.count not in (len(table), -1):
            raise DamagedIndex(self._file.parent, f"{self._file.name} belongs to another part")
        return table


@dataclass(frozen=True, slots=True)
class Caption:
    """A picture's caption, and the size and time of the text file beside it; "" for neither."""

    text: str = ""
    sidecar: str = ""


@dataclass(frozen=True, slots=True)
class Hidden:
    """What a table has of each row besides: its source, what cameras wrote, what was computed."""

    sources: Sequence[str] = ()
    written: Sequence[str | None] = ()
    computed: Sequence[str] = ()


def table_of(
    entries: Sequence[Entry],
    metadata: Sequence[Mapping[str, Any]] | None = None,
    captions: Sequence[Caption] = (),
    hidden: Hidden = Hidden(),
) -> pa.Table:
    """Build a table of entries, their metadata, captions if any has one, and what is hidden.

    A metadata field with the name of a core or hidden column gets a trailing underscore.
    """
    paths = [entry.path for entry in entries]
    raw = [None if _is_unicode(path) else os.fsencode(path) for path in paths]
    columns: dict[str, Any] = {
        "name": pa.array([to_unicode(e.name) for e in entries], pa.string()),
        "path": pa.array([to_unicode(path) for path in paths], pa.string()),
        "size": pa.array([e.size for e in entries], pa.int64()),
        "mtime_ns": pa.array([e.mtime_ns for e in entries], pa.int64()),
        "sha256": pa.array([bytes.fromhex(e.sha256) or None for e in entries], pa.binary(32)),
    }
    if any(raw):
        columns["_path"] = pa.array(raw, pa.binary())
    if any(entry.skipped for entry in entries):
        columns["_skipped"] = pa.array([to_unicode(e.skipped) for e in entries], pa.string())
    if any(entry.passing for entry in entries):
        columns["_passing"] = pa.array([e.passing for e in entries], pa.bool_())
    if any(hidden.sources):
        texts = pa.array([to_unicode(source) for source in hidden.sources], pa.string())
        columns["_source"] = texts.dictionary_encode()
    if any(hidden.computed):
        columns["_computed"] = pa.array([text or None for text in hidden.computed], pa.string())
    if any(text is not None for text in hidden.written):
        columns["_read"] = pa.array(hidden.written, pa.string())
    for name, values in (
        ("_caption", [caption.text or None for caption in captions]),
        ("_sidecar", [caption.sidecar or None for caption in captions]),
    ):
        if any(values):
            columns[name] = pa.array(values, pa.string())
    names = dict.fromkeys(name for fields in metadata or () for name in fields)
    for name in names:
        reserved = name in (*CORE_COLUMNS, *_HIDDEN_COLUMNS)
        columns[f"{name}_" if reserved else name] = column_of([f.get(name) for f in metadata or ()])
    return pa.table(columns)


def entry_of(table: pa.Table, row: int) -> Entry:
    """The entry in a row."""
    return _entry({n: table[n][row].as_py() for n in table.column_names if n in _ENTRY_COLUMNS})


def entries_of(table: pa.Table) -> tuple[Entry, ...]:
    """The entries of all rows."""
    core = table.select([name for name in table.column_names if name in _ENTRY_COLUMNS])
    return tuple(_entry(row) for batch in core.to_batches() for row in batch.to_pylist())


def paths_of(table: pa.Table) -> list[str]:
    """The paths of all rows, exactly as the file system has them."""
    paths = table["path"].to_pylist()
    if "_path" in table.column_names:
        for row, raw in enumerate(table["_path"].to_pylist()):
            paths[row] = paths[row] if raw is None else os.fsdecode(raw)
    return paths


def hashes_of(table: pa.Table) -> list[bytes]:
    """The SHA-256 of all rows as bytes."""
    return table["sha256"].to_pylist()


def captions_of(table: pa.Table) -> list[Caption]:
    """The captions of all rows."""
    none, names = Caption(), [n for n in ("_caption", "_sidecar") if n in table.column_names]
    if not names:
        return [none] * len(table)
    rows = (row for batch in table.select(names).to_batches() for row in batch.to_pylist())
    texts = ((row.get("_caption") or "", row.get("_sidecar") or "") for row in rows)
    return [Caption(*pair) if any(pair) else none for pair in texts]


def sources_of(table: pa.Table) -> list[str]:
    """The sources of all rows; "" where none was recorded."""
    if "_source" not in table.column_names:
        return [""] * len(table)
    return [source or "" for source in table["_source"].to_pylist()]


def computed_of(table: pa.Table) -> list[str]:
    """What zcalc computed for the pictures of all rows, as JSON; "" for nothing."""
    if "_computed" not in table.column_names:
        return [""] * len(table)
    return [text or "" for text in table["_computed"].to_pylist()]


def written_of(table: pa.Table) -> list[str | None]:
    """What cameras wrote into the pictures of all rows; None where that was never read."""
    if "_read" not in table.column_names:
        return [None] * len(table)
    return table["_read"].to_pylist()


def drop_hidden(table: pa.Table) -> pa.Table:
    """A table without its hidden columns."""
    return table.select([name for name in table.column_names if name not in _HIDDEN_COLUMNS])


def metadata_columns(table: pa.Table) -> list[str]:
    """The names of the metadata columns."""
    excluded = (*CORE_COLUMNS, *_HIDDEN_COLUMNS)
    return [name for name in table.column_names if name not in excluded]


def live_rows(table: pa.Table) -> np.ndarray | None:
    """Which of the part's vectors (by number) are still in use; None for all."""
    return numbers(table["_row"]) if "_row" in table.column_names else None


def numbers(column: pa.ChunkedArray) -> np.ndarray:
    """A column (n,) of numbers without nulls; `to_numpy` would import pandas where it is there."""
    chunks = [np.from_dlpack(chunk) for chunk in column.chunks]
    return np.concatenate(chunks) if chunks else np.empty(0, column.type.to_pandas_dtype())


def to_bytes(table: pa.Table) -> bytes:
    """Serialise a table as an Arrow file; equal rows give equal bytes."""
    sink = io.BytesIO()
    combined = table.combine_chunks()
    with pa.ipc.new_file(sink, combined.schema) as writer:
        writer.write_table(combined)
    return sink.getvalue()


def from_buffer(data: pa.Buffer) -> pa.Table:
    """Read an Arrow file without copying its columns; verify the bytes first."""
    return pa.ipc.open_file(data).read_all()


def _entry(row: dict[str, Any]) -> Entry:
    raw = row.get("_path")
    return Entry(
        row["name"],
        row["path"] if raw is None else os.fsdecode(raw),
        row["size"],
        row["mtime_ns"],
        (row["sha256"] or b"").hex(),
        row.get("_skipped") or "",
        bool(row.get("_passing")),
    )


def _is_unicode(path: str) -> bool:
    return path.isascii() or not any("\ud800" <= c <= "\udfff" for c in path)
