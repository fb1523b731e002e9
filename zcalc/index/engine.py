"""Encoding pictures on this machine; threads read and decode ahead of the encoder."""

import hashlib
import os
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from zcalc.errors import ZcalcError
from zcalc.formats import MissingPackage
from zcalc.index import written
from zcalc.index.items import Item, vector_key
from zcalc.pictures import decode, why_unreadable


class PictureEncoder(Protocol):
    """What an index needs from a model; `prepare` is called from several threads."""

    identity: str
    dim: int

    @property
    def batch_size(self) -> int:
        """How many pictures are encoded together."""
        ...

    def prepare(self, picture: Image.Image) -> Any:
        """A picture as the model's input."""
        ...

    def encode(self, inputs: Sequence[Any]) -> np.ndarray:
        """Embeddings (n, d) of prepared pictures, in one batch."""
        ...

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """Embeddings (n, d) of captions."""
        ...


@dataclass(slots=True)
class Outcome:
    """The result for the item of this number: the hash of its bytes, and the picture's vector (d,).

    The vector is that of the picture alone, not normalised. It is None if there already is one for
    this `key` (see `vector_key`), or if the picture can't be read for the reason `skipped`.
    `passing` says that this reason may pass, `unused` is why its caption isn't
    used, `written` what cameras wrote into it (see `written.dump`), if that was read.
    """

    number: int
    sha256: bytes = b""
    vector: np.ndarray | None = None
    skipped: str = ""
    caption: str = ""
    key: bytes = b""
    unused: str = ""
    passing: bool = False
    written: str | None = None


_CHUNK = 16  # pictures that a thread prepares at a time, at most
Engine = Callable[[Sequence[Item], PictureEncoder, Set[bytes]], Iterator[list[Outcome]]]


@dataclass(slots=True)
class Prepared:
    """An item that was read, with the model's input if it needs to be encoded."""

    outcome: Outcome
    input: Any = None


def encode_locally(
    items: Sequence[Item],
    encoder: PictureEncoder,
    encoded: Set[bytes],
    workers: int | None = None,
) -> Iterator[list[Outcome]]:
    """Read and encode items in order, yielding the outcomes batch by batch.

    Pictures whose key is in `encoded` are not decoded. Batches have the encoder's size, and the
    same composition no matter where an earlier build was interrupted.
    """
    if not items:
        return
    workers = workers or max(2, os.cpu_count() or 1)
    size = max(1, min(_CHUNK, encoder.batch_size // 4))
    lookahead = (2 * encoder.batch_size + workers) // size
    pending: deque[Future[list[Prepared]]] = deque()
    with _no_warnings(), ThreadPoolExecutor(workers, "zcalc-decode") as pool:
        try:
            batch = _Batch(encoder, encoded)
            for start in range(0, len(items), size):
                chunk = items[start : start + size]
                pending.append(pool.submit(_prepare_all, start, chunk, encoded, encoder))
                if len(pending) >= lookahead:
                    yield from batch.add_all(pending.popleft().result())
            while pending:
                yield from batch.add_all(pending.popleft().result())
            yield batch.flush()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _prepare_all(
    first: int, items: Sequence[Item], encoded: Set[bytes], encoder: PictureEncoder
) -> list[Prepared]:
    """Prepare some items, the first of which has this number: a future for each is slow."""
    return [prepare(first + i, item, encoded, encoder) for i, item in enumerate(items)]


def prepare(number: int, item: Item, encoded: Set[bytes], encoder: PictureEncoder) -> Prepared:
    """Read, hash and decode an item; keys in `encoded` are not decoded."""
    try:
        outcome, data = read(number, item)
        if outcome.key in encoded:
            return Prepared(outcome)
        suffix = Path(item.path).suffix
        inputs = encoder.prepare(decode(data, suffix=suffix))
        outcome.written = written.dump(written.read(data, suffix))
        return Prepared(outcome, inputs)
    except Exception as error:  # Pillow raises almost anything on a damaged file
        reason = why_unreadable(error)
        return Prepared(Outcome(number, skipped=reason, passing=may_pass(error)))


def may_pass(error: Exception) -> bool:
    """Whether a picture may be readable another time: no permission, a lock, a failing disk."""
    if isinstance(error, MemoryError | MissingPackage):
        return True
    return isinstance(error, OSError) and bool(error.errno)


def read(number: int, item: Item) -> tuple[Outcome, bytes]:
    """Read and hash an item with its caption; returns the picture's bytes as well."""
    data, unused = item.read(), ""
    try:
        caption = item.read_caption()
    except ZcalcError as error:
        caption, unused = "", error.message
    sha256 = hashlib.sha256(data).digest()
    key = vector_key(sha256, caption, item.share)
    return Outcome(number, sha256, caption=caption, key=key, unused=unused), data


class _Batch:
    """Prepared pictures, collected until there are enough to encode."""

    def __init__(self, encoder: PictureEncoder, encoded: Set[bytes]) -> None:
        self._encoder, self._encoded = encoder, encoded
        self._outcomes: list[Outcome] = []
        self._inputs: dict[bytes, tuple[Outcome, Any]] = {}

    def add_all(self, prepared: Sequence[Prepared]) -> Iterator[list[Outcome]]:
        """Add pictures; yields the outcomes of every batch that is full."""
        for one in prepared:
            if self.add(one):
                yield self.flush()

    def add(self, prepared: Prepared) -> bool:
        """Add a picture; returns whether the batch is now full."""
        self._outcomes.append(prepared.outcome)
        key = prepared.outcome.key
        # It may have been encoded since it was read.
        if prepared.input is not None and key not in self._encoded:
            self._inputs.setdefault(key, (prepared.outcome, prepared.input))
        return len(self._inputs) == self._encoder.batch_size

    def flush(self) -> list[Outcome]:
        """Encode the batch and start a new one."""
        if self._inputs:
            rows = self._encoder.encode([pixels for _, pixels in self._inputs.values()])  # (n, d)
            for (outcome, _), row in zip(self._inputs.values(), rows, strict=True):
                outcome.vector = row
        outcomes, self._outcomes, self._inputs = self._outcomes, [], {}
        return outcomes


@contextmanager
def _no_warnings() -> Iterator[None]:
    """Silence warnings about odd pictures, in all threads: Python can't do it for one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
