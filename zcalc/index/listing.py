"""Pictures listed in a table: CSV, TSV or Parquet with a column of paths."""

import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zcalc import sidecars
from zcalc.errors import ZcalcError
from zcalc.index.items import Item, resolve_file
from zcalc.pictures import printable

_PATH_COLUMNS = ("path", "file", "filename", "file_name", "filepath", "image", "image_path")


class Listing:
    """The pictures listed in one column of a CSV, TSV or Parquet file; the rest is metadata.

    The column is `column`, else the first called path, file, filename, image or the like. Paths are
    relative to the table's folder. Raises ZcalcError if the file or its column can't be read.
    """

    def __init__(self, file: Path, column: str | None = None) -> None:
        self.file, self._column = resolve_file(file), column
        self.roots = (str(self._common_folder()),)

    def __iter__(self) -> Iterator[Item]:
        table = self._table()
        path_column = self._path_column(table.column_names)
        others = [name for name in table.column_names if name != path_column]
        paths = [self._resolve(path) for path in _texts(table[path_column])]
        names = _names(paths)
        row = 0
        for batch in table.select(others).to_batches(max_chunksize=4096) if others else [None]:
            metadata = [{}] * len(paths) if batch is None else batch.to_pylist()
            for fields in metadata:
                yield _item(names[row], paths[row], fields, self.roots)
                row += 1

    def _table(self) -> Any:
        import pyarrow as pa
        from pyarrow import csv, parquet

        try:
            if self.file.suffix.lower() == ".parquet":
                return parquet.read_table(self.file)
            delimiter = "\t" if self.file.suffix.lower() == ".tsv" else ","
            return csv.read_csv(self.file, parse_options=csv.ParseOptions(delimiter=delimiter))
        except (OSError, pa.ArrowException) as error:
            hint = "It must be UTF-8 text with a header line, or a Parquet file."
            raise ZcalcError(f"Can't read {self.file}: {printable(str(error))}", hint) from error

    def _path_column(self, columns: Sequence[str]) -> str:
        if self._column:
            if self._column in columns:
                return self._column
            message = f"{self.file} has no column {self._column!r}"
        else:
            for name in _PATH_COLUMNS:
                for column in columns:
                    if column.lower() == name:
                        return column
            message = f"{self.file} has no column of paths"
        listed = printable(", ".join(columns))
        raise ZcalcError(f"{message}; its columns are {listed}.", "Choose one with --column.")

    def _resolve(self, path: str) -> Path | None:
        return Path(os.path.normpath(self.file.parent / path)) if path else None

    def _common_folder(self) -> Path:
        table = self._table()
        texts = _texts(table[self._path_column(table.column_names)])
        folders = {str(path.parent) for text in texts if (path := self._resolve(text))}
        return Path(os.path.commonpath(folders)).resolve() if folders else self.file.parent


def _item(
    name: str, path: Path | None, metadata: Mapping[str, Any], roots: tuple[str, ...]
) -> Item:
    if path is None:
        return Item(name, "", "", metadata=metadata, skipped="its path is empty")
    try:
        file = path.resolve(strict=True)
        status = file.stat()
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it can't be found"
        return Item(name, str(path), str(path), metadata=metadata, skipped=reason)
    if not stat.S_ISREG(status.st_mode):
        reason = "it is not a regular file"
        return Item(name, str(path), str(path), metadata=metadata, skipped=reason)
    return Item(
        name,
        str(file),
        str(file),
        status.st_size,
        status.st_mtime_ns,
        metadata=metadata,
        sidecar=sidecars.stamp(file),
        roots=roots,
    )


def _names(paths: Sequence[Path | None]) -> list[str]:
    """Names for paths: the stem if it is unique, else the whole path."""
    stems = [printable(path.stem) if path else "" for path in paths]
    counts = Counter(stems)
    return [
        stem if counts[stem] == 1 or path is None else printable(str(path))
        for stem, path in zip(stems, paths, strict=True)
    ]


def _texts(column: Any) -> list[str]:
    return [
        os.fsdecode(v) if isinstance(v, bytes) else str(v or "").strip() for v in column.to_pylist()
    ]
