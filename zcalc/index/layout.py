"""Laying out a new generation in parts, so that unchanged vectors are not rewritten.

A part that loses rows keeps its vectors and gets a shorter table. A part is rewritten if more than
a third of its rows are dead; trailing parts that are small compared to what is added are merged.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from zcalc.index import table as tables
from zcalc.index import vectors, written
from zcalc.index.columns import to_unicode
from zcalc.index.items import Item, vector_key
from zcalc.index.journal import Journal
from zcalc.index.kept import Kept
from zcalc.index.manifest import ColumnInfo, Manifest, PartInfo, SourceInfo
from zcalc.index.store import Index
from zcalc.index.table import Caption, Entry, Hidden
from zcalc.index.writer import Writer


@dataclass(slots=True)
class Row:
    """A row of the new index: its item and caption, and the source of its vector.

    `origin` is its own row in the old index, `copied` an old row with the same key, `journaled` a
    row of the journal, `kept` one of those that were kept aside. `unchanged` says that
    file and caption are as the old index has them.
    """

    item: Item
    sha256: bytes
    caption: str = ""
    origin: int | None = None
    copied: int | None = None
    journaled: int | None = None
    kept: int | None = None
    written: str | None = None
    computed: str = ""
    unchanged: bool = False

    @property
    def key(self) -> bytes:
        """What its vector depends on."""
        return vector_key(self.sha256, self.caption, self.item.share)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The metadata: what cameras wrote, the source's, and the caption in a text file."""
        item = self.item
        fields = {k: v for k, v in written.values(self.written or "").items() if v != ""}
        beside = {"caption": self.caption} if item.sidecar and self.caption else {}
        computed = json.loads(self.computed) if self.computed else {}
        if not (fields or beside or computed):
            return item.metadata
        return {**fields, **computed, **item.metadata, **beside}


