"""Vectors on disk: immutable files, memory-mapped, and verified before use.

A part is a safetensors file with two tensors: `vectors` (n, d) and `blocks`, the SHA-256 of every
64 KiB of `vectors`. The manifest has the hash of everything before `vectors`, so that any one of
ten million rows can be verified without reading the rest.
"""

import hashlib
import json
import mmap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zcalc.index.errors import DamagedIndex

PART_ROWS = 131_072  # maximum rows of a part
EAGER_BYTES = 256 << 20  # indexes up to this size are verified in full when opened
_BLOCK = 64 << 10  # bytes per hash
_DTYPES = {"float32": "F32", "float16": "F16"}


def pack(rows: np.ndarray) -> tuple[str, list[bytes | memoryview]]:
    """Serialise rows (n, d), float32 or float16, as a part.

    Returns the hash for the manifest, which identifies the content, and the pieces of the file.
    """
    rows = np.ascontiguousarray(rows)
    data = memoryview(rows.data).cast("B") if rows.size else memoryview(b"")
    blocks = b"".join(_digests(data, range(-(-len(data) // _BLOCK))))
    header = _header(rows.shape, rows.dtype)
    head = len(header).to_bytes(8, "little") + header + blocks
    return hashlib.sha256(head).hexdigest(), [head, data]


class Part:
    """The rows (n, d) of one file; `read` and `take` return verified rows only.

    Raises DamagedIndex if the file does not match `sha256`.
    """

    def __init__(self, file: Path, sha256: str, shape: tuple[int, int], dtype: np.dtype) -> None:
        self.file, self.shape, self.dtype = file, shape, dtype
        header = _header(shape, dtype)
        size = int(np.prod(shape)) * dtype.itemsize
        count = -(-size // _BLOCK)
        start = 8 + len(header) + 32 * count
        with file.open("rb") as handle:
            if handle.seek(0, 2) != start + size:
                raise DamagedIndex(file.parent, f"{file.name} has the wrong size")
            data = memoryview(mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ))
        head = data[:start]
        if hashlib.sha256(head).hexdigest() != sha256:
            raise DamagedIndex(file.parent, f"{file.name} does not match its hash")
        self._blocks, self._data = head[-32 * count :], data[start:]
        self._rows = np.frombuffer(self._data, dtype).reshape(shape)  # (n, d)
        self._verified = np.zeros(count, bool)

    def read(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Rows `start` to `stop` (exclusive), as a view of the file."""
        stop = self.shape[0] if stop is None else stop
        width = self.shape[1] * self.dtype.itemsize
        self._verify(np.arange(start * width // _BLOCK, -(-stop * width // _BLOCK)))
        return self._rows[start:stop]

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Copy rows (m, d) by number (m)."""
        width = self.shape[1] * self.dtype.itemsize
        first, last = rows * width // _BLOCK, (rows * width + width - 1) // _BLOCK  # (m), (m)
        for offset in range(int((last - first).max(initial=0)) + 1):
            self._verify(np.minimum(first + offset, last))
        return self._rows[rows]

    def _verify(self, blocks: np.ndarray) -> None:
        pending = np.unique(blocks[~self._verified[blocks]])
        for block, actual in zip(pending, _digests(self._data, pending), strict=True):
            if actual != self._blocks[32 * block : 32 * (block + 1)]:
                raise DamagedIndex(self.file.parent, f"{self.file.name} does not match its hash")
            self._verified[block] = True


class Vectors:
    """Unit vectors (n, d) in float32 or float16, stored in one or more parts but read as one array.

    `np.asarray` loads everything as float32 (without a copy for a single float32 part), `take`
    some rows, `chunks` one slice after another. Raises DamagedIndex if a file was modified.
    """

    def __init__(self, parts: "Sequence[Part | np.ndarray]", live: Sequence[Any] = ()) -> None:
        self.parts = list(parts)
        self.live = list(live) or [None] * len(self.parts)  # live rows of each part; None: all
        sizes = [
            part.shape[0] if rows is None else len(rows)
            for part, rows in zip(self.parts, self.live, strict=True)
        ]
        self._starts = np.cumsum([0, *sizes])  # (parts + 1)
        self.shape = (int(self._starts[-1]), int(self.parts[0].shape[1]))
        self.dtype = np.dtype(self.parts[0].dtype)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """The size of all rows in bytes."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        chunks = list(self.chunks(PART_ROWS))
        rows = chunks[0] if len(chunks) == 1 else np.concatenate(chunks)
        return rows.astype(dtype or np.float32, copy=bool(copy))  # (n, d)

    def chunks(self, size: int = 16_384) -> Iterator[np.ndarray]:
        """All rows in order, at most `size` at a time: (m, d) in the stored dtype."""
        for part, live in zip(self.parts, self.live, strict=True):
            count = part.shape[0] if live is None else len(live)
            for start in range(0, count, size):
                stop = min(start + size, count)
                if live is not None:
                    yield _take(part, live[start:stop])
                else:
                    yield part.read(start, stop) if isinstance(part, Part) else part[start:stop]

    def take(self, rows: Any) -> np.ndarray:
        """Copy rows (m, d), as float32, by number (m)."""
        rows = np.asarray(rows, np.int64).ravel()
        vectors = np.empty((len(rows), self.shape[1]), np.float32)  # (m, d)
        parts = np.searchsorted(self._starts, rows, side="right") - 1  # (m)
        for part in np.unique(parts):
            at = np.flatnonzero(parts == part)
            offsets = rows[at] - self._starts[part]
            live = self.live[part]
            vectors[at] = _take(self.parts[part], offsets if live is None else live[offsets])
        return vectors


def _take(part: "Part | np.ndarray", rows: np.ndarray) -> np.ndarray:
    return part.take(rows) if isinstance(part, Part) else part[rows]


def _header(shape: tuple[int, ...], dtype: np.dtype) -> bytes:
    """The safetensors header of a part, padded to a multiple of 64 bytes including its length."""
    size = int(np.prod(shape)) * dtype.itemsize
    count = -(-size // _BLOCK)
    tensors = {
        "blocks": {"dtype": "U8", "shape": [count, 32], "data_offsets": [0, 32 * count]},
        "vectors": {
            "dtype": _DTYPES[dtype.name],
            "shape": list(shape),
            "data_offsets": [32 * count, 32 * count + size],
        },
    }
    text = json.dumps(tensors).encode()
    return text + b" " * (-(len(text) + 8) % 64)


def _digests(data: memoryview, blocks: Any) -> Iterator[bytes]:
    return (hashlib.sha256(data[i * _BLOCK : (i + 1) * _BLOCK]).digest() for i in blocks)
