"""Pictures that a table names: CSV, TSV or Parquet with a column of paths."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zcalc.errors import ZcalcError
from zcalc.gallery import printable
from zcalc.index.items import Item, existing

_PATHS = ("path", "file", "filename", "file_name", "filepath", "image", "image_path")


class Listing:
    """The pictures that a CSV, TSV or Parquet file names in one column; the others are metadata.

    The column is `column`, or the first called path, file, filename, image and so on. Paths are
    relative to the file's folder. Raises ZcalcError where the file or its column can't be read.
    """

    def __init__(self, file: Path, column: str | None = None) -> None:
        self.file, self._column = existing(file), column
        self.roots = (str(self._common_folder()),)

    def __iter__(self) -> Iterator[Item]:
        table = self._table()
        column = self._path_column(table.column_names)
        others = [name for name in table.column_names if name != column]
        places = [self._place(path) for path in _texts(table[column])]
        names = _names(places)
        row = 0
        for batch in table.select(others).to_batches(max_chunksize=4096) if others else [None]:
            count = len(places) if batch is None else len(batch)
            about = [{}] * count if batch is None else batch.to_pylist()
            for fields in about:
                yield _listed(names[row], places[row], fields)
                row += 1

    def _table(self) -> Any:
        import pyarrow as pa
        from pyarrow import csv, parquet

        try:
            if self.file.suffix.lower() == ".parquet":
                return parquet.read_table(self.file)
            mark = "\t" if self.file.suffix.lower() == ".tsv" else ","
            return csv.read_csv(self.file, parse_options=csv.ParseOptions(delimiter=mark))
        except (OSError, pa.ArrowException) as error:
            hint = "It must be a table with a line of column names, in UTF-8, or a Parquet file."
            raise ZcalcError(f"Can't read {self.file}: {printable(str(error))}", hint) from error

    def _path_column(self, names: Sequence[str]) -> str:
        wanted = [self._column] if self._column else _PATHS
        for name in wanted:
            for known in names:
                if known == name or (not self._column and known.lower() == name):
                    return known
        raise ZcalcError(
            f"{self.file} has no column of paths; it has {printable(', '.join(names))}.",
            "Name it with --column.",
        )

    def _place(self, path: str) -> Path | None:
        return Path(os.path.normpath(self.file.parent / path)) if path else None

    def _common_folder(self) -> Path:
        table = self._table()
        paths = _texts(table[self._path_column(table.column_names)])
        folders = {str(place.parent) for path in paths if (place := self._place(path))}
        return Path(os.path.commonpath(folders)).resolve() if folders else self.file.parent


def _listed(name: str, place: Path | None, metadata: Mapping[str, Any]) -> Item:
    if place is None:
        return Item(name, "", "", metadata=metadata, skipped="its path is empty")
    try:
        found = place.resolve(strict=True)
        about = found.stat()
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it can't be found"
        return Item(name, str(place), str(place), metadata=metadata, skipped=reason)
    if not stat.S_ISREG(about.st_mode):
        reason = "it is no regular file"
        return Item(name, str(place), str(place), metadata=metadata, skipped=reason)
    size, changed = about.st_size, about.st_mtime_ns
    return Item(name, str(found), str(found), size, changed, metadata=metadata)


def _names(places: Sequence[Path | None]) -> list[str]:
    """Names for paths: the file's without the ending, where only one has it, else the path."""
    stems = [printable(place.stem) if place else "" for place in places]
    often: dict[str, int] = {}
    for stem in stems:
        often[stem] = often.get(stem, 0) + 1
    return [
        stem if often[stem] == 1 or place is None else printable(str(place))
        for stem, place in zip(stems, places, strict=True)
    ]


def _texts(column: Any) -> list[str]:
    return [
        os.fsdecode(v) if isinstance(v, bytes) else str(v or "").strip() for v in column.to_pylist()
    ]