@dataclass(slots=True)
class _Group:
    """Rows that share a part: an old one, by number, or new ones."""

    part: int | None
    rows: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class Draft:
    """The next generation before it is written: its rows in order, and where vectors come from."""

    model: str
    dim: int
    roots: tuple[str, ...]
    rows: list[Row]
    skipped: tuple[Entry, ...]
    old: Index | None
    journal: Journal
    dtype: str | None = None
    memory: int | None = None
    caption_share: float = 0.0
    caption_column: str = ""
    sources: tuple[SourceInfo, ...] = ()
    kept: Kept | None = None
    exclude: tuple[str, ...] = ()
    ocr: bool = False
    columns: tuple[ColumnInfo, ...] = ()
    compact: bool = False  # whether to rewrite every part that has dead rows

    def in_memory(self) -> Index:
        """Create the index in memory."""
        rows, table = self._vectors(self.rows), self._table(self.rows)
        captions = {"caption_share": self.caption_share, "caption_column": self.caption_column}
        return Index.of(self.model, rows, table, self.roots, self.skipped, **captions)

    def write(self, writer: Writer) -> Index:
        """Write it as the current generation of a folder, unless it already is."""
        parts: list[PartInfo] = []
        for group in self._groups():
            if group.part is not None:
                parts.append(self._keep_part(writer, group))
                continue
            for start in range(0, len(group.rows), vectors.PART_ROWS):
                rows = group.rows[start : start + vectors.PART_ROWS]
                parts.append(writer.put(self._vectors(rows), self._table(rows)))
        skipped = writer.put_table(tables.table_of(self.skipped)) if self.skipped else ""
        old = self.old.manifest if self.old else None
        manifest = Manifest(
            self.model,
            self.dim,
            self._dtype.name,
            self.roots,
            tuple(parts),
            skipped,
            self.memory if self.memory is not None or not old else old.memory,
            caption_share=self.caption_share,
            caption_column=self.caption_column,
            sources=self.sources,
            exclude=self.exclude,
            ocr=self.ocr,
            columns=self.columns,
        )
        return writer.commit(manifest)

    @property
    def _dtype(self) -> np.dtype:
        return np.dtype(self.dtype or (self.old.manifest.dtype if self.old else "float32"))

    def _groups(self) -> list[_Group]:
        """The rows grouped by part, in order."""
        old_parts = self.old.manifest.parts if self.old else ()
        groups, new = [_Group(number) for number in range(len(old_parts))], _Group(None)
        for row in self.rows:
            if row.origin is None or self.old is None:
                new.rows.append(row)
            else:
                groups[self.old.locate(row.origin)[0]].rows.append(row)
        old_dtype = self.old.vectors.dtype if self.old else self._dtype
        for group, part in zip(groups, old_parts, strict=True):
            least = 3 if self.compact else 2
            if 3 * len(group.rows) < least * part.rows or self._dtype != old_dtype:
                group.part = None
        groups = [group for group in groups if group.rows]
        while new.rows and groups and _should_merge(groups[-1], new):
            new.rows = groups.pop().rows + new.rows
        return [*groups, *([new] if new.rows else [])]

    def _keep_part(self, writer: Writer, group: _Group) -> PartInfo:
        """Keep the vectors of an old part, with a table of the rows still in use."""
        assert self.old is not None and group.part is not None
        part = self.old.manifest.parts[group.part]
        if len(group.rows) == part.count and self._is_as_before(group.rows):
            return part
        table = self._table(group.rows)
        if len(group.rows) < part.rows:
            numbers = [self.old.locate(row.origin or 0)[1] for row in group.rows]
            table = table.append_column("_row", pa.array(numbers, pa.uint32()))
        return PartInfo(part.vectors, part.rows, writer.put_table(table), len(group.rows))

    def _is_as_before(self, rows: Sequence[Row]) -> bool:
        """Whether the rows of a whole part need no new table, which takes longest to build."""
        assert self.old is not None
        names = self.old.table["name"].slice(rows[0].origin, len(rows)).to_pylist()
        part, _ = self.old.locate(rows[0].origin or 0)
        return not self.old.listed_columns(part) and all(
            row.unchanged and not row.item.metadata and to_unicode(row.item.name) == name
            for row, name in zip(rows, names, strict=True)
        )

    def _table(self, rows: Sequence[Row]) -> pa.Table:
        metadata: list[Mapping[str, Any]] = [row.metadata for row in rows]
        captions = [Caption(row.caption, row.item.sidecar) for row in rows]
        entries = [_entry(row) for row in rows]
        hidden = Hidden(
            [row.item.source for row in rows],
            [row.written for row in rows],
            [row.computed for row in rows],
        )
        fields = metadata if any(metadata) else None
        return tables.table_of(entries, fields, captions, hidden)

    def _vectors(self, rows: Sequence[Row]) -> np.ndarray:
        """The vectors (n, d) of rows, from the old index or the journal."""
        out = np.empty((len(rows), self.dim), self._dtype)  # (n, d)
        old_rows = [row.copied if row.origin is None else row.origin for row in rows]
        reused = [i for i, old_row in enumerate(old_rows) if old_row is not None]
        new = [i for i, old_row in enumerate(old_rows) if old_row is None]
        if reused and self.old is not None:
            out[reused] = self.old.vectors.take([old_rows[i] for i in reused])
        if new:
            self._take_new(out, rows, new)
        return out

    def _take_new(self, out: np.ndarray, rows: Sequence[Row], new: Sequence[int]) -> None:
        """Fill in the vectors of new rows, encoded now or kept aside earlier."""
        encoded = [i for i in new if rows[i].kept is None]
        kept = [i for i in new if rows[i].kept is not None]
        if encoded:
            out[encoded] = self.journal.take(np.array([rows[i].journaled for i in encoded]))
        if kept and self.kept is not None:
            out[kept] = self.kept.take(np.array([rows[i].kept for i in kept]))


def _entry(row: Row) -> Entry:
    item = row.item
    return Entry(item.name, item.path, item.size, item.mtime_ns, row.sha256.hex())


def _should_merge(group: _Group, new: _Group) -> bool:
    """Whether a trailing part is small enough, compared to the new rows, to be merged with them."""
    size, added = len(group.rows), len(new.rows)
    return size + added <= vectors.PART_ROWS and (group.part is None or size <= 2 * added)
