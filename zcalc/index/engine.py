"""Encoding on this machine: threads read and decode ahead, so that the encoder never waits."""

import hashlib
import os
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from PIL import Image

from zcalc.errors import ZcalcError
from zcalc.gallery import decode, why_unreadable
from zcalc.index.items import Item


class PictureEncoder(Protocol):
    """What an index asks of the model: to prepare pictures in any thread, and to encode batches."""

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


@dataclass(slots=True)
class Outcome:
    """What became of an item: the hash of its bytes, and its vector (d,), not normalised.

    Without a vector, the content is known already or, if `skipped` says why, can't be read.
    """

    number: int
    sha256: bytes = b""
    vector: np.ndarray | None = None
    skipped: str = ""


Engine = Callable[[Sequence[Item], PictureEncoder, Set[bytes]], Iterator[list[Outcome]]]


@dataclass(slots=True)
class _Read:
    outcome: Outcome
    prepared: Any = None


def encode_here(
    items: Sequence[Item],
    encoder: PictureEncoder,
    known: Set[bytes],
    workers: int | None = None,
) -> Iterator[list[Outcome]]:
    """Read and encode items, in order, and give what became of them batch by batch.

    What is among the `known` contents is not decoded. A batch is of as many new pictures as the
    encoder takes, and always of the same ones, wherever an earlier build was interrupted.
    """
    if not items:
        return
    workers = workers or max(2, os.cpu_count() or 1)
    ahead = 2 * encoder.batch_size + workers
    waiting: deque[Future[_Read]] = deque()
    with _quiet(), ThreadPoolExecutor(workers, "zcalc-decode") as pool:
        try:
            batch = _Batch(encoder, known)
            for number, item in enumerate(items):
                waiting.append(pool.submit(read, number, item, known, encoder))
                if len(waiting) >= ahead and batch.takes(waiting.popleft().result()):
                    yield batch.encoded()
            while waiting:
                if batch.takes(waiting.popleft().result()):
                    yield batch.encoded()
            yield batch.encoded()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def engine_of(name: str, clip: str = "mini", device: str = "auto") -> Engine:
    """The engine of that name: "local", or "ray" (see `RayEngine`).

    Raises ZcalcError for another name, and where what an engine needs is not installed.
    """
    if name == "local":
        return encode_here
    if name == "ray":
        from zcalc.index.ray_engine import RayEngine

        return RayEngine.of_model(clip, device)
    raise ZcalcError(f"There is no engine {name!r}.", "Engines: local, ray.")


class _Batch:
    """Pictures that have been read, until there are enough to encode."""

    def __init__(self, encoder: PictureEncoder, known: Set[bytes]) -> None:
        self._encoder, self._known = encoder, known
        self._outcomes: list[Outcome] = []
        self._inputs: dict[bytes, tuple[Outcome, Any]] = {}

    def takes(self, read: _Read) -> bool:
        """Take another one; whether the batch is full then."""
        self._outcomes.append(read.outcome)
        content = read.outcome.sha256
        if read.prepared is not None and content not in self._known:  # by now
            self._inputs.setdefault(content, (read.outcome, read.prepared))
        return len(self._inputs) == self._encoder.batch_size

    def encoded(self) -> list[Outcome]:
        """Encode the batch, and begin the next one."""
        if self._inputs:
            rows = self._encoder.encode([given for _, given in self._inputs.values()])  # (n, d)
            for (outcome, _), row in zip(self._inputs.values(), rows, strict=True):
                outcome.vector = row
        done, self._outcomes, self._inputs = self._outcomes, [], {}
        return done


def read(number: int, item: Item, known: Set[bytes], encoder: PictureEncoder) -> _Read:
    """Read, hash, decode and prepare an item, unless its content is known."""
    try:
        data = item.read()
        sha256 = hashlib.sha256(data).digest()
        if sha256 in known:
            return _Read(Outcome(number, sha256))
        return _Read(Outcome(number, sha256), encoder.prepare(decode(data)))
    except Exception as error:  # Pillow raises almost anything on a damaged file
        return _Read(Outcome(number, skipped=why_unreadable(error)))


@contextmanager
def _quiet() -> Iterator[None]:
    """No warnings about odd pictures; set for all threads at once, as Python has no other way."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
