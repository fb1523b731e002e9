"""Files that are whole or not there: the cache folder, atomic writes, vectors with their hash."""

import hashlib
import json
import os
import secrets
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path
from safetensors import SafetensorError
from safetensors.numpy import load, save

_PIECE = 16 << 20  # bytes written at once
_BINARY = getattr(os, "O_BINARY", 0)


def cache_folder(*parts: str) -> Path:
    """The folder for what can be computed again: the user's cache, or $ZCALC_CACHE."""
    own = os.environ.get("ZCALC_CACHE")
    return (Path(own) if own else user_cache_path("zcalc")).joinpath(*parts)


def digest(data: bytes | memoryview | str) -> str:
    """The SHA-256 of bytes or text, in hex."""
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def write_atomically(path: Path, *pieces: bytes | memoryview) -> None:
    """Write a file so that a reader, or a crash, finds the old one or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o666)
        try:
            for piece in pieces:
                write(handle, piece)
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write(handle: int, data: bytes | memoryview) -> None:
    """Write all of some bytes to an open file."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest[:_PIECE]) :]


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def pack(vectors: np.ndarray, **about: str) -> bytes:
    """Vectors (n, d) as safetensors, with their hash and what they are about.

    They are kept as float32, or as float16 where they are.

    >>> unpack(pack(np.eye(2, dtype="f4"), model="tiny"), model="tiny")
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    dtype = np.float16 if vectors.dtype == np.float16 else np.float32
    rows = np.ascontiguousarray(vectors, dtype)  # (n, d)
    return save({"vectors": rows}, metadata={**about, "sha256": digest(rows.tobytes())})


def unpack(data: bytes, **about: str) -> np.ndarray | None:
    """The vectors (n, d) float32 of `pack`; None where they are damaged or about something else."""
    rows, meta = read_packed(data)
    return rows if meta == about else None


def read_packed(data: bytes) -> tuple[np.ndarray, dict[str, str]]:
    """The vectors (n, d) float32 of `pack` and what they are about: nothing, if damaged."""
    nothing = np.empty((0, 0), np.float32), {"damaged": "yes"}
    try:
        rows = load(data)["vectors"]  # (n, d)
        size = int.from_bytes(data[:8], "little")
        meta = json.loads(data[8 : 8 + size])["__metadata__"]
    except (SafetensorError, ValueError, KeyError, TypeError):
        return nothing
    sound = meta.pop("sha256", "") == digest(rows.tobytes()) and rows.ndim == 2
    if not sound or rows.dtype not in (np.float16, np.float32) or not np.isfinite(rows).all():
        return nothing
    return rows.astype(np.float32, copy=False), meta
