"""What an existing index knows about its pictures, for deciding which of them have changed."""

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from zcalc.index.items import Item, vector_key
from zcalc.index.store import Index
from zcalc.index.table import Caption, hashes_of, numbers
from zcalc.pictures import split_path
from zcalc.progress import notice


class Known:
    """The rows of an existing index; without one there are none.

    `row_of` finds a row by path; `hashes`, `captions`, `sources`, `written`, `computed` and `keys`
    (see `vector_key`) are by row.
    """

    def __init__(self, index: Index | None) -> None:
        self.index = index
        self.share = index.caption_share if index else 0.0
        self.paths: list[str] = index.paths if index else []
        self.hashes: list[bytes] = hashes_of(index.table) if index else []
        self.captions: list[Caption] = index.captions if index else []
        self.sources: list[str] = index.sources if index else []
        self.written: list[str | None] = index.written if index else []
        self.computed: list[str] = index.computed if index else []
        self.keys = [
            vector_key(content, caption.text, self.share)
            for content, caption in zip(self.hashes, self.captions, strict=True)
        ]
        self.row_of = {path: row for row, path in enumerate(self.paths)}
        self._sizes = numbers(index.table["size"]) if index else np.empty(0)
        self._times = numbers(index.table["mtime_ns"]) if index else np.empty(0)
        self._skipped = {entry.path: entry for entry in index.skipped} if index else {}

    def __len__(self) -> int:
        return len(self.paths)

    def unchanged(self, item: Item) -> int | None:
        """The row of an item whose file, caption and share are unchanged; None if there is none."""
        row = self.row_of.get(item.path)
        if row is None or (self._sizes[row], self._times[row]) != (item.size, item.mtime_ns):
            return None
        caption = self.captions[row]
        same = caption.sidecar == item.sidecar and (item.sidecar or caption.text == item.caption)
        return row if same and (not caption.text or self.share == item.share) else None

    def skipped(self, item: Item) -> str:
        """Why an item could not be read, if it hasn't changed since; "" otherwise."""
        entry = self._skipped.get(item.path)
        same = entry and (entry.size, entry.mtime_ns) == (item.size, item.mtime_ns)
        return entry.skipped if entry and same and not entry.passing else ""

    def as_before(self, item: Item) -> tuple[int, Item] | None:
        """The row of an item, and the item with the size and time that the row was made from."""
        row = self.row_of.get(item.path)
        if row is None:
            return None
        caption = self.captions[row]
        return row, replace(
            item,
            size=int(self._sizes[row]),
            mtime_ns=int(self._times[row]),
            caption=caption.text,
            sidecar=caption.sidecar,
            share=self.share,
        )


def out_of_reach(
    index: Index | None, listed: Collection[str], roots: Sequence[str]
) -> Iterator[Item]:
    """The items of old rows that are not listed now, and can't be looked at either.

    A folder without permission, or a disk that fails, says nothing about the pictures in it. A
    missing file does.
    """
    if index is None:
        return
    inside = tuple(root.rstrip(os.sep) + os.sep for root in roots)
    gone: dict[str, bool] = {}  # whether a folder isn't there any more
    rows = [
        row
        for row, path in enumerate(index.paths)
        if path not in listed and path.startswith(inside) and _is_hidden(path, gone)
    ]
    yield from carried(index, rows)
    if rows:
        several, stay = f"{len(rows):,} pictures", "stay as they are"
        if len(rows) == 1:
            several, stay = "1 picture", "stays as it is"
        notice(f"{several} of the index can't be looked at now and {stay}.")


def of_other_sources(
    index: Index | None, listed: Collection[str], sources: Collection[str]
) -> Iterator[Item]:
    """The items of old rows that are not listed now and come from other sources than these."""
    if index is None:
        return
    rows = [
        row
        for row, (path, source) in enumerate(zip(index.paths, index.sources, strict=True))
        if path not in listed and source not in sources
    ]
    yield from carried(index, rows)


def carried(index: Index, rows: Sequence[int]) -> Iterator[Item]:
    """Items that stand for old rows as they are, without a look at their files."""
    if not rows:
        return
    computed = {column.name for column in index.manifest.columns}
    table, metadata = index.table.take(rows), [n for n in index.fields if n not in computed]
    fields_of = (row for batch in table.select(metadata).to_batches() for row in batch.to_pylist())
    if not metadata:
        fields_of = ({} for _ in rows)
    columns = table["name"].to_pylist(), table["size"].to_pylist(), table["mtime_ns"].to_pylist()
    for row, name, size, mtime_ns, fields in zip(rows, *columns, fields_of, strict=True):
        path, caption = index.paths[row], index.captions[row]
        known = {key: value for key, value in fields.items() if value is not None}
        if caption.sidecar:
            known.pop("caption", None)  # it comes from the text file beside the picture
        yield Item(
            name,
            path,
            path,
            size,
            mtime_ns,
            metadata=known,
            caption=caption.text,
            sidecar=caption.sidecar,
            share=index.caption_share,
            source=index.sources[row],
        )


def _is_hidden(path: str, gone: dict[str, bool]) -> bool:
    """Whether nothing can be said about a file; `gone` remembers folders."""
    folder = os.path.dirname(path)
    if folder not in gone:
        gone[folder] = _is_gone(folder)
    return not gone[folder] and _is_unknown(str(split_path(Path(path))[0]))


def _is_gone(path: str) -> bool:
    """Whether there is certainly nothing at a path."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _is_unknown(path: str) -> bool:
    """Whether it can't be told if there is anything at a path."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return False
