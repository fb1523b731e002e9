"""Embeddings in other programs' files: NumPy, Parquet, clip-retrieval's layout, FAISS.

Every reader gives the vectors, and a table with a row for each: at least a column of paths or ids.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from zcalc.errors import ZcalcError
from zcalc.index import table_files
from zcalc.index.columns import concatenate
from zcalc.pictures import printable

IDS = "id"
_VECTOR_COLUMNS = ("embedding", "image_embedding", "img_emb", "vector", "emb", "features", "clip")
_EXACT = ("IndexFlat", "IndexIVFFlat", "IndexHNSWFlat", "IndexRefineFlat", "IndexIDMap")
_BESIDE = (".parquet", ".csv", ".tsv", ".jsonl", ".txt", ".json")


@dataclass(frozen=True, slots=True)
class Embeddings:
    """Vectors (n, d) and a table with a row for each; `exact` unless they were compressed."""

    vectors: np.ndarray
    table: pa.Table
    exact: bool = True


def read(place: Path, ids: str | None = None, column: str | None = None) -> Embeddings:
    """Read embeddings from a file, or a folder in clip-retrieval's layout.

    `ids` is a file with an id, a path or a row of columns for each vector; `column` is that of the
    vectors in a Parquet file. Raises ZcalcError if the file can't be read, or the numbers differ.
    """
    if not place.exists():
        raise ZcalcError(f"There is no file {printable(str(place))}.", "Check the path.")
    try:
        if place.is_dir():
            return _from_folder(place)
        if place.suffix.lower() == ".npy":
            return Embeddings(_array(place), _ids(place, ids))
        if place.suffix.lower() == ".parquet":
            return _from_parquet(place, column)
        if place.suffix.lower() in (".faiss", ".index"):
            return _from_faiss(place, ids)
    except (OSError, EOFError, ValueError, pa.ArrowException) as error:
        said = getattr(error, "strerror", None) or str(error).splitlines()[0]
        reason = printable(said)
        raise ZcalcError(f"Can't read {place}: {reason}", "Export it again.") from error
    hint = "Give a .npy, .parquet, .faiss or .index file, or a folder with img_emb and metadata."
    raise ZcalcError(f"{place} is none of the files that hold embeddings.", hint)


def _array(file: Path) -> np.ndarray:
    """The vectors (n, d) in a NumPy file, mapped."""
    rows = np.load(file, mmap_mode="r", allow_pickle=False)
    if rows.ndim != 2 or not np.issubdtype(rows.dtype, np.floating):
        shape = "×".join(map(str, rows.shape))
        raise ValueError(f"it has {shape} values of type {rows.dtype}, not rows of numbers")
    return rows


def _ids(file: Path, ids: str | None) -> pa.Table:
    """The table of ids, from the file that was named or one beside with the same name."""
    if ids is not None:
        return _id_table(Path(ids))
    beside = [file.with_suffix(suffix) for suffix in _BESIDE]
    found = next((path for path in beside if path.is_file()), None)
    if found is None:
        hint = f"Name it with --ids: one path or id a line, or a table. {beside[0].name} would do."
        raise ZcalcError(f"{file.name} has no list of ids beside it.", hint)
    return _id_table(found)


def _id_table(file: Path) -> pa.Table:
    if file.suffix.lower() == ".parquet":
        from pyarrow import parquet

        return parquet.read_table(file)
    if table_files.is_table(file):
        return table_files.read(file)
    try:
        text = table_files.decode(file.read_bytes())
    except OSError as error:
        raise ZcalcError(f"Can't read {file}: {error.strerror}", "Check the path.") from error
    if file.suffix.lower() == ".json":
        import json

        return pa.table({IDS: [str(one) for one in json.loads(text)]})
    return pa.table({IDS: text.splitlines()})


def _from_parquet(file: Path, column: str | None) -> Embeddings:
    from pyarrow import parquet

    table = parquet.read_table(file)
    lists = [f.name for f in table.schema if _is_vector(f.type)]
    named = column or next((n for n in _VECTOR_COLUMNS if n in lists), None)
    named = named or (lists[0] if len(lists) == 1 else None)
    if named not in lists:
        listed = printable(", ".join(lists)) or "none"
        raise ZcalcError(
            f"{file} has no column {named!r} of vectors; those with lists of numbers: {listed}."
            if named
            else f"{file} has several columns of numbers or none: {listed}.",
            "Choose one with --vectors.",
        )
    vectors = _matrix(table[named])
    rest = table.drop_columns([named])
    return Embeddings(vectors, rest)


def _is_vector(dtype: pa.DataType) -> bool:
    is_list = pa.types.is_list(dtype) or pa.types.is_fixed_size_list(dtype)
    return (is_list or pa.types.is_large_list(dtype)) and pa.types.is_floating(dtype.value_type)


def _matrix(column: pa.ChunkedArray) -> np.ndarray:
    """A column of lists as rows (n, d)."""
    flat = [np.asarray(chunk.flatten()) for chunk in column.chunks]
    values = np.concatenate(flat) if flat else np.empty(0, np.float32)
    if not len(column) or column.null_count or len(values) % len(column):
        raise ValueError("its vectors are not all of one length")
    widths = {len(row) for chunk in column.chunks for row in chunk[:1]}
    if widths != {len(values) // len(column)}:
        raise ValueError("its vectors are not all of one length")
    return values.reshape(len(column), -1)


def _from_folder(folder: Path) -> Embeddings:
    """The layout of clip-retrieval: `img_emb/img_emb_0.npy` and `metadata/metadata_0.parquet`."""
    arrays = sorted((folder / "img_emb").glob("*.npy"), key=_number)
    if not arrays:
        hint = "It must have img_emb/*.npy and metadata/*.parquet, as clip-retrieval writes them."
        raise ZcalcError(f"{folder} has no embeddings.", hint)
    by_number = {_number(path): path for path in (folder / "metadata").glob("*.parquet")}
    vectors, tables = [], []
    for file in arrays:
        rows = _array(file)
        metadata = by_number.get(_number(file))
        if metadata is None:
            raise ZcalcError(f"{file} has no file of metadata.", f"Expected {_number(file)[1]}.")
        table = table_files.read(metadata)
        if len(table) != len(rows):
            raise ValueError(f"{file.name} has {len(rows):,} rows, {metadata.name} {len(table):,}")
        vectors.append(rows)
        tables.append(table)
    return Embeddings(np.concatenate(vectors), concatenate(tables))


def _number(path: Path) -> tuple[int, str]:
    """The number at the end of a file's name, by which the two kinds of files belong together."""
    match = re.search(r"(\d+)$", path.stem)
    return (int(match[1]), "") if match else (0, path.stem)


