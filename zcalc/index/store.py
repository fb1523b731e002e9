"""An opened index: the pictures and vectors of one generation, immutable."""

import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from zcalc.compound import Spread
from zcalc.errors import ZcalcError
from zcalc.index import manifest as manifests
from zcalc.index import structure_cache, written
from zcalc.index import table as tables
from zcalc.index.columns import concatenate, to_unicode
from zcalc.index.errors import DamagedIndex
from zcalc.index.manifest import CURRENT, PREVIOUS, Manifest, PartInfo
from zcalc.index.paths import PathsByName
from zcalc.index.structure import Structure
from zcalc.index.table import Caption, Entry, TablePart
from zcalc.index.vectors import EAGER_BYTES, Part, Vectors
from zcalc.pictures import spellings

_MEAN_SAMPLE = 131_072  # rows that mean and spread are taken over, at least


class Index:
    """Pictures and their unit vectors by one model; a row number identifies a picture.

    `model` is the identity of the encoder, `dim` the vector length, `vectors` (n, d) a `Vectors`,
    `roots` the folders of the pictures, `folder` where it was opened, `memory` the search budget in
    bytes, `caption_share` how much of the captions is in the vectors. Data from files is verified
    before use; ZcalcError if it was modified.
    """

    def __init__(
        self,
        manifest: Manifest,
        vectors: Vectors,
        parts: Sequence[TablePart],
        skipped: TablePart | None = None,
        folder: Path | None = None,
    ) -> None:
        self.manifest, self.vectors, self.folder = manifest, vectors, folder
        self.model, self.dim, self.roots = manifest.model, manifest.dim, manifest.roots
        self.memory, self.caption_share = manifest.memory, manifest.caption_share
        self.table_parts, self._skipped = parts, skipped
        self._starts = list(accumulate((part.count for part in parts), initial=0))

    @classmethod
    def of(
        cls,
        model: str,
        vectors: np.ndarray,
        table: pa.Table | Sequence[Entry],
        roots: Iterable[str] = (),
        skipped: Sequence[Entry] = (),
        **settings: Any,
    ) -> "Index":
        """Create an index in memory from unit vectors (n, d) and a table or entries (n).

        `settings` are further fields of its manifest.
        """
        if not isinstance(table, pa.Table):
            table = tables.table_of(table)
        n, dim = vectors.shape
        part = PartInfo("0" * 64, n, "0" * 64, n)
        manifest = Manifest(model, dim, vectors.dtype.name, tuple(roots), (part,), **settings)
        skipped_part = TablePart.of(tables.table_of(skipped)) if skipped else None
        return cls(manifest, Vectors([vectors]), [TablePart.of(table)], skipped_part)

    @classmethod
    def open(cls, folder: Path, model: str | None = None, *, previous: bool = False) -> "Index":
        """Open an index, optionally requiring the encoder identity `model`.

        With `previous`, open the previous generation. Raises ZcalcError if the folder is not an
        index, is damaged, was written by a newer zcalc, or belongs to another model.
        """
        folder = Path(folder)
        try:
            index = _open(folder, PREVIOUS if previous else CURRENT)
        except DamagedIndex as error:
            if not previous and _is_intact(folder, PREVIOUS):
                hint = (
                    f"The previous generation is intact. Restore it: zcalc index restore {folder}"
                )
                raise DamagedIndex(folder, error.reason, hint) from error
            raise
        if model is not None:
            index.require_model(model)
        return index

    def require_model(self, identity: str) -> None:
        """Raise ZcalcError unless the index was built with the encoder of this identity."""
        if identity != self.model:
            raise ZcalcError(
                f"The index {self.folder} was built with {self.model}, not with {identity}.",
                "Use that model, or rebuild the index with this one.",
            )

    def __len__(self) -> int:
        return len(self.vectors)

    def __repr__(self) -> str:
        return f"<index of {len(self)} pictures by {self.model}>"

    @cached_property
    def table(self) -> pa.Table:
        """One row per picture: name, path, size, mtime_ns, sha256, and its metadata."""
        return tables.drop_hidden(concatenate([part.table for part in self.table_parts]))

    def entry(self, row: int) -> Entry:
        """The entry of a row; reads only its part of the table."""
        part, offset = self._split(row)
        return tables.entry_of(self.table_parts[part].table, offset)

    def metadata(self, row: int) -> dict[str, Any]:
        """The metadata of a row, by column, without nulls."""
        part, offset = self._split(row)
        table = self.table_parts[part].table
        values = {name: table[name][offset].as_py() for name in tables.metadata_columns(table)}
        return {name: value for name, value in values.items() if value is not None}

    def caption(self, row: int) -> str | None:
        """The caption that went into a row's vector; None if there is none."""
        part, offset = self._split(row)
        table = self.table_parts[part].table
        return table["_caption"][offset].as_py() if "_caption" in table.column_names else None

    def row_named(self, name: str) -> int | None:
        """The row of the picture with this name; None if there is none."""
        import pyarrow.compute as pc

        if to_unicode(name) != name:
            return None
        rows = (pc.index(self.table["name"], spelling).as_py() for spelling in spellings(name))
        return next((row for row in rows if row >= 0), None)

    @cached_property
    def captions(self) -> list[Caption]:
        """The captions of all rows."""
        return [c for part in self.table_parts for c in tables.captions_of(part.table)]

    @property
    def fields(self) -> list[str]:
        """The names of the metadata columns."""
        return tables.metadata_columns(self.table)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The entries of all rows."""
        return tuple(e for part in self.table_parts for e in tables.entries_of(part.table))

    @cached_property
    def paths(self) -> list[str]:
        """The paths of all rows."""
        return [path for part in self.table_parts for path in tables.paths_of(part.table)]

    @cached_property
    def sources(self) -> list[str]:
        """The source of each row: a folder, tar shard or table that the manifest lists.

        In an index of an older zcalc it is the folder, of those in `roots`, that has the picture.
        """
        listed = [source for part in self.table_parts for source in tables.sources_of(part.table)]
        if self.manifest.sources:
            return listed
        folders = [(root, root.rstrip(os.sep) + os.sep) for root in self.roots]
        return [
            next((root for root, prefix in folders if path.startswith(prefix)), "")
            for path in self.paths
        ]

    @property
    def part_tables(self) -> list[pa.Table]:
        """The tables of the parts, with their hidden columns."""
        return [part.table for part in self.table_parts]

    @cached_property
    def computed(self) -> list[str]:
        """What zcalc computed for the picture of each row, as JSON; "" for nothing."""
        return [text for part in self.table_parts for text in tables.computed_of(part.table)]

    @cached_property
    def written(self) -> list[str | None]:
        """What cameras wrote into the picture of each row; None where that was never read."""
        return [text for part in self.table_parts for text in tables.written_of(part.table)]

    @property
    def paths_by_name(self) -> Mapping[str, Path]:
        """The picture files by name, looked up lazily."""
        return PathsByName(self)

    @cached_property
    def skipped(self) -> tuple[Entry, ...]:
        """The pictures that could not be read, with the reason."""
        return tables.entries_of(self._skipped.table) if self._skipped else ()

    @cached_property
    def mean(self) -> np.ndarray:
        """The mean vector (d,) of all rows or, in a large index, of an evenly spaced sample."""
        total, rows = np.zeros(self.dim), 0
        for chunk in self._sampled():
            total += chunk.sum(axis=0, dtype=np.float64)
            rows += len(chunk)
        return total / max(1, rows)

    @cached_property
    def spread(self) -> Spread:
        """Mean and covariance of all rows or, in a large index, of an evenly spaced sample."""
        return Spread.of(self._sampled())

    def _sampled(self) -> Iterator[np.ndarray]:
        """Vectors in chunks (m, d): all or, in a large index, evenly spaced ones."""
        rows = np.arange(0, len(self), max(1, len(self) // _MEAN_SAMPLE))
        for start in range(0, len(rows), 16_384):
            yield self.vectors.take(rows[start : start + 16_384])

    @cached_property
    def structure(self) -> Structure:
        """The search structure, cached in the folder and rebuilt if missing."""
        return structure_cache.load_or_build(self.manifest, self.vectors, self.folder, self.memory)

    def search(
        self, vectors: np.ndarray, k: int, *, within: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the `k` rows nearest to unit vectors (q, d).

        Returns cosines (q, k) and rows (q, k), best first, padded with rows of -1; (k,) and (k,)
        for a single vector (d,). `within` restricts the search to some rows.
        """
        queries = np.atleast_2d(np.asarray(vectors, np.float32))  # (q, d)
        scores, rows = self.structure.search(queries, k, within)
        return (scores[0], rows[0]) if np.ndim(vectors) == 1 else (scores, rows)

    def listed_columns(self, part: int) -> set[str]:
        """The columns of metadata of a part that come from its sources, not from the pictures."""
        table = self.table_parts[part].table
        columns = set(tables.metadata_columns(table)) - {"caption"}
        columns -= {column.name for column in self.manifest.columns}
        return columns if "_read" not in table.column_names else columns - set(written.COLUMNS)

    def locate(self, row: int) -> tuple[int, int]:
        """The part of a row, and its number among the part's stored vectors."""
        part, offset = self._split(row)
        live = self.vectors.live[part]
        return part, offset if live is None else int(live[offset])

    def _split(self, row: int) -> tuple[int, int]:
        part = bisect_right(self._starts, row) - 1
        return part, row - self._starts[part]

    def check(self) -> None:
        """Verify every file against its hash; raises DamagedIndex on a mismatch."""
        for part in (*self.table_parts, *([self._skipped] if self._skipped else [])):
            _ = part.table
        for _ in self.vectors.chunks():
            pass


