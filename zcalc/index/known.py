"""What an existing index knows about its pictures, for deciding which of them have changed."""

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from zcalc.index.items import Item, vector_key
from zcalc.index.store import Index
from zcalc.index.table import Caption, hashes_of, numbers
from zcalc.progress import notice


class Known:
    """The rows of an existing index; without one there are none.

    `row_of` finds a row by path, `hashes`, `captions` and `keys` (see `vector_key`) are by row.
    """

    def __init__(self, index: Index | None) -> None:
        self.share = index.caption_share if index else 0.0
        self.paths: list[str] = index.paths if index else []
        self.hashes: list[bytes] = hashes_of(index.table) if index else []
        self.captions: list[Caption] = index.captions if index else []
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
        return entry.skipped if entry and same else ""


def out_of_reach(
    index: Index | None, listed: Collection[str], roots: Sequence[str]
) -> Iterator[Item]:
    """The items of old rows that are not listed now, and can't be looked at either.

    A folder without permission, or a disk that fails, says nothing about the pictures in it. A
    missing file does.
    """
    paths = index.paths if index else []
    missing = [row for row, path in enumerate(paths) if path not in listed]
    kept = 0
    for row in missing:
        path = paths[row]
        if index and _is_inside(path, roots) and _is_hidden(path):
            kept += 1
            caption, entry = index.captions[row], index.entry(row)
            fields = {n: v for n, v in index.metadata(row).items() if v is not None}
            fields.pop("caption", None)  # of the text file beside it
            yield Item(
                entry.name,
                path,
                path,
                entry.size,
                entry.mtime_ns,
                metadata=fields,
                caption=caption.text,
                sidecar=caption.sidecar,
                share=index.caption_share,
            )
    if kept:
        pictures = f"{kept:,} picture{'s' * (kept > 1)}"
        notice(f"{pictures} of the index can't be looked at now and stay as they are.")


def _is_inside(path: str, roots: Sequence[str]) -> bool:
    return any(Path(path).is_relative_to(root) for root in roots)


def _is_hidden(path: str) -> bool:
    """Whether nothing can be said about a file."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return False
