"""What an existing index knows about its pictures, for deciding which of them have changed."""

import numpy as np

from zcalc.index.items import Item, vector_key
from zcalc.index.store import Index
from zcalc.index.table import Caption, hashes_of, numbers


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
