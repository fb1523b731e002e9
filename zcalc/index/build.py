"""Building an index, and bringing one up to date: only new and changed pictures are encoded."""

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from zcalc.algebra import unit
from zcalc.errors import ZcalcError
from zcalc.index import layout
from zcalc.index.engine import Engine, Outcome, PictureEncoder, encode_here
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
    """What an update changed, in numbers of pictures, and what it had to leave out.

    `moved` are known pictures at new paths, `encoded` those that the model has looked at.
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
    """How to build: the engine, and how vectors are stored and searched; None: as they were.

    `dtype` is "float32" or "float16", `memory` the bytes that searching may take.
    """

    engine: Engine = encode_here
    dtype: str | None = None
    memory: int | None = None


def update(
    source: Source,
    encoder: PictureEncoder,
    folder: Path | None = None,
    settings: Settings = Settings(),
) -> tuple[Index, Report]:
    """Index the pictures of a source in a folder, or bring the index there up to date.

    A file whose path, size and time are as they were is not opened; otherwise its content decides.
    A picture that can't be read is skipped and reported. What has been encoded stays when this is
    interrupted, and the next call goes on from there. Without a folder the index is in memory.
    Raises ZcalcError where no picture can be read, or the folder can't be written.
    """
    with Writer(folder) if folder is not None else nullcontext() as writer:
        old = writer.before if writer else None
        old = old if old and old.model == encoder.identity else None
        items = list({item.path: item for item in track(source, "Looking at files")}.values())
        build = _Build(items, old)
        journal = Journal(folder, encoder.identity, encoder.dim)
        try:
            build.look(journal)
            build.encode(encoder, journal, settings.engine)
            rows, skipped = build.rows(), build.skipped
            if not rows:
                raise _nothing(skipped)
            draft = layout.Draft(
                encoder, source.roots, rows, skipped, old, journal, settings.dtype, settings.memory
            )
            index = draft.write(writer) if writer else draft.kept()
        finally:
            journal.close()
        return index, build.report()


class _Build:
    """What becomes of each item: a row that was there, a new one, or a reason to skip it."""

    def __init__(self, items: Sequence[Item], old: Index | None) -> None:
        self._items, self._old = items, old
        self._found: dict[int, Row] = {}  # by the item's number
        self._skipped: dict[int, str] = {}
        self._work: list[int] = []
        self._paths = old.paths if old else []
        self._rows = {path: row for row, path in enumerate(self._paths)}
        self._hashes = hashes_of(old.table) if old else []
        self._origins: dict[bytes, int] = {}
        self.counts = dict.fromkeys(("added", "updated", "moved", "unchanged", "encoded"), 0)

    def look(self, journal: Journal) -> None:
        """Tell what is as it was from what must be read; no file is opened."""
        old = self._old
        sizes = old.table["size"].to_numpy() if old else np.empty(0)
        times = old.table["mtime_ns"].to_numpy() if old else np.empty(0)
        left_out = {entry.path: entry for entry in old.skipped} if old else {}
        for number, item in enumerate(self._items):
            row, bad = self._rows.get(item.path), left_out.get(item.path)
            if item.skipped:
                self._skipped[number] = item.skipped
            elif row is not None and (sizes[row], times[row]) == (item.size, item.mtime_ns):
                self._found[number] = Row(item, self._hashes[row], row)
            elif bad and (bad.size, bad.mtime_ns) == (item.size, item.mtime_ns):
                self._skipped[number] = bad.skipped
            elif (known := journal.stamps.get(stamp(item))) is not None:
                self._found[number] = Row(item, journal.sha256(known))
            else:
                self._work.append(number)
        if old and len(self._found) < len(self._items):
            self._origins = {content: row for row, content in enumerate(self._hashes)}

    def encode(self, encoder: PictureEncoder, journal: Journal, engine: Engine) -> None:
        """Read what must be read, and encode what is new; every batch is kept at once."""
        work = [self._items[number] for number in self._work]
        outcomes = self._journaled(engine(work, encoder, _Known(self._origins, journal)), journal)
        for outcome in track(outcomes, "Encoding pictures", len(work), unit="pictures"):
            number = self._work[outcome.number]
            if outcome.skipped:
                self._skipped[number] = outcome.skipped
            else:
                self._found[number] = Row(self._items[number], outcome.sha256)
        self._settle(journal)

    def _journaled(self, batches: Iterator[list[Outcome]], journal: Journal) -> Iterator[Outcome]:
        for batch in batches:
            new = [o for o in batch if o.vector is not None]
            if new:
                vectors = unit(np.stack([o.vector for o in new if o.vector is not None]))  # (n, d)
                stamps = [stamp(self._items[self._work[o.number]]) for o in new]
                journal.add([o.sha256 for o in new], stamps, vectors)
                self.counts["encoded"] += len(new)
            yield from batch

    def _settle(self, journal: Journal) -> None:
        """Find the vector of each row, and tell moved pictures from new ones."""
        gone = self._gone()
        for number in sorted(self._found):
            row = self._found[number]
            before = self._rows.get(row.item.path)
            if row.origin is None and before is not None and self._hashes[before] == row.sha256:
                row.origin = before  # only its time has changed
            if row.origin is not None:
                self.counts["unchanged"] += 1
            elif gone.get(row.sha256):
                row.origin = gone[row.sha256].pop(0)
                self.counts["moved"] += 1
            else:
                self.counts["added" if before is None else "updated"] += 1
                row.copied = self._origins.get(row.sha256)
                row.journaled = journal.contents.get(row.sha256)

    def _gone(self) -> dict[bytes, list[int]]:
        """The rows of which the path is no longer there, by content."""
        gone: dict[bytes, list[int]] = {}
        if self._origins:
            now = {item.path for item in self._items}
            for row, content in enumerate(self._hashes):
                if self._paths[row] not in now:
                    gone.setdefault(content, []).append(row)
        return gone

    def rows(self) -> list[Row]:
        """The rows of the new index: those that were there in their order, then the new ones."""
        found = [self._found[number] for number in sorted(self._found)]
        stay = sorted((r for r in found if r.origin is not None), key=lambda r: r.origin or 0)
        return stay + [r for r in found if r.origin is None]

    @property
    def skipped(self) -> tuple[Entry, ...]:
        """The pictures that can't be read."""
        found = ((self._items[number], self._skipped[number]) for number in sorted(self._skipped))
        return tuple(Entry(i.name, i.path, i.size, i.mtime_ns, "", reason) for i, reason in found)

    def report(self) -> Report:
        """What has changed."""
        kept = sum(self.counts[name] for name in ("updated", "moved", "unchanged"))
        removed = (len(self._old) if self._old else 0) - kept
        skipped = tuple(Skipped(e.path, e.skipped) for e in self.skipped)
        return Report(**self.counts, removed=removed, skipped=skipped)


class _Known(Set[bytes]):
    """The contents that have a vector by now."""

    def __init__(self, old: Mapping[bytes, int], journal: Journal) -> None:
        self._old, self._new = old, journal.contents

    def __contains__(self, content: object) -> bool:
        return content in self._old or content in self._new

    def __iter__(self) -> Iterator[bytes]:
        return chain(self._old, self._new)

    def __len__(self) -> int:
        return len(self._old) + len(self._new)


def _nothing(skipped: Sequence[Entry]) -> ZcalcError:
    if not skipped:
        return ZcalcError("There are no pictures to index.", "Name a folder that holds some.")
    first = f"{skipped[0].name}: {skipped[0].skipped}"
    return ZcalcError(
        f"None of the {len(skipped)} pictures can be read; {first}.",
        "Name a folder that holds JPEG, PNG, WebP, GIF, BMP or TIFF files.",
    )
