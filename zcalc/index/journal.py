"""The journal of an unfinished build, so that an interrupted build encodes nothing twice."""

import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zcalc.index.items import Item
from zcalc.index.writer import saving
from zcalc.storage import digest, write, write_atomically

NO_STAMP = bytes(16)


class Journal:
    """Vectors of encoded pictures, appended to a file batch by batch; without a folder, in memory.

    `contents` maps the key of a vector (see `vector_key`) to its row, `stamps` that of a file at
    the time it was read (see `stamp`). An incomplete record at the end of the file is dropped.
    """

    def __init__(self, folder: Path | None, model: str, dim: int, kind: str = "journal") -> None:
        self._dtype = np.dtype(
            [("key", "V32"), ("stamp", "V16"), ("vector", "<f4", (dim,)), ("crc", "<u4")]
        )
        self.contents: dict[bytes, int] = {}
        self.stamps: dict[bytes, int] = {}
        self._keys: list[bytes] = []
        self._vectors: list[np.ndarray] = []  # without a folder
        self._folder, self._handle = folder, -1
        if folder is not None:
            self._file = folder / f"{kind}-{digest(f'{model} {dim}')[:16]}.bin"
            self._load()

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, keys: Sequence[bytes], stamps: Sequence[bytes], vectors: np.ndarray) -> None:
        """Append keys, stamps and vectors (n, d); they survive a kill once this returns."""
        records = np.zeros(len(vectors), self._dtype)
        records["vector"] = vectors
        for record, key, file_stamp in zip(records, keys, stamps, strict=True):
            record["key"], record["stamp"] = key, file_stamp
            record["crc"] = _crc(record)
            self._register(key, file_stamp)
        if self._folder is None:
            self._vectors.append(records["vector"])
            return
        with saving(self._folder):
            if self._handle < 0:
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
                self._handle = os.open(self._file, flags, 0o666)
            write(self._handle, records.tobytes())

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The vectors (m, d) of rows."""
        if self._folder is None:
            return np.concatenate(self._vectors)[rows]
        return np.memmap(self._file, self._dtype, mode="r")["vector"][rows]

    @property
    def row_bytes(self) -> int:
        """How many bytes of the file each vector takes."""
        return self._dtype.itemsize

    def sync(self) -> None:
        """Flush the file to disk."""
        if self._handle >= 0 and self._folder is not None:
            with saving(self._folder):
                os.fsync(self._handle)

    def keep_last(self, count: int) -> None:
        """Drop all but the last vectors of the file."""
        if self._folder is None:
            return
        self.close()
        with saving(self._folder):
            records = np.fromfile(self._file, self._dtype)
            write_atomically(self._file, records[len(records) - count :].tobytes())
        self.contents.clear()
        self.stamps.clear()
        self._keys.clear()
        self._load()

    def close(self) -> None:
        """Close the file, which stays on disk."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def key(self, row: int) -> bytes:
        """The key of a row, without a caption the SHA-256 of its picture."""
        return self._keys[row]

    def _load(self) -> None:
        """Read the file up to the first damaged record, and truncate it there."""
        size = self._file.stat().st_size if self._file.is_file() else 0
        count = size // self._dtype.itemsize
        records = np.memmap(self._file, self._dtype, "r", shape=(count,)) if count else ()
        for record in records:
            if record["crc"] != _crc(record):
                break
            self._register(record["key"].tobytes(), record["stamp"].tobytes())
        if size != len(self) * self._dtype.itemsize:
            with saving(self._file.parent):
                os.truncate(self._file, len(self) * self._dtype.itemsize)

    def _register(self, key: bytes, file_stamp: bytes) -> None:
        row = len(self._keys)
        self._keys.append(key)
        self.contents[key] = row
        if file_stamp != NO_STAMP:
            self.stamps[file_stamp] = row


def stamp(item: Item) -> bytes:
    """A 16-byte hash of an item's path, size and time, which changes when the file does.

    Zeros for an item that may have a caption: it is read again, though not encoded.
    """
    if item.caption or item.sidecar:
        return NO_STAMP
    text = f"{item.path}\0{item.size}\0{item.mtime_ns}"
    return bytes.fromhex(digest(text.encode("utf-8", "surrogatepass"))[:32])


def _crc(record: np.void) -> int:
    return zlib.crc32(record.tobytes()[:-4])
