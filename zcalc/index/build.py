"""Building and updating an index; only new and changed pictures are encoded."""

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from zcalc.algebra import unit
from zcalc.errors import ZcalcError
from zcalc.index import layout
from zcalc.index.engine import Engine, Outcome, PictureEncoder, encode_locally
from zcalc.index.items import Item
from zcalc.index.journal import Journal, stamp
from zcalc.index.layout import Row
from zcalc.index.sources import Source
from zcalc.index.store import Index
from zcalc.index.table import Entry, hashes_of
from zcalc.index.writer import Writer
from zcalc.progress import track


@dataclass(frozen=True, slots=True)
class Skipped:
    """A picture that could not be read, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What an update changed, in numbers of pictures, and what it skipped.

    `moved` are contents found at a new path, `encoded` the pictures that went through the model.
    """

    added: int
    updated: int
    moved: int
    removed: int
    unchanged: int
    encoded: int
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """How to encode, store and search; None keeps the setting of an existing index.

    `dtype` is "float32" or "float16", `memory` the search budget in bytes.
    """

    engine: Engine = encode_locally
    dtype: str | None = None
    memory: int | None = None


def update(
    source: Source,
    encoder: PictureEncoder,
    folder: Path | None = None,
    settings: Settings = Settings(),
) -> tuple[Index, Report]:
    """Build the index of a source in a folder, or update it; without a folder, in memory.

    A file whose path, size and time are unchanged is not opened; otherwise its content decides.
    Unreadable pictures are skipped and reported. If interrupted, the next call resumes after the
    last finished batch. Raises ZcalcError if no picture can be read or the folder can't be written.
    """
    with Writer(folder) if folder is not None else nullcontext() as writer:
        old = writer.base if writer else None
        old = old if old and old.model == encoder.identity else None
        items = list({item.path: item for item in track(source, "Listing pictures")}.values())
        build = _Build(items, old)
        journal = Journal(folder, encoder.identity, encoder.dim)
        try:
            build.compare(journal)
            build.encode(encoder, journal, settings.engine)
            rows, skipped = build.rows(), build.skipped
            if not rows:
                raise _no_pictures(skipped)
            draft = layout.Draft(
                encoder, source.roots, rows, skipped, old, journal, settings.dtype, settings.memory
            )
            index = draft.write(writer) if writer else draft.in_memory()
        finally:
            journal.close()
        return index, build.report()


