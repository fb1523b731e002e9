"""How the rows of a new generation are laid out in parts, so that what stays is not written again.

A part that loses rows keeps its vectors and gets a shorter table. One of which more than a third is
dead is written anew; and so are the last parts when they are small beside what is added.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from zcalc.index import table as tables
from zcalc.index import vectors
from zcalc.index.engine import PictureEncoder
from zcalc.index.items import Item
from zcalc.index.journal import Journal
from zcalc.index.manifest import Manifest, PartOf
from zcalc.index.store import Index
from zcalc.index.table import Entry
from zcalc.index.writer import Writer


@dataclass(slots=True)
class Row:
    """A row of the new index: its item, and where its vector is.

    `origin` is the row that it was, `copied` another row of the same content, `journaled` a row of
    the journal.
    """

    item: Item
    sha256: bytes
    origin: int | None = None
    copied: int | None = None
    journaled: int | None = None


@dataclass(slots=True)
class _Group:
    """Rows that go into a part: an old one's (its number), or new ones."""

    part: int | None
    rows: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class Draft:
    """A generation that is to be: its rows, in order, and where their vectors come from."""

    encoder: PictureEncoder
    roots: tuple[str, ...]
    rows: list[Row]
    skipped: tuple[Entry, ...]
    old: Index | None
    journal: Journal
    dtype: str | None = None
    memory: int | None = None

    def kept(self) -> Index:
        """The generation in memory only."""
        rows, table = self._vectors(self.rows), self._table(self.rows)
        return Index.of(self.encoder.identity, rows, table, self.roots, self.skipped)

    def write(self, writer: Writer) -> Index:
        """Make it the current generation of a folder, unless it is already."""
        parts: list[PartOf] = []
        for group in self._groups():
            if group.part is not None:
                parts.append(self._shorter(writer, group))
                continue
            for start in range(0, len(group.rows), vectors.PART):
                rows = group.rows[start : start + vectors.PART]
                parts.append(writer.put(self._vectors(rows), self._table(rows)))
        skipped = writer.put_table(tables.table_of(self.skipped)) if self.skipped else ""
        old = self.old.manifest if self.old else None
        manifest = Manifest(
            self.encoder.identity,
            self.encoder.dim,
            self._kind.name,
            self.roots,
            tuple(parts),
            skipped,
            self.memory if self.memory is not None or not old else old.memory,
        )
        return writer.commit(manifest)

    @property
    def _kind(self) -> np.dtype:
        return np.dtype(self.dtype or (self.old.manifest.dtype if self.old else "float32"))

    def _groups(self) -> list[_Group]:
        """The rows by the parts that they go into, in order."""
        old = self.old.manifest.parts if self.old else ()
        groups, new = [_Group(number) for number in range(len(old))], _Group(None)
        for row in self.rows:
            if row.origin is None or self.old is None:
                new.rows.append(row)
            else:
                groups[self.old.place(row.origin)[0]].rows.append(row)
        stored = self.old.vectors.dtype if self.old else self._kind
        for group, part in zip(groups, old, strict=True):
            if 3 * len(group.rows) < 2 * part.rows or self._kind != stored:
                group.part = None
        groups = [group for group in groups if group.rows]
        while new.rows and groups and _is_small(groups[-1], new):
            new.rows = groups.pop().rows + new.rows
        return [*groups, *([new] if new.rows else [])]

    def _shorter(self, writer: Writer, group: _Group) -> PartOf:
        """A part that stays, with the table of the rows that are still in use."""
        assert self.old is not None and group.part is not None
        part, table = self.old.manifest.parts[group.part], self._table(group.rows)
        if len(group.rows) < part.rows:
            places = [self.old.place(row.origin or 0)[1] for row in group.rows]
            table = table.append_column("_row", pa.array(places, pa.uint32()))
        return PartOf(part.vectors, part.rows, writer.put_table(table), len(group.rows))

    def _table(self, rows: Sequence[Row]) -> pa.Table:
        entries = [self._entry(row) for row in rows]
        about: list[Mapping[str, Any]] = [row.item.metadata for row in rows]
        return tables.table_of(entries, about if any(about) else None)

    def _entry(self, row: Row) -> Entry:
        item, content = row.item, row.sha256.hex()
        return Entry(item.name, item.path, item.size, item.mtime_ns, content)

    def _vectors(self, rows: Sequence[Row]) -> np.ndarray:
        """The vectors (n, d) of rows, from the index that was or from the journal."""
        found = np.empty((len(rows), self.encoder.dim), self._kind)  # (n, d)
        before = [row.copied if row.origin is None else row.origin for row in rows]
        kept = [i for i, at in enumerate(before) if at is not None]
        fresh = [i for i, at in enumerate(before) if at is None]
        if kept and self.old is not None:
            found[kept] = self.old.vectors.take([before[i] for i in kept])
        if fresh:
            found[fresh] = self.journal.take(np.array([rows[i].journaled for i in fresh]))
        return found


def _is_small(group: _Group, new: _Group) -> bool:
    """Whether a part is small enough beside what comes after it to be written anew with it."""
    size, more = len(group.rows), len(new.rows)
    return size + more <= vectors.PART and (group.part is None or size <= 2 * more)
