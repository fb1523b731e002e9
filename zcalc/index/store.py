"""An index as it is opened: pictures and their vectors, one generation, never changed."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from zcalc.errors import ZcalcError
from zcalc.index import manifest as manifests
from zcalc.index import table as tables
from zcalc.index.manifest import CURRENT, PREVIOUS, Manifest, PartOf
from zcalc.index.table import Entry
from zcalc.index.vectors import EAGER, Damaged, Part, Vectors
from zcalc.storage import digest

if TYPE_CHECKING:
    from zcalc.index.structure import Structure

_FOR_MEANS = 131_072  # rows that a mean is taken of


class Index:
    """Pictures and their unit vectors by one model, row by row.

    `model` is the identity of the encoder, `dim` the length of a vector, `vectors` (n, d) all of
    them (see `Vectors`), `roots` the folders that the pictures are in, `skipped` the pictures that
    could not be read, `folder` where it was opened, `memory` the bytes that searching may take.
    Everything read from files is checked first: `ZcalcError` where it is not what was written.
    """

    def __init__(
        self,
        manifest: Manifest,
        vectors: Vectors,
        parts: "Sequence[TablePart]",
        skipped: "TablePart | None" = None,
        folder: Path | None = None,
    ) -> None:
        self.manifest, self.vectors, self.folder = manifest, vectors, folder
        self.model, self.dim, self.roots = manifest.model, manifest.dim, manifest.roots
        self.memory = manifest.memory
        self._tables, self._skipped = parts, skipped
        self._starts = list(accumulate((part.count for part in parts), initial=0))

    @classmethod
    def of(
        cls,
        model: str,
        vectors: np.ndarray,
        table: "pa.Table | Sequence[Entry]",
        roots: Iterable[str] = (),
        skipped: Sequence[Entry] = (),
    ) -> "Index":
        """An index in memory, of unit vectors (n, d) and a table or entries (n)."""
        if not isinstance(table, pa.Table):
            table = tables.table_of(table)
        n, dim = vectors.shape
        part = PartOf("0" * 64, n, "0" * 64, n)
        manifest = Manifest(model, dim, vectors.dtype.name, tuple(roots), (part,))
        left_out = TablePart.of(tables.table_of(skipped)) if skipped else None
        return cls(manifest, Vectors([vectors]), [TablePart.of(table)], left_out)

    @classmethod
    def open(cls, folder: Path, model: str | None = None, *, previous: bool = False) -> "Index":
        """Read an index; `model` is the identity of the encoder that is to search it.

        With `previous` the generation before the last. Raises ZcalcError for a folder that is no
        index, a damaged one, one that a newer zcalc wrote, and another model's.
        """
        folder = Path(folder)
        try:
            index = _opened(folder, PREVIOUS if previous else CURRENT)
        except Damaged as error:
            if not previous and _is_whole(folder, PREVIOUS):
                hint = "The generation before is whole. Go back to it: zcalc index restore "
                raise Damaged(folder, error.why, f"{hint}{folder}") from error
            raise
        if model not in (None, index.model):
            raise ZcalcError(
                f"The index {folder} was made with {index.model}, not with {model}.",
                "Choose that model, or build the index again with this one.",
            )
        return index

    def __len__(self) -> int:
        return len(self.vectors)

    def __repr__(self) -> str:
        return f"<index of {len(self)} pictures by {self.model}>"

    @cached_property
    def table(self) -> pa.Table:
        """One row for each picture: name, path, size, mtime_ns, sha256, and its metadata."""
        return tables.visible(tables.joined([part.table for part in self._tables]))

    def entry(self, row: int) -> Entry:
        """The picture of a row; only its part of the table is read."""
        part, inside = self._split(row)
        return tables.entry_of(self._tables[part].table, inside)

    def metadata(self, row: int) -> dict[str, Any]:
        """The metadata of a row, by column, without what is empty."""
        part, inside = self._split(row)
        table = self._tables[part].table
        found = {name: table[name][inside].as_py() for name in tables.metadata_of(table)}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def fields(self) -> list[str]:
        """The names of the columns of metadata."""
        return tables.metadata_of(self.table)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The pictures of all rows."""
        return tuple(e for part in self._tables for e in tables.entries_of(part.table))

    @cached_property
    def paths(self) -> list[str]:
        """The paths of all rows."""
        return [path for part in self._tables for path in tables.paths_of(part.table)]

    @property
    def named(self) -> "Mapping[str, Path]":
        """The pictures' files by name; nothing is read before one is asked for."""
        return _Named(self)

    @cached_property
    def skipped(self) -> tuple[Entry, ...]:
        """The pictures that could not be read, with the reason."""
        return tables.entries_of(self._skipped.table) if self._skipped else ()

    @cached_property
    def means(self) -> np.ndarray:
        """The mean picture (d,), of all rows or of 131,072 evenly among them."""
        step = max(1, len(self) // _FOR_MEANS)
        rows = np.arange(0, len(self), step)
        total = np.zeros(self.dim)
        for start in range(0, len(rows), 16_384):
            total += self.vectors.take(rows[start : start + 16_384]).sum(axis=0, dtype=np.float64)
        return total / max(1, len(rows))

    @cached_property
    def structure(self) -> "Structure":
        """What finds the nearest vectors; kept in the folder, and made again where it is not."""
        from zcalc.index.derived import structure_of

        return structure_of(self)

    def search(
        self, vectors: np.ndarray, k: int, *, within: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The `k` rows nearest to unit vectors (q, d): cosines (q, k) and rows (q, k), best first.

        One vector (d,) gives (k,) and (k,). `within` are the rows to look among. Where there are
        fewer than `k`, the rows that are lacking are -1.
        """
        queries = np.atleast_2d(np.asarray(vectors, np.float32))  # (q, d)
        scores, rows = self.structure.search(queries, k, within)
        return (scores[0], rows[0]) if np.ndim(vectors) == 1 else (scores, rows)

    def place(self, row: int) -> tuple[int, int]:
        """The part that a row is in, and its place among the part's vectors."""
        part, inside = self._split(row)
        live = self.vectors.live[part]
        return part, inside if live is None else int(live[inside])

    def _split(self, row: int) -> tuple[int, int]:
        part = bisect_right(self._starts, row) - 1
        return part, row - self._starts[part]

    def check(self) -> None:
        """Read everything and compare it with its hashes; raises ZcalcError for damage."""
        for part in (*self._tables, *([self._skipped] if self._skipped else [])):
            _ = part.table
        for _ in self.vectors.chunks():
            pass


class _Named(Mapping[str, Path]):
    """The files of an index by name, looked up in its table."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def __len__(self) -> int:
        return len(self._index)

    def __iter__(self) -> Iterator[str]:
        for chunk in self._index.table["name"].chunks:
            yield from chunk.to_pylist()

    def __getitem__(self, name: str) -> Path:
        import pyarrow.compute as pc

        row = -1 if _lacks_text(name) else pc.index(self._index.table["name"], name).as_py()
        if row < 0:
            raise KeyError(name)
        return Path(self._index.entry(row).path)


def _lacks_text(name: str) -> bool:
    return tables.shown(name) != name


class TablePart:
    """The table of one part; one in a file is mapped at once, and checked when it is first used."""

    def __init__(self, count: int, data: pa.Buffer | None, file: Path, sha256: str) -> None:
        self.count, self._data, self._file, self._sha256 = count, data, file, sha256

    @classmethod
    def of(cls, table: pa.Table) -> "TablePart":
        """A table that is in memory."""
        part = cls(len(table), None, Path(), "")
        part.__dict__["table"] = table
        return part

    @classmethod
    def map(cls, file: Path, sha256: str, count: int) -> "TablePart":
        """The table of a file; raises OSError where it can't be opened."""
        with pa.memory_map(str(file)) as opened:
            return cls(count, opened.read_buffer(), file, sha256)

    @cached_property
    def table(self) -> pa.Table:
        """The table, its bytes checked; raises ZcalcError where they have been changed."""
        if self._data is None or digest(self._data) != self._sha256:
            raise Damaged(self._file.parent, f"{self._file.name} has been changed")
        table = tables.from_buffer(self._data)
        if self.count not in (len(table), -1):
            raise Damaged(self._file.parent, f"{self._file.name} is another part's")
        return table


def _opened(folder: Path, name: str) -> Index:
    """Open a generation; one that is replaced meanwhile, and then swept, is read anew."""
    for attempt in range(10):
        manifest = manifests.read(folder, name)
        try:
            index = _mapped(folder, manifest)
            break
        except OSError as error:
            if attempt == 9 or manifests.read(folder, name) == manifest:
                raise Damaged(folder, f"its files can't be read ({error.strerror})") from error
    if sum(part.rows for part in manifest.parts) * manifest.dim * 4 <= EAGER:
        index.check()
    return index


def _mapped(folder: Path, manifest: Manifest) -> Index:
    dtype = np.dtype(manifest.dtype)
    parts, about, live = [], [], []
    for part in manifest.parts:
        file = folder / manifests.vectors_file(part.vectors)
        parts.append(Part(file, part.vectors, (part.rows, manifest.dim), dtype))
        file = folder / manifests.table_file(part.table)
        about.append(TablePart.map(file, part.table, part.count))
        used = tables.rows_in_use(about[-1].table) if part.count < part.rows else None
        live.append(used)
    left_out = folder / manifests.table_file(manifest.skipped)
    skipped = TablePart.map(left_out, manifest.skipped, -1) if manifest.skipped else None
    return Index(manifest, Vectors(parts, live), about, skipped, folder)


def _is_whole(folder: Path, name: str) -> bool:
    try:
        _opened(folder, name)
    except ZcalcError:
        return False
    return True
