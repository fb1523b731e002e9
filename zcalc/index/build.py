"""Building and updating an index; only new and changed pictures are encoded."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np

from zcalc.algebra import unit
from zcalc.errors import ZcalcError
from zcalc.index import layout
from zcalc.index.engine import Engine, Outcome, PictureEncoder, encode_locally
from zcalc.index.items import Item
from zcalc.index.journal import Journal, stamp
from zcalc.index.known import Known, out_of_reach
from zcalc.index.layout import Row
from zcalc.index.sources import Source
from zcalc.index.store import Index
from zcalc.index.table import Entry
from zcalc.index.writer import Writer
from zcalc.pictures import printable
from zcalc.progress import notice, track
from zcalc.sidecars import check_share, with_captions


@dataclass(frozen=True, slots=True)
class Skipped:
    """A picture that could not be read, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What an update changed, in numbers of pictures, and what it skipped.

    `moved` are contents found at a new path, `encoded` the pictures that went through the model,
    `captioned` those whose captions are part of their points.
    """

    added: int
    updated: int
    moved: int
    removed: int
    unchanged: int
    encoded: int
    captioned: int
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """How to encode, store and search; None keeps the setting of an existing index.

    `dtype` is "float32" or "float16", `memory` the search budget in bytes. `caption_share` of the
    captions goes into the points, `new_share` where that is None and there is no index yet.
    `caption_column` is the column or field of metadata that has captions, "" for none. Raises
    ZcalcError for a share that is not between 0 and 4.
    """

    engine: Engine = encode_locally
    dtype: str | None = None
    memory: int | None = None
    caption_share: float | None = None
    caption_column: str | None = None
    new_share: float = 0.0

    def __post_init__(self) -> None:
        """Check the share of captions."""
        check_share(self.new_share if self.caption_share is None else self.caption_share)

    def captions(self, old: Index | None) -> tuple[float, str]:
        """The share of captions and their column for the next generation of an index."""
        share, column = self.caption_share, self.caption_column
        if share is None:
            share = old.caption_share if old else self.new_share
        if column is None:
            column = old.manifest.caption_column if old else ""
        return float(share), column


def update(
    source: Source,
    encoder: PictureEncoder,
    folder: Path | None = None,
    settings: Settings = Settings(),
) -> tuple[Index, Report]:
    """Build the index of a source in a folder, or update it; without a folder, in memory.

    A file whose path, size and time are unchanged is not opened; otherwise its content decides.
    Unreadable pictures are skipped and reported. If interrupted, the next call resumes after the
    last finished batch. Raises ZcalcError if no picture can be read, no picture has the column of
    captions, or the folder can't be written. Pictures in folders that can't be looked into stay as
    they are.
    """
    with Writer(folder) if folder is not None else nullcontext() as writer:
        old = writer.base if writer else None
        old = old if old and old.model == encoder.identity else None
        share, column = settings.captions(old)
        items = {item.path: item for item in track(source, "Listing pictures")}
        items |= {item.path: item for item in out_of_reach(old, items, source.roots)}
        listed = items.values()
        if settings.caption_column:
            _check_column(settings.caption_column, listed)
        build = _Build([item.captioned(share, column) for item in listed], old)
        journal = Journal(folder, encoder.identity, encoder.dim)
        try:
            build.compare(journal)
            build.encode(encoder, journal, settings.engine)
            for remark in build.remarks(share):
                notice(remark)
            rows, skipped = build.rows(), build.skipped
            if not rows:
                raise _no_pictures(skipped)
            draft = layout.Draft(
                encoder, source.roots, rows, skipped, old, journal, settings.dtype, settings.memory,
                share, column,
            )  # fmt: skip
            index = draft.write(writer) if writer else draft.in_memory()
        finally:
            journal.close()
        return index, build.report()


class _Build:
    """Decides the fate of each item: an old row, a new row, or skipped."""

    def __init__(self, items: Sequence[Item], old: Index | None) -> None:
        self._items, self._known = items, Known(old)
        self._new_rows: dict[int, Row] = {}  # by item number
        self._reasons: dict[int, str] = {}  # of skipped items, by number
        self._pending: list[int] = []  # numbers of items to read
        self._origins: dict[bytes, int] = {}  # old rows by key
        self._unused: list[str] = []  # why captions aren't used
        self.counts = dict.fromkeys(("added", "updated", "moved", "unchanged", "encoded"), 0)

    def compare(self, journal: Journal) -> None:
        """Compare items with the old index and the journal, without opening files."""
        known = self._known
        for number, item in enumerate(self._items):
            row = known.unchanged(item)
            if item.skipped:
                self._reasons[number] = item.skipped
            elif row is not None:
                caption = known.captions[row].text
                self._new_rows[number] = Row(item, known.hashes[row], caption, row, unchanged=True)
            elif reason := known.skipped(item):
                self._reasons[number] = reason
            elif (journaled := journal.stamps.get(stamp(item))) is not None:
                self._new_rows[number] = Row(item, journal.key(journaled))
            else:
                self._pending.append(number)
        if len(self._new_rows) < len(self._items):
            self._origins = {key: row for row, key in enumerate(known.keys)}

    def encode(self, encoder: PictureEncoder, journal: Journal, engine: Engine) -> None:
        """Read the pending items and encode new contents, journaling every batch."""
        items = [self._items[number] for number in self._pending]
        batches = engine(items, encoder, _EncodedKeys(self._origins, journal))
        outcomes = self._journaled(batches, encoder, journal)
        for outcome in track(outcomes, "Encoding pictures", len(items), unit="pictures"):
            number = self._pending[outcome.number]
            if outcome.skipped:
                self._reasons[number] = outcome.skipped
            else:
                self._new_rows[number] = Row(self._items[number], outcome.sha256, outcome.caption)
            if outcome.unused:
                self._unused.append(f"{self._items[number].name}: {outcome.unused}")
        self._assign_vectors(journal)

    def _journaled(
        self, batches: Iterator[list[Outcome]], encoder: PictureEncoder, journal: Journal
    ) -> Iterator[Outcome]:
        """Add the captions' shares to new vectors, and journal them."""
        for batch in batches:
            new = [o for o in batch if o.vector is not None]
            if new:
                items = [self._items[self._pending[o.number]] for o in new]
                for item, outcome in zip(items, new, strict=True):
                    _check_finite(item.name, outcome.vector, encoder.identity)
                vectors = unit(np.stack([o.vector for o in new if o.vector is not None]))  # (n, d)
                share = max(item.share for item in items)  # equal for all with a caption
                vectors = with_captions(encoder, vectors, [o.caption for o in new], share)
                journal.add([o.key for o in new], [stamp(item) for item in items], vectors)
                self.counts["encoded"] += len(new)
            yield from batch

    def _assign_vectors(self, journal: Journal) -> None:
        """Find the vector of each row, distinguishing moved pictures from new ones."""
        known, removed = self._known, self._removed_rows()
        for number in sorted(self._new_rows):
            row = self._new_rows[number]
            old_row = known.row_of.get(row.item.path)
            if row.origin is None and old_row is not None and known.keys[old_row] == row.key:
                row.origin = old_row  # only its time changed
            if row.origin is not None:
                self.counts["unchanged"] += 1
            elif removed.get(row.key):
                row.origin = removed[row.key].pop(0)
                self.counts["moved"] += 1
            else:
                self.counts["added" if old_row is None else "updated"] += 1
                row.copied = self._origins.get(row.key)
                row.journaled = journal.contents.get(row.key)

    def _removed_rows(self) -> dict[bytes, list[int]]:
        """The old rows whose path no longer exists, by key."""
        removed: dict[bytes, list[int]] = {}
        if self._origins:
            paths = {item.path for item in self._items}
            for row, key in enumerate(self._known.keys):
                if self._known.paths[row] not in paths:
                    removed.setdefault(key, []).append(row)
        return removed

    def remarks(self, share: float) -> Iterator[str]:
        """What to tell about captions: those that aren't used, and the effect of a new share."""
        if self._unused:
            more = f" and {len(self._unused) - 1} more" if len(self._unused) > 1 else ""
            yield f"Captions not used: {self._unused[0]}{more}."
        known, changed = self._known, 0
        for row in self._new_rows.values() if known.share != share else ():
            old_row = known.row_of.get(row.item.path)
            same = old_row is not None and known.hashes[old_row] == row.sha256
            changed += bool(same and row.origin is None)
        if changed:
            pictures = f"{changed} picture{'s' * (changed > 1)} with captions"
            shares = f"from {known.share:g} to {share:g}"
            yield f"The share of captions changes {shares}: {pictures} encoded again."

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
        removed = len(self._known) - remaining
        captioned = sum(bool(row.caption) for row in self._new_rows.values())
        skipped = tuple(Skipped(e.path, e.skipped) for e in self.skipped)
        return Report(**self.counts, removed=removed, captioned=captioned, skipped=skipped)


