"""The cache folder, atomic and durable writes, and vectors in files with a checksum."""

import hashlib
import json
import os
import secrets
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path
from safetensors import SafetensorError
from safetensors.numpy import load, save

_CHUNK = 16 << 20  # bytes per system call
_BINARY = getattr(os, "O_BINARY", 0)


def cache_folder(*parts: str) -> Path:
    """A path in zcalc's cache folder: $ZCALC_CACHE, or the user's cache."""
    override = os.environ.get("ZCALC_CACHE")
    return (Path(override) if override else user_cache_path("zcalc")).joinpath(*parts)


def digest(data: bytes | memoryview | str) -> str:
    """The SHA-256 of bytes or text as hex digits."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def write_atomically(path: Path, *pieces: bytes | memoryview) -> None:
    """Replace a file atomically: readers see the old or the new content, even after a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
        try:
            for piece in pieces:
                write(handle, piece)
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write(handle: int, data: bytes | memoryview) -> None:
    """Write all of `data` to an open file."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest[:_CHUNK]) :]


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, on systems that can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def pack(vectors: np.ndarray, **metadata: str) -> bytes:
    """Serialise vectors (n, d) as safetensors, with metadata and a checksum.

    float16 stays float16; any other type becomes float32.

    >>> unpack(pack(np.eye(2, dtype="f4"), model="tiny"), model="tiny")
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    dtype = np.float16 if vectors.dtype == np.float16 else np.float32
    rows = np.ascontiguousarray(vectors, dtype)  # (n, d)
    return save({"vectors": rows}, metadata={**metadata, "sha256": digest(rows.tobytes())})


def unpack(data: bytes, **metadata: str) -> np.ndarray | None:
    """The vectors (n, d) float32 of `pack`; None if damaged or if the metadata differ."""
    packed = read_packed(data)
    return packed[0] if packed and packed[1] == metadata else None


def read_packed(data: bytes) -> tuple[np.ndarray, dict[str, str]] | None:
    """The vectors (n, d) float32 of `pack` and their metadata; None if damaged."""
    try:
        rows = load(data)["vectors"]  # (n, d)
        size = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + size])["__metadata__"]
    except (SafetensorError, ValueError, KeyError, TypeError):
        return None
    intact = metadata.pop("sha256", "") == digest(rows.tobytes()) and rows.ndim == 2
    if not intact or rows.dtype not in (np.float16, np.float32) or not np.isfinite(rows).all():
        return None
    return rows.astype(np.float32, copy=False), metadata
