"""What becomes of each picture that a build lists: it stays, is encoded, or is skipped."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain

import numpy as np

from zcalc.algebra import unit
from zcalc.errors import ZcalcError
from zcalc.index import written
from zcalc.index.at_stake import pictures
from zcalc.index.describe import describe
from zcalc.index.engine import Engine, Outcome, PictureEncoder
from zcalc.index.items import Item
from zcalc.index.journal import Journal, stamp
from zcalc.index.kept import Kept
from zcalc.index.known import Known
from zcalc.index.layout import Row
from zcalc.index.store import Index
from zcalc.index.table import Entry
from zcalc.pictures import printable
from zcalc.progress import track
from zcalc.sidecars import with_captions


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


class Changes:
    """Decides the fate of each item: an old row, a new row, or skipped."""

    def __init__(self, items: Sequence[Item], old: Index | None) -> None:
        self._items, self._known = items, Known(old)
        self._new_rows: dict[int, Row] = {}  # by item number
        self._reasons: dict[int, str] = {}  # of skipped items, by number
        self._pending: list[int] = []  # numbers of items to read
        self._origins: dict[bytes, int] = {}  # old rows by key
        self._passing: set[int] = set()  # those whose reason may pass
        self._unused: list[str] = []  # why captions aren't used
        self._unread: list[str] = []  # why pictures of the index can't be read now
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
                same = known.sources[row] == item.source
                self._new_rows[number] = Row(item, known.hashes[row], caption, row, unchanged=same)
            elif reason := known.skipped(item):
                self._reasons[number] = reason
            elif (journaled := journal.stamps.get(stamp(item))) is not None:
                self._new_rows[number] = Row(item, journal.key(journaled))
            else:
                self._pending.append(number)
        if len(self._new_rows) < len(self._items):
            self._origins = {key: row for row, key in enumerate(known.keys)}

    def encode(self, encoder: PictureEncoder, journal: Journal, kept: Kept, engine: Engine) -> None:
        """Read the pending items and encode new contents, journaling every batch."""
        items = [self._items[number] for number in self._pending]
        aside = kept.contents if items else {}
        batches = engine(items, encoder, _EncodedKeys(self._origins, journal, aside))
        outcomes = self._journaled(batches, encoder, journal)
        for outcome in track(outcomes, "Encoding pictures", len(items), unit="pictures"):
            number = self._pending[outcome.number]
            if outcome.skipped:
                self._skip(number, outcome)
            else:
                self._new_rows[number] = Row(
                    self._items[number], outcome.sha256, outcome.caption, written=outcome.written
                )
            if outcome.unused:
                self._unused.append(f"{self._items[number].name}: {outcome.unused}")
        self._assign_vectors(journal, aside)

    def _skip(self, number: int, outcome: Outcome) -> None:
        """Leave out a picture; for a reason that may pass, what the index has of it stays."""
        before = self._known.as_before(self._items[number]) if outcome.passing else None
        if before is None:
            self._reasons[number] = outcome.skipped
            self._passing.update([number] if outcome.passing else [])
            return
        row, item = before
        caption = self._known.captions[row].text
        self._new_rows[number] = Row(item, self._known.hashes[row], caption, row)
        self._unread.append(f"{item.name}: {outcome.skipped}")

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

    def _assign_vectors(self, journal: Journal, aside: Mapping[bytes, int]) -> None:
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
                if row.copied is None and row.journaled is None:
                    row.kept = aside.get(row.key)

    def describe(self, ocr: bool) -> None:
        """Read what cameras wrote into pictures, and with `ocr` the words in them, where needed."""
        known = self._known
        by_hash = {row.sha256: row.written for row in self._new_rows.values() if row.written}
        missing = []
        for row in self._new_rows.values():
            old_row = row.origin if row.origin is not None else row.copied
            if old_row is not None:
                row.computed = known.computed[old_row]
            if row.written is None:
                row.written = known.written[old_row] if old_row is not None else None
            if row.written is None:
                row.written = by_hash.get(row.sha256)
            if row.written is None or (ocr and "text" not in written.values(row.written)):
                missing.append(row)
        for row, fields in describe(missing, ocr):
            row.written = written.dump(fields)
            row.unchanged = False

    def keep_aside(self, kept: Kept) -> None:
        """Keep the vectors of contents that are taken out."""
        lost = len(self._known) - self._still_there + self.counts["updated"]
        if self._known.index is not None and lost:
            used = {row.key for row in self._new_rows.values()}
            kept.add_unused(self._known.index, self._known.keys, used)

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
        if self._unread:
            several, stay = (
                pictures(len(self._unread)),
                "stays" if len(self._unread) == 1 else "stay",
            )
            yield f"{several} can't be read now and {stay} as before; {self._unread[0]}."
        if self._unused:
            more = f" and {len(self._unused) - 1} more" if len(self._unused) > 1 else ""
            yield f"Captions not used: {self._unused[0]}{more}."
        known, changed = self._known, 0
        for row in self._new_rows.values() if known.share != share else ():
            old_row = known.row_of.get(row.item.path)
            same = old_row is not None and known.hashes[old_row] == row.sha256
            changed += bool(same and row.origin is None)
        if changed:
            shares = f"from {known.share:g} to {share:g}"
            several = f"{pictures(changed)} with captions"
            yield f"The share of captions changes {shares}: {several} encoded again."

    def rows(self) -> list[Row]:
        """The rows of the new index: old ones in their old order, then new ones."""
        rows = [self._new_rows[number] for number in sorted(self._new_rows)]
        old = sorted((r for r in rows if r.origin is not None), key=lambda r: r.origin or 0)
        return old + [r for r in rows if r.origin is None]

    @property
    def skipped(self) -> tuple[Entry, ...]:
        """The pictures that can't be read."""
        reasons = sorted(self._reasons.items())
        items = [(number, self._items[number], reason) for number, reason in reasons]
        return tuple(
            Entry(
                i.name,
                i.path,
                i.size,
                i.mtime_ns,
                "",
                reason,
                passing=n in self._passing or bool(i.skipped),
            )
            for n, i, reason in items
        )

    @property
    def _still_there(self) -> int:
        """How many pictures of the old index are in the new one."""
        return sum(self.counts[name] for name in ("updated", "moved", "unchanged"))

    def report(self) -> Report:
        """Summarise the changes."""
        removed = len(self._known) - self._still_there
        captioned = sum(bool(row.caption) for row in self._new_rows.values())
        skipped = tuple(Skipped(e.path, e.skipped) for e in self.skipped)
        return Report(**self.counts, removed=removed, captioned=captioned, skipped=skipped)


class _EncodedKeys(Set[bytes]):
    """The keys that have a vector: in the old index, kept aside, or by now in the journal."""

    def __init__(
        self, old: Mapping[bytes, int], journal: Journal, kept: Mapping[bytes, int]
    ) -> None:
        self._old, self._new, self._kept = old, journal.contents, kept

    def __contains__(self, key: object) -> bool:
        return key in self._old or key in self._new or key in self._kept

    def __iter__(self) -> Iterator[bytes]:
        return chain(self._old, self._new, self._kept)

    def __len__(self) -> int:
        return len(self._old) + len(self._new) + len(self._kept)


def _check_finite(name: str, vector: np.ndarray | None, model: str) -> None:
    """Raise ZcalcError for an embedding (d,) with NaN or infinity, which no index may have."""
    if vector is not None and not np.isfinite(vector).all():
        message = f"The embedding of {printable(name)} by {model} contains NaN or infinity."
        hint = "The model's weights are damaged, or it overflows. Download or build it again."
        raise ZcalcError(message, hint)