def _open(folder: Path, name: str) -> Index:
    """Open a generation; retries if it is replaced and swept in the meantime."""
    for attempt in range(10):
        manifest = manifests.read(folder, name)
        try:
            index = _map(folder, manifest)
            break
        except OSError as error:
            if attempt == 9 or manifests.read(folder, name) == manifest:
                raise DamagedIndex(folder, f"can't read its files ({error.strerror})") from error
    if sum(part.rows for part in manifest.parts) * manifest.dim * 4 <= EAGER_BYTES:
        index.check()
    return index


def _map(folder: Path, manifest: Manifest) -> Index:
    """Memory-map the files of a generation."""
    dtype = np.dtype(manifest.dtype)
    parts, part_tables, live = [], [], []
    for part in manifest.parts:
        file = folder / manifests.vectors_file(part.vectors)
        parts.append(Part(file, part.vectors, (part.rows, manifest.dim), dtype))
        file = folder / manifests.table_file(part.table)
        part_tables.append(TablePart.map(file, part.table, part.count))
        is_partial = part.count < part.rows
        live.append(tables.live_rows(part_tables[-1].table) if is_partial else None)
    file = folder / manifests.table_file(manifest.skipped)
    skipped = TablePart.map(file, manifest.skipped, -1) if manifest.skipped else None
    return Index(manifest, Vectors(parts, live), part_tables, skipped, folder)


def _is_intact(folder: Path, name: str) -> bool:
    try:
        _open(folder, name)
    except ZcalcError:
        return False
    return True