def _from_faiss(file: Path, ids: str | None) -> Embeddings:
    import faiss

    try:
        outer: Any = faiss.read_index(str(file))
    except RuntimeError as error:
        raise ValueError(f"not an index of FAISS ({str(error).split(':')[-1].strip()})") from error
    table, index = _ids(file, ids), outer
    numbers = None
    if hasattr(outer, "id_map"):  # which owns the index inside
        numbers = faiss.vector_to_array(outer.id_map)
        index = faiss.downcast_index(outer.index)
    if hasattr(index, "make_direct_map"):
        index.make_direct_map()
    vectors = index.reconstruct_n(0, index.ntotal)
    exact = type(index).__name__.startswith(_EXACT)
    if numbers is not None:
        if len(numbers) and (numbers.min() < 0 or numbers.max() >= len(table)):
            raise ValueError(f"its ids go up to {numbers.max():,}, the list has {len(table):,}")
        table = table.take(pa.array(numbers))
    return Embeddings(vectors, table, exact)


def batches(rows: np.ndarray, size: int = 65_536) -> Iterator[np.ndarray]:
    """Rows (n, d) in float32, a part (m, d) at a time."""
    for start in range(0, len(rows), size):
        yield np.asarray(rows[start : start + size], np.float32)


def columns_of(table: pa.Table, rows: Sequence[int]) -> list[dict[str, Any]]:
    """The columns of some rows, without nulls."""
    taken = table.take(pa.array(rows, pa.int64()))
    dicts = [row for batch in taken.to_batches() for row in batch.to_pylist()]
    return [{name: v for name, v in row.items() if v is not None} for row in dicts]
