"""The files of an index's pictures by name."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from zcalc.index.table import Entry


class Named(Protocol):
    """An index whose rows have names."""

    @property
    def table(self) -> pa.Table:
        """One row per picture."""
        ...

    def __len__(self) -> int: ...

    def row_named(self, name: str) -> int | None:
        """The row of the picture with this name; None if there is none."""
        ...

    def entry(self, row: int) -> Entry:
        """The entry of a row."""
        ...


class PathsByName(Mapping[str, Path]):
    """Picture files by name, looked up in the table of an index."""

    def __init__(self, index: Named) -> None:
        self._index = index

    def __len__(self) -> int:
        return len(self._index)

    def __iter__(self) -> Iterator[str]:
        for chunk in self._index.table["name"].chunks:
            yield from chunk.to_pylist()

    def __getitem__(self, name: str) -> Path:
        row = self._index.row_named(name)
        if row is None:
            raise KeyError(name)
        return Path(self._index.entry(row).path)