class _Build:
    """Decides the fate of each item: an old row, a new row, or skipped."""

    def __init__(self, items: Sequence[Item], old: Index | None) -> None:
        self._items, self._old = items, old
        self._new_rows: dict[int, Row] = {}  # by item number
        self._reasons: dict[int, str] = {}  # of skipped items, by number
        self._pending: list[int] = []  # numbers of items to read
        self._paths = old.paths if old else []
        self._old_rows = {path: row for row, path in enumerate(self._paths)}
        self._hashes = hashes_of(old.table) if old else []
        self._origins: dict[bytes, int] = {}
        self.counts = dict.fromkeys(("added", "updated", "moved", "unchanged", "encoded"), 0)

    def compare(self, journal: Journal) -> None:
        """Compare items with the old index and the journal, without opening files."""
        old = self._old
        sizes = old.table["size"].to_numpy() if old else np.empty(0)
        times = old.table["mtime_ns"].to_numpy() if old else np.empty(0)
        old_skipped = {entry.path: entry for entry in old.skipped} if old else {}
        for number, item in enumerate(self._items):
            row, bad = self._old_rows.get(item.path), old_skipped.get(item.path)
            if item.skipped:
                self._reasons[number] = item.skipped
            elif row is not None and (sizes[row], times[row]) == (item.size, item.mtime_ns):
                self._new_rows[number] = Row(item, self._hashes[row], row)
            elif bad and (bad.size, bad.mtime_ns) == (item.size, item.mtime_ns):
                self._reasons[number] = bad.skipped
            elif (journaled := journal.stamps.get(stamp(item))) is not None:
                self._new_rows[number] = Row(item, journal.sha256(journaled))
            else:
                self._pending.append(number)
        if old and len(self._new_rows) < len(self._items):
            self._origins = {content: row for row, content in enumerate(self._hashes)}

    def encode(self, encoder: PictureEncoder, journal: Journal, engine: Engine) -> None:
        """Read the pending items and encode new contents, journaling every batch."""
        items = [self._items[number] for number in self._pending]
        batches = engine(items, encoder, _EncodedContents(self._origins, journal))
        outcomes = self._journaled(batches, journal)
        for outcome in track(outcomes, "Encoding pictures", len(items), unit="pictures"):
            number = self._pending[outcome.number]
            if outcome.skipped:
                self._reasons[number] = outcome.skipped
            else:
                self._new_rows[number] = Row(self._items[number], outcome.sha256)
        self._assign_vectors(journal)

    def _journaled(self, batches: Iterator[list[Outcome]], journal: Journal) -> Iterator[Outcome]:
        for batch in batches:
            new = [o for o in batch if o.vector is not None]
            if new:
                vectors = unit(np.stack([o.vector for o in new if o.vector is not None]))  # (n, d)
                stamps = [stamp(self._items[self._pending[o.number]]) for o in new]
                journal.add([o.sha256 for o in new], stamps, vectors)
                self.counts["encoded"] += len(new)
            yield from batch

    def _assign_vectors(self, journal: Journal) -> None:
        """Find the vector of each row, distinguishing moved pictures from new ones."""
        removed = self._removed_rows()
        for number in sorted(self._new_rows):
            row = self._new_rows[number]
            old_row = self._old_rows.get(row.item.path)
            if row.origin is None and old_row is not None and self._hashes[old_row] == row.sha256:
                row.origin = old_row  # only its time changed
            if row.origin is not None:
                self.counts["unchanged"] += 1
            elif removed.get(row.sha256):
                row.origin = removed[row.sha256].pop(0)
                self.counts["moved"] += 1
            else:
                self.counts["added" if old_row is None else "updated"] += 1
                row.copied = self._origins.get(row.sha256)
                row.journaled = journal.contents.get(row.sha256)

    def _removed_rows(self) -> dict[bytes, list[int]]:
        """The old rows whose path no longer exists, by content."""
        removed: dict[bytes, list[int]] = {}
        if self._origins:
            paths = {item.path for item in self._items}
            for row, content in enumerate(self._hashes):
                if self._paths[row] not in paths:
                    removed.setdefault(content, []).append(row)
        return removed

    def rows(self) -> list[Row]:
        """The rows of the new index: old ones in their old order, then new ones."""
        rows = [self._new_rows[number] for number in sorted(self._new_rows)]
        old = sorted((r for r in rows if r.origin is not None), key=lambda r: r.origin or 0)
        return old + [r for r in rows if r.origin is None]

    @property
    def skipped(self) -> tuple[Entry, ...]:
        """The pictures that can't be read."""
        reasons = sorted(self._reasons.items())
        items = [(self._items[number], reason) for number, reason in reasons]
        return tuple(Entry(i.name, i.path, i.size, i.mtime_ns, "", reason) for i, reason in items)

    def report(self) -> Report:
        """Summarise the changes."""
        remaining = sum(self.counts[name] for name in ("updated", "moved", "unchanged"))
        removed = (len(self._old) if self._old else 0) - remaining
        skipped = tuple(Skipped(e.path, e.skipped) for e in self.skipped)
        return Report(**self.counts, removed=removed, skipped=skipped)


class _EncodedContents(Set[bytes]):
    """The hashes of contents that have a vector, in the old index or by now in the journal."""

    def __init__(self, old: Mapping[bytes, int], journal: Journal) -> None:
        self._old, self._new = old, journal.contents

    def __contains__(self, content: object) -> bool:
        return content in self._old or content in self._new

    def __iter__(self) -> Iterator[bytes]:
        return chain(self._old, self._new)

    def __len__(self) -> int:
        return len(self._old) + len(self._new)


def _no_pictures(skipped: Sequence[Entry]) -> ZcalcError:
    hint = "Choose a folder with JPEG, PNG, WebP, GIF, BMP or TIFF files."
    if not skipped:
        return ZcalcError("There are no pictures to index.", hint)
    first = f"{skipped[0].name}: {skipped[0].skipped}"
    return ZcalcError(f"None of the {len(skipped)} pictures can be read; {first}.", hint)
