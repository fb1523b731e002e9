"""Vectors in files: parts that never change, mapped into memory, checked before they are used.

A part is a safetensors file with two tensors: `vectors` (n, d), and `blocks`, the SHA-256 of every
64 KiB of them. A manifest names the hash of all that comes before the vectors, so that any one of
ten million can be checked without reading the others.
"""

import hashlib
import json
import mmap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zcalc.errors import ZcalcError

PART = 131_072  # rows in a part at most
EAGER = 256 << 20  # bytes up to which all is checked on opening
_BLOCK = 64 << 10  # bytes under one hash
_NAMES = {"float32": "F32", "float16": "F16"}


class Damaged(ZcalcError):
    """An index of which something is not what was written."""

    def __init__(self, folder: Path, why: str, hint: str = "") -> None:
        hint = hint or "Nothing of it was used. Build it again: zcalc index build."
        super().__init__(f"The index {folder} is damaged: {why}.", hint)
        self.why = why


def pack(rows: np.ndarray) -> tuple[str, list[bytes | memoryview]]:
    """A part as bytes: the hash that a manifest names, and the pieces of the file.

    `rows` are (n, d) float32 or float16. Two parts with the same hash are the same.
    """
    rows = np.ascontiguousarray(rows)
    data = memoryview(rows.data).cast("B") if rows.size else memoryview(b"")
    blocks = b"".join(_digests(data, range(-(-len(data) // _BLOCK))))
    header = _header(rows.shape, rows.dtype)
    head = len(header).to_bytes(8, "little") + header + blocks
    return hashlib.sha256(head).hexdigest(), [head, data]


class Part:
    """The rows (n, d) of one file; `read` and `take` give only what has been checked.

    Raises Damaged where the file is not the one that `sha256` was made of.
    """

    def __init__(self, file: Path, sha256: str, shape: tuple[int, int], dtype: np.dtype) -> None:
        self.file, self.shape, self.dtype = file, shape, dtype
        header = _header(shape, dtype)
        size = int(np.prod(shape)) * dtype.itemsize
        count = -(-size // _BLOCK)
        start = 8 + len(header) + 32 * count
        with file.open("rb") as opened:
            if opened.seek(0, 2) != start + size:
                raise Damaged(file.parent, f"{file.name} is not as long as it was")
            data = memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
        head = data[:start]
        if hashlib.sha256(head).hexdigest() != sha256:
            raise Damaged(file.parent, f"{file.name} has been changed")
        self._blocks, self._data = head[-32 * count :], data[start:]
        self._rows = np.frombuffer(self._data, dtype).reshape(shape)  # (n, d)
        self._checked = np.zeros(count, bool)

    def read(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """The rows from `start` to before `stop`, as they lie in the file."""
        stop = self.shape[0] if stop is None else stop
        wide = self.shape[1] * self.dtype.itemsize
        self._check(np.arange(start * wide // _BLOCK, -(-stop * wide // _BLOCK)))
        return self._rows[start:stop]

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Rows (m, d) by their numbers (m), as copies."""
        wide = self.shape[1] * self.dtype.itemsize
        first, last = rows * wide // _BLOCK, (rows * wide + wide - 1) // _BLOCK  # (m), (m)
        reach = range(int((last - first).max(initial=0)) + 1)
        for more in reach:
            self._check(np.minimum(first + more, last))
        return self._rows[rows]

    def _check(self, blocks: np.ndarray) -> None:
        fresh = np.unique(blocks[~self._checked[blocks]])
        for block, found in zip(fresh, _digests(self._data, fresh), strict=True):
            if found != self._blocks[32 * block : 32 * (block + 1)]:
                raise Damaged(self.file.parent, f"{self.file.name} has been changed")
            self._checked[block] = True


class Vectors:
    """Unit vectors (n, d), float32 or float16, in one or more parts, as one array.

    `np.asarray` gives all of them as float32 (without a copy where there is one such part), `take`
    some, `chunks` one stretch after another. What comes from a file is checked first: raises
    ZcalcError where it has been changed.
    """

    def __init__(self, parts: "Sequence[Part | np.ndarray]", live: Sequence[Any] = ()) -> None:
        self._parts = list(parts)
        self.live = list(live) or [None] * len(self._parts)  # rows in use of each; None: all
        sizes = [
            part.shape[0] if rows is None else len(rows)
            for part, rows in zip(self._parts, self.live, strict=True)
        ]
        self._starts = np.cumsum([0, *sizes])  # (parts + 1)
        self.shape = (int(self._starts[-1]), int(self._parts[0].shape[1]))
        self.dtype = np.dtype(self._parts[0].dtype)

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """The bytes of all rows."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        chunks = list(self.chunks(PART))
        whole = chunks[0] if len(chunks) == 1 else np.concatenate(chunks)
        return whole.astype(dtype or np.float32, copy=bool(copy))  # (n, d)

    def chunks(self, size: int = 16_384) -> Iterator[np.ndarray]:
        """All rows in order, at most `size` at a time: (m, d), as they are stored."""
        for part, rows in zip(self._parts, self.live, strict=True):
            count = part.shape[0] if rows is None else len(rows)
            for start in range(0, count, size):
                stop = min(start + size, count)
                if rows is not None:
                    yield _take(part, rows[start:stop])
                else:
                    yield part.read(start, stop) if isinstance(part, Part) else part[start:stop]

    def take(self, rows: Any) -> np.ndarray:
        """The rows with these numbers (m), as copies (m, d) float32."""
        rows = np.asarray(rows, np.int64).ravel()
        found = np.empty((len(rows), self.shape[1]), np.float32)  # (m, d)
        places = np.searchsorted(self._starts, rows, side="right") - 1  # (m)
        for place in np.unique(places):
            here = np.flatnonzero(places == place)
            inside = rows[here] - self._starts[place]
            live = self.live[place]
            found[here] = _take(self._parts[place], inside if live is None else live[inside])
        return found


def _take(part: "Part | np.ndarray", rows: np.ndarray) -> np.ndarray:
    return part.take(rows) if isinstance(part, Part) else part[rows]


def _header(shape: tuple[int, ...], dtype: np.dtype) -> bytes:
    """The safetensors header of a part, a multiple of 64 bytes with its length before it."""
    size = int(np.prod(shape)) * dtype.itemsize
    count = -(-size // _BLOCK)
    tensors = {
        "blocks": {"dtype": "U8", "shape": [count, 32], "data_offsets": [0, 32 * count]},
        "vectors": {
            "dtype": _NAMES[dtype.name],
            "shape": list(shape),
            "data_offsets": [32 * count, 32 * count + size],
        },
    }
    text = json.dumps(tensors).encode()
    return text + b" " * (-(len(text) + 8) % 64)


def _digests(data: memoryview, blocks: Any) -> Iterator[bytes]:
    return (hashlib.sha256(data[i * _BLOCK : (i + 1) * _BLOCK]).digest() for i in blocks)
