"""Pictures listed in a table: CSV, TSV, JSON lines or Parquet with a column of paths."""

import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zcalc import sidecars
from zcalc.errors import ZcalcError
from zcalc.index import table_files
from zcalc.index.items import Item, resolve_file
from zcalc.index.manifest import SourceInfo
from zcalc.pictures import find_file, printable, why_missing

_PATH_COLUMNS = ("path", "file", "filename", "file_name", "filepath", "image", "image_path")


class Listing:
    """The pictures listed in one column of a table; the rest is metadata.

    The column is `column`, else the first called path, file, filename, image or the like. Paths are
    relative to the table's folder. A picture in several rows has lists of what differs. Raises
    ZcalcError if the file or its column can't be read.
    """

    def __init__(self, file: Path, column: str | None = None) -> None:
        self.file, self._column = resolve_file(file), column
        self.roots = (str(self._common_folder()),)
        self.infos = (SourceInfo(str(self.file), self.roots[0], column or ""),)

    def __iter__(self) -> Iterator[Item]:
        table = self._table()
        path_column = self._path_column(table.column_names)
        others = [name for name in table.column_names if name != path_column]
        rows: dict[str, list[int]] = {}  # of each path, in order
        for row, text in enumerate(_texts(table[path_column])):
            rows.setdefault(text, []).append(row)
        paths = [self._resolve(text) for text in rows]
        columns = {name: _gathered(table[name].to_pylist(), rows.values()) for name in others}
        for number, (name, path) in enumerate(zip(names_of(paths), paths, strict=True)):
            fields = {column: values[number] for column, values in columns.items()}
            yield listed_item(name, path, fields, self.roots, str(self.file))

    def _table(self) -> Any:
        return table_files.read(self.file)

    def _path_column(self, columns: Sequence[str]) -> str:
        return path_column(self.file, columns, self._column)

    def _resolve(self, path: str) -> Path | None:
        return Path(os.path.normpath(self.file.parent / path)) if path else None

    def _common_folder(self) -> Path:
        table = self._table()
        texts = _texts(table[self._path_column(table.column_names)])
        folders = {str(path.parent) for text in texts if (path := self._resolve(text))}
        return Path(os.path.commonpath(folders)).resolve() if folders else self.file.parent


def path_column(
    file: Path, columns: Sequence[str], chosen: str | None = None, other: str = ""
) -> str:
    """The column of paths in a file: the chosen one, else the first with such a name, or `other`.

    Raises ZcalcError, with the columns that there are, if there is none.
    """
    if chosen:
        if chosen in columns:
            return chosen
        message = f"{file} has no column {chosen!r}"
    else:
        for name in (*_PATH_COLUMNS, *([other] if other else [])):
            for column in columns:
                if column.lower() == name:
                    return column
        message = f"{file} has no column of paths"
    listed = printable(", ".join(columns))
    raise ZcalcError(f"{message}; its columns are {listed}.", "Choose one with --column.")


def listed_item(
    name: str,
    path: Path | None,
    metadata: Mapping[str, Any],
    roots: tuple[str, ...],
    source: str,
) -> Item:
    """The item of a path in a list; None for an empty one."""
    if path is None:
        return Item(name, "", "", metadata=metadata, skipped="its path is empty", source=source)
    try:
        file = find_file(path).resolve(strict=True)
        status = file.stat()
    except (OSError, RuntimeError, ValueError) as error:
        reason = why_missing(path) or getattr(error, "strerror", None) or "it can't be found"
        return Item(name, str(path), str(path), metadata=metadata, skipped=reason, source=source)
    if not stat.S_ISREG(status.st_mode):
        reason = "it is not a regular file"
        return Item(name, str(path), str(path), metadata=metadata, skipped=reason, source=source)
    return Item(
        name,
        str(file),
        str(file),
        status.st_size,
        status.st_mtime_ns,
        metadata=metadata,
        sidecar=sidecars.stamp(file),
        roots=roots,
        source=source,
    )


def _gathered(values: Sequence[Any], groups: Iterable[Sequence[int]]) -> list[Any]:
    """A column's values for each picture: one, or lists if any picture has several."""
    gathered: list[list[Any]] = []
    for rows in groups:
        present = [values[row] for row in rows if values[row] is not None]
        distinct = [v for i, v in enumerate(present) if v not in present[:i]]
        gathered.append(present if len(distinct) > 1 else distinct)
    if any(len(found) > 1 for found in gathered):
        return [found or None for found in gathered]
    return [found[0] if found else None for found in gathered]


def names_of(paths: Sequence[Path | None]) -> list[str]:
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
