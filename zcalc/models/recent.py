"""The most recently used embeddings, shared by threads."""

from collections import OrderedDict
from threading import Lock

import numpy as np


class Recent:
    """Embeddings (d,) by content; the longest unused give way to new ones."""

    def __init__(self) -> None:
        self._rows: OrderedDict[bytes, np.ndarray] = OrderedDict()
        self._lock = Lock()

    def get(self, key: bytes) -> np.ndarray | None:
        """The embedding of a content, if it is here."""
        with self._lock:
            if key in self._rows:
                self._rows.move_to_end(key)
            return self._rows.get(key)

    def put(self, key: bytes, row: np.ndarray, most: int) -> None:
        """Keep an embedding, among at most so many."""
        with self._lock:
            self._rows[key] = row
            while len(self._rows) > most:
                self._rows.popitem(last=False)
