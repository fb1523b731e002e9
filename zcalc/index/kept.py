"""Vectors of pictures that an index no longer has, so that what comes back is not encoded again.

A folder that was moved away, a disk that was taken out with `--prune`, pictures that were removed:
their vectors stay in a file of the index, by content. It is bounded: past `MAX_BYTES` the oldest
half goes. `zcalc index compact` deletes it.
"""

from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from zcalc.index.journal import NO_STAMP, Journal
from zcalc.index.store import Index

MAX_BYTES = 256 << 20
_CHUNK = 4096  # vectors that are read at a time


class Kept:
    """The vectors that an index keeps aside for one model; without a folder, none.

    `contents` maps the key of a vector (see `vector_key`) to its number here.
    """

    def __init__(self, folder: Path | None, model: str, dim: int) -> None:
        self._place = folder, model, dim

    @cached_property
    def _log(self) -> Journal:
        return Journal(*self._place, kind="kept")

    @property
    def contents(self) -> dict[bytes, int]:
        """The number of each vector by its key."""
        return self._log.contents

    def take(self, numbers: np.ndarray) -> np.ndarray:
        """Vectors (m, d) by their numbers."""
        return self._log.take(numbers)

    def close(self) -> None:
        """Close the file, which stays on disk."""
        if "_log" in self.__dict__:
            self._log.close()

    def add_unused(self, old: Index, keys: Sequence[bytes], used: Collection[bytes]) -> None:
        """Keep the vectors of an old index, whose keys are given by row, that aren't used now."""
        if self._place[0] is None:
            return
        unused = [row for row, key in enumerate(keys) if key not in used]
        if not unused:
            return
        unused = [row for row in unused if keys[row] not in self.contents]
        room = MAX_BYTES // self._log.row_bytes
        unused = unused[-room:]
        if len(self._log) + len(unused) > room:
            self._log.keep_last(min(len(self._log) // 2, room - len(unused)))
        for start in range(0, len(unused), _CHUNK):
            rows = unused[start : start + _CHUNK]
            vectors = old.vectors.take(rows).astype(np.float32, copy=False)
            self._log.add([keys[row] for row in rows], [NO_STAMP] * len(rows), vectors)
        self._log.sync()
