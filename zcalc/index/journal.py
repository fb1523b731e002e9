"""What an unfinished build has encoded already, so that nothing is encoded twice."""

import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zcalc.index.items import Item
from zcalc.index.writer import saving
from zcalc.storage import digest, write


class Journal:
    """Vectors by the content that they are of, appended to a file batch by batch.

    `contents` gives the row of a picture's SHA-256, `stamps` that of a file as it was when it was
    read (see `stamp`). What was cut off while it was written is left out. Without a file it is
    kept in memory.
    """

    def __init__(self, folder: Path | None, model: str, dim: int) -> None:
        self._kind = np.dtype(
            [("sha256", "V32"), ("stamp", "V16"), ("vector", "<f4", (dim,)), ("crc", "<u4")]
        )
        self.contents: dict[bytes, int] = {}
        self.stamps: dict[bytes, int] = {}
        self._hashes: list[bytes] = []
        self._rows: list[np.ndarray] = []
        self._folder, self._handle = folder, -1
        if folder is not None:
            self._file = folder / f"journal-{digest(f'{model} {dim}')[:16]}.bin"
            self._load()

    def __len__(self) -> int:
        return len(self._hashes)

    def add(self, hashes: Sequence[bytes], stamps: Sequence[bytes], vectors: np.ndarray) -> None:
        """Append hashes, stamps and vectors (n, d); they are there when this returns."""
        records = np.zeros(len(vectors), self._kind)
        records["vector"] = vectors
        for record, sha256, stamped in zip(records, hashes, stamps, strict=True):
            record["sha256"], record["stamp"] = sha256, stamped
            record["crc"] = _crc(record)
            self._remember(sha256, stamped)
        if self._folder is None:
            self._rows.append(records["vector"])
            return
        with saving(self._folder):
            if self._handle < 0:
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
                self._handle = os.open(self._file, flags, 0o666)
            write(self._handle, records.tobytes())

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The vectors (m, d) of rows."""
        if self._folder is None:
            return np.concatenate(self._rows)[rows]
        return np.memmap(self._file, self._kind, mode="r")["vector"][rows]

    def close(self) -> None:
        """Close the file; what is in it stays."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def sha256(self, row: int) -> bytes:
        """The hash of a row's picture."""
        return self._hashes[row]

    def _load(self) -> None:
        """Read what is there, and cut off what is not whole."""
        size = self._file.stat().st_size if self._file.is_file() else 0
        count = size // self._kind.itemsize
        records = np.memmap(self._file, self._kind, "r", shape=(count,)) if count else ()
        for record in records:
            if record["crc"] != _crc(record):
                break
            self._remember(record["sha256"].tobytes(), record["stamp"].tobytes())
        if size != len(self) * self._kind.itemsize:
            with saving(self._file.parent):
                os.truncate(self._file, len(self) * self._kind.itemsize)

    def _remember(self, sha256: bytes, stamped: bytes) -> None:
        row = len(self._hashes)
        self._hashes.append(sha256)
        self.contents[sha256] = self.stamps[stamped] = row


def stamp(item: Item) -> bytes:
    """Stands for a file as it is: its path, size and time, in 16 bytes."""
    about = f"{item.path}\0{item.size}\0{item.mtime_ns}"
    return bytes.fromhex(digest(about.encode("utf-8", "surrogatepass"))[:32])


def _crc(record: np.void) -> int:
    return zlib.crc32(record.tobytes()[:-4])
