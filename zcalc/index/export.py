"""Exporting an index, so that nobody is locked in, without loss.

An export is a Parquet file with a row for each picture: its columns and its vector; or a NumPy file
of the vectors with such a table beside it. Parquet's own metadata say what an index needs to be the
same again.
"""

import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa

from zcalc.errors import ZcalcError
from zcalc.index.at_stake import sources_of
from zcalc.index.columns import concatenate
from zcalc.index.store import Index

KEY = b"zcalc"  # of the file's own metadata
_VECTORS = "embedding"
_ROWS = 65_536  # that are written at a time


def export(index: Index, to: Path) -> list[Path]:
    """Write an index to a `.parquet` or `.npy` file; returns the files written.

    Raises ZcalcError for another suffix, and if the file can't be written.
    """
    if to.suffix.lower() not in (".parquet", ".npy"):
        raise ZcalcError(f"{to} must end in .parquet or .npy.", "Choose one of these.")
    table = _whole_table(index)
    about = {
        "model": index.model,
        "roots": index.roots,
        "sources": [asdict(source) for source in sources_of(index.manifest)],
        "caption_share": index.caption_share,
        "caption_column": index.manifest.caption_column,
        "columns": [asdict(column) for column in index.manifest.columns],
        "exclude": index.manifest.exclude,
        "ocr": index.manifest.ocr,
        "skipped": [asdict(entry) for entry in index.skipped],
    }
    try:
        if to.suffix.lower() == ".npy":
            beside = to.with_suffix(".parquet")
            _write_table(beside, table.replace_schema_metadata({KEY: json.dumps(about)}))
            _write_array(to, index)
            return [to, beside]
        _write_table(to, table.replace_schema_metadata({KEY: json.dumps(about)}), index)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ZcalcError(
            f"Can't write {to}: {reason}.", "Check its path and free space."
        ) from error
    return [to]


def _whole_table(index: Index) -> pa.Table:
    """All columns, the hidden ones too."""
    parts = [part.drop_columns(["_row"]) if "_row" in part.column_names else part
             for part in index.part_tables]  # fmt: skip
    return concatenate(parts)


def _write_table(to: Path, table: pa.Table, index: Index | None = None) -> None:
    """Write a Parquet file, with the vectors of an index as a column."""
    from pyarrow import parquet

    temporary = to.with_name(f".{to.name}.part")
    dtype = pa.from_numpy_dtype(index.vectors.dtype) if index else pa.float32()
    column = pa.field(_VECTORS, pa.list_(dtype, index.dim if index else 1))
    schema = table.schema.append(column) if index else table.schema
    try:
        with parquet.ParquetWriter(temporary, schema, compression="zstd") as writer:
            for start in range(0, len(table), _ROWS):
                group = table.slice(start, _ROWS)
                if index:
                    rows = index.vectors.take(np.arange(start, start + len(group)))  # (m, d)
                    flat = pa.array(rows.astype(index.vectors.dtype, copy=False).ravel())
                    lists = pa.FixedSizeListArray.from_arrays(flat, index.dim)
                    group = group.append_column(column, lists)
                writer.write_table(group)
        os.replace(temporary, to)
    finally:
        temporary.unlink(missing_ok=True)


def _write_array(to: Path, index: Index) -> None:
    shape = (len(index), index.dim)
    temporary = to.with_name(f".{to.name}.part")
    try:
        dtype = index.vectors.dtype
        out = np.lib.format.open_memmap(temporary, "w+", dtype, shape)
        for start in range(0, len(index), _ROWS):
            stop = min(start + _ROWS, len(index))
            out[start:stop] = index.vectors.take(np.arange(start, stop))
        out.flush()
        os.replace(temporary, to)
    finally:
        temporary.unlink(missing_ok=True)