class _EncodedKeys(Set[bytes]):
    """The keys that have a vector, in the old index or by now in the journal."""

    def __init__(self, old: Mapping[bytes, int], journal: Journal) -> None:
        self._old, self._new = old, journal.contents

    def __contains__(self, key: object) -> bool:
        return key in self._old or key in self._new

    def __iter__(self) -> Iterator[bytes]:
        return chain(self._old, self._new)

    def __len__(self) -> int:
        return len(self._old) + len(self._new)


def _check_column(column: str, items: Iterable[Item]) -> None:
    """Raise ZcalcError unless a picture has this field of metadata."""
    fields = dict.fromkeys(name for item in items for name in item.metadata)
    if column not in fields:
        message = f"No picture has a column or field {printable(column)!r}"
        listed = printable(", ".join(islice(fields, 20)))
        message += f"; there are {listed}." if fields else "; there are none."
        hint = "Choose one with --caption-column, or leave it out: text files are found anyway."
        raise ZcalcError(message, hint)


def _check_finite(name: str, vector: np.ndarray | None, model: str) -> None:
    """Raise ZcalcError for an embedding (d,) with NaN or infinity, which no index may have."""
    if vector is not None and not np.isfinite(vector).all():
        message = f"The embedding of {printable(name)} by {model} contains NaN or infinity."
        hint = "The model's weights are damaged, or it overflows. Download or build it again."
        raise ZcalcError(message, hint)


def _no_pictures(skipped: Sequence[Entry]) -> ZcalcError:
    hint = "Choose a folder with JPEG, PNG, WebP, GIF, BMP or TIFF files."
    if not skipped:
        return ZcalcError("There are no pictures to index.", hint)
    first = f"{skipped[0].name}: {skipped[0].skipped}"
    return ZcalcError(f"None of the {len(skipped)} pictures can be read; {first}.", hint)
