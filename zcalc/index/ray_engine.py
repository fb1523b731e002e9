"""Encoding on a Ray cluster, or on a local Ray: the same as `encode_here`, by Ray Data.

One stage reads and decodes, the next one encodes; each worker loads the encoder once. What is
finished comes back at once, and is kept as of the local engine.
"""

import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from zcalc.errors import ZcalcError
from zcalc.index.engine import Outcome, PictureEncoder, read
from zcalc.index.items import Item

Load = Callable[[], PictureEncoder]


@dataclass(frozen=True)
class RayEngine:
    """Encodes on the Ray cluster that is running, else on a local Ray with all cores.

    `load` makes the encoder inside a worker. Every worker must see the pictures under the same
    paths. Raises ZcalcError where Ray is not installed.
    """

    load: Load

    @classmethod
    def of_model(cls, clip: str, device: str = "auto") -> "RayEngine":
        """The engine for a preset, or a model as `Encoder.load` takes it."""
        _ray()
        return cls(partial(_load, clip, device))

    def __call__(
        self, items: Sequence[Item], encoder: PictureEncoder, known: Set[bytes]
    ) -> Iterator[list[Outcome]]:
        """Read and encode items, and give what became of them batch by batch."""
        if not items:
            return
        ray = _ray()
        ours = not ray.is_initialized()
        if ours:
            _begin(ray)
        try:
            yield from self._batches(ray, items, encoder.batch_size, known)
        finally:
            if ours:
                ray.shutdown()

    def _batches(
        self, ray: Any, items: Sequence[Item], size: int, known: Set[bytes]
    ) -> Iterator[list[Outcome]]:
        """Send whole batches through the stages, so that each is encoded as it would be here."""
        have = ray.cluster_resources()
        threads = _threads()
        encoders = {"concurrency": max(1, int(have.get("CPU", 1)) // max(2, threads))}
        if have.get("GPU"):
            encoders = {"concurrency": int(have["GPU"]), "num_gpus": 1}
        firsts = [{"first": first} for first in range(0, len(items), size)]
        shared = ray.put((list(items), set(known)))
        decode = partial(_decoded, shared=shared, size=size, load=self.load)
        rows = ray.data.from_items(firsts, override_num_blocks=len(firsts))
        rows = rows.map(decode, num_cpus=0.5)  # unlike encoders: or both are one stage
        for row in rows.map(
            _Encode, fn_constructor_args=(self.load, threads), **encoders
        ).iter_rows():
            yield list(_outcomes(row, known))


class _Encode:
    """The stage that encodes: loads the encoder once, and gives a vector for each picture read.

    It runs as many threads as the encoder would here: the same sums, in the same order.
    """

    def __init__(self, load: Load, threads: int) -> None:
        self._encoder = load()
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(threads)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        inputs = row.pop("inputs")
        empty = np.empty((0, self._encoder.dim), np.float32)
        return {**row, "vectors": self._encoder.encode(list(inputs)) if len(inputs) else empty}


def _decoded(row: dict[str, Any], shared: Any, size: int, load: Load) -> dict[str, Any]:
    """The stage that reads: a batch's hashes and reasons, and the inputs (m, …) of what is new."""
    items, known = _ray().get(shared)
    first, encoder = row["first"], _loaded(load)
    found = [read(n, item, known, encoder) for n, item in enumerate(items[first : first + size])]
    new = [one for one in found if one.prepared is not None]
    return {
        "first": first,
        "sha256": np.array([one.outcome.sha256.hex() for one in found]),
        "skipped": np.array([one.outcome.skipped for one in found]),
        "new": np.array([one.outcome.number for one in new], np.int64),
        "inputs": np.stack([np.asarray(one.prepared) for one in new]) if new else np.empty(0),
    }


def _outcomes(row: dict[str, Any], known: Set[bytes]) -> Iterator[Outcome]:
    """What became of a batch's items; a content that is known by now needs no vector."""
    vectors = dict(zip(map(int, row["new"]), row["vectors"], strict=True))
    here: set[bytes] = set()
    for number, (content, skipped) in enumerate(zip(row["sha256"], row["skipped"], strict=True)):
        sha256 = bytes.fromhex(str(content))
        vector = None if sha256 in known or sha256 in here else vectors.get(number)
        here |= {sha256} if vector is not None else set()
        yield Outcome(int(row["first"]) + number, sha256, vector, str(skipped))


@cache
def _loaded(load: Load) -> PictureEncoder:
    return load()


def _load(clip: str, device: str) -> PictureEncoder:
    from zcalc.models.encoder import Encoder

    return Encoder.load(clip, device)


def _threads() -> int:
    """The threads that torch runs in this process."""
    return sys.modules["torch"].get_num_threads() if "torch" in sys.modules else 1


def _begin(ray: Any) -> None:
    """Connect to the cluster that is there, else start a local Ray; no word on the screen."""
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        ray.init("auto", **quiet)
    except ConnectionError:
        cores = max(2, os.cpu_count() or 1)  # one to read and one to encode
        ray.init(num_cpus=cores, include_dashboard=False, **quiet)
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)


def _ray() -> Any:
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ZcalcError("The engine needs Ray.", "Install it: pip install 'zcalc[ray]'") from error
    return ray
