"""Encoding pictures with Ray Data, on a cluster or a local Ray; same results as `encode_locally`.

One stage reads and decodes, the next encodes; each worker loads the encoder once. Finished batches
are returned immediately, so that an interrupted build keeps them.
"""

import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from zcalc.errors import require
from zcalc.index.engine import Outcome, PictureEncoder, prepare
from zcalc.index.items import Item

Load = Callable[[], PictureEncoder]


@dataclass(frozen=True)
class RayEngine:
    """Encodes on the running Ray cluster, else on a local Ray with all cores.

    `load` creates the encoder inside a worker. All workers must have the pictures at the same
    paths. Raises ZcalcError if Ray is not installed.
    """

    load: Load

    @classmethod
    def for_model(cls, clip: str, device: str = "auto") -> "RayEngine":
        """The engine for a preset or model, as accepted by `Encoder.load`."""
        _import_ray()
        return cls(partial(_load_encoder, clip, device))

    def __call__(
        self, items: Sequence[Item], encoder: PictureEncoder, encoded: Set[bytes]
    ) -> Iterator[list[Outcome]]:
        """Read and encode items, yielding the outcomes batch by batch."""
        if not items:
            return
        ray = _import_ray()
        is_running = ray.is_initialized()
        if not is_running:
            _start(ray)
        try:
            yield from self._batches(ray, items, encoder.batch_size, encoded)
        finally:
            if not is_running:
                ray.shutdown()

    def _batches(
        self, ray: Any, items: Sequence[Item], size: int, encoded: Set[bytes]
    ) -> Iterator[list[Outcome]]:
        """Send whole batches through the stages, so that each is encoded as it would be locally."""
        resources = ray.cluster_resources()
        threads = _torch_threads()
        options = {"concurrency": max(1, int(resources.get("CPU", 1)) // max(2, threads))}
        if resources.get("GPU"):
            options = {"concurrency": int(resources["GPU"]), "num_gpus": 1}
        starts = [{"first": start} for start in range(0, len(items), size)]
        shared = ray.put((list(items), set(encoded)))
        decode = partial(_decode, shared=shared, size=size, load=self.load)
        rows = ray.data.from_items(starts, override_num_blocks=len(starts))
        # Ray fuses stages with equal resources; half a CPU keeps decoding apart from encoding.
        rows = rows.map(decode, num_cpus=0.5)
        rows = rows.map(_Encode, fn_constructor_args=(self.load, threads), **options)
        for row in rows.iter_rows():
            yield list(_outcomes(row, encoded))


class _Encode:
    """The encoding stage: loads the encoder once, and encodes the pictures of each batch.

    Torch runs as many threads as in the calling process, so that sums are in the same order.
    """

    def __init__(self, load: Load, threads: int) -> None:
        self._encoder = load()
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(threads)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        inputs = row.pop("inputs")
        empty = np.empty((0, self._encoder.dim), np.float32)
        return {**row, "vectors": self._encoder.encode(list(inputs)) if len(inputs) else empty}


def _decode(row: dict[str, Any], shared: Any, size: int, load: Load) -> dict[str, Any]:
    """The decoding stage: the outcomes of a batch, by field, and the inputs (m, …) to encode."""
    items, encoded = _import_ray().get(shared)
    first, encoder = row["first"], _load_once(load)
    batch = items[first : first + size]
    results = [prepare(n, item, encoded, encoder) for n, item in enumerate(batch)]
    new = [result for result in results if result.input is not None]
    outcomes = [result.outcome for result in results]
    return {
        "first": first,
        "sha256": np.array([outcome.sha256.hex() for outcome in outcomes]),
        "skipped": np.array([outcome.skipped for outcome in outcomes]),
        "passing": np.array([outcome.passing for outcome in outcomes], bool),
        "caption": np.array([outcome.caption for outcome in outcomes]),
        "key": np.array([outcome.key.hex() for outcome in outcomes]),
        "written": np.array([outcome.written or "" for outcome in outcomes]),
        "known": np.array([outcome.written is not None for outcome in outcomes], bool),
        "unused": np.array([outcome.unused for outcome in outcomes]),
        "new": np.array([result.outcome.number for result in new], np.int64),
        "inputs": np.stack([np.asarray(result.input) for result in new]) if new else np.empty(0),
    }


def _outcomes(row: dict[str, Any], encoded: Set[bytes]) -> Iterator[Outcome]:
    """The outcomes of a batch; what was encoded in the meantime gets no second vector."""
    vectors = dict(zip(map(int, row["new"]), row["vectors"], strict=True))
    seen: set[bytes] = set()
    for number, hexadecimal in enumerate(row["key"]):
        key = bytes.fromhex(str(hexadecimal))
        vector = None if key in encoded or key in seen else vectors.get(number)
        seen |= {key} if vector is not None else set()
        yield Outcome(
            int(row["first"]) + number,
            bytes.fromhex(str(row["sha256"][number])),
            vector,
            str(row["skipped"][number]),
            str(row["caption"][number]),
            key,
            str(row["unused"][number]),
            bool(row["passing"][number]),
            str(row["written"][number]) if row["known"][number] else None,
        )


@cache
def _load_once(load: Load) -> PictureEncoder:
    return load()


def _load_encoder(clip: str, device: str) -> PictureEncoder:
    from zcalc.models.encoder import Encoder

    return Encoder.load(clip, device)


def _torch_threads() -> int:
    """The number of threads torch uses in this process."""
    return sys.modules["torch"].get_num_threads() if "torch" in sys.modules else 1


def _start(ray: Any) -> None:
    """Connect to a running cluster, else start a local Ray; both without output."""
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    try:
        ray.init("auto", **quiet)
    except ConnectionError:
        cores = max(2, os.cpu_count() or 1)  # each stage needs one
        ray.init(num_cpus=cores, include_dashboard=False, **quiet)
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)


def _import_ray() -> Any:
    ray = require("ray", "ray", "The Ray engine")
    require("ray.data", "ray", "The Ray engine")
    return ray
