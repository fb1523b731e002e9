"""Inverted lists of compact vector codes, built and searched by faiss.

The list centroids come from two-level k-means on a sample, whose cost grows with the square root of
the number of lists. If there are many lists, an HNSW graph finds those nearest to a query.
"""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from zcalc.algebra import unit
from zcalc.index.memory import HNSW_LINKS, Plan
from zcalc.progress import track

_TRAIN_PER_LIST = 32  # training vectors per list
_TRAIN_CODES = 65_536  # training vectors for the codes
_MIN_HNSW_LISTS = 1024  # lists from which a graph finds the nearest ones
_CHUNK = 32_768
_EVAL_QUERIES, _EVAL_K = 64, 10  # for measuring recall
_MAX_CANDIDATES = 5000


class Inverted:
    """Inverted lists built by a plan; a search visits `probes` of them."""

    def __init__(self, index: Any, plan: Plan, probes: int = 8, recall: float = 0.0) -> None:
        self._index, self._plan = index, plan
        self.probes, self.recall = probes, recall
        self._buffer: np.ndarray | None = None

    @classmethod
    def build(cls, vectors: Any, plan: Plan) -> "tuple[Inverted, np.ndarray, np.ndarray]":
        """Train on a sample of vectors (n, d) and add all of them.

        Also returns realistic queries (q, d) and their exact 10 nearest rows (q, 10).
        """
        rng = np.random.default_rng(0)
        size = min(len(vectors), max(_TRAIN_PER_LIST * plan.lists, _TRAIN_CODES))
        rows = np.sort(rng.choice(len(vectors), size, replace=False))
        sample = take(vectors, rows)  # (m, d)
        queries = _sample_queries(sample, rng)  # (q, d)
        inverted = cls(_train(sample, plan), plan)
        del sample
        return inverted, queries, inverted._fill(vectors, queries)

    def candidates(
        self, queries: np.ndarray, k: int, within: np.ndarray | None = None
    ) -> np.ndarray:
        """Rows (q, c) whose codes are nearest to queries (q, d), padded with -1."""
        n = self._index.ntotal
        count = max(k, min(n, k * self._plan.candidates, _MAX_CANDIDATES))
        selector, probes = row_selector(within, n), self.probes
        if within is not None:  # visit as many selected rows as an unrestricted search would
            probes = min(self._plan.lists, probes * -(-n // max(1, len(within))))
        while True:
            rows = self._index.search(queries, count, params=self._params(probes, selector))[1]
            is_full = within is None or (rows[:, min(k, len(within)) - 1] >= 0).all()
            if is_full or probes >= self._plan.lists:
                return rows
            probes = min(self._plan.lists, 4 * probes)

    def _params(self, probes: int, selector: Any = None) -> Any:
        faiss = load_faiss()
        hnsw = None
        if self._plan.lists >= _MIN_HNSW_LISTS:
            hnsw = faiss.SearchParametersHNSW(efSearch=max(32, 2 * probes))
        return faiss.SearchParametersIVF(nprobe=probes, sel=selector, quantizer_params=hnsw)

    def _fill(self, vectors: Any, queries: np.ndarray) -> np.ndarray:
        """Add all vectors, and find the exact neighbours (q, k) of queries (q, d) on the way."""
        scores = np.full((len(queries), _EVAL_K), -np.inf, np.float32)  # (q, k)
        nearest = np.full((len(queries), _EVAL_K), -1, np.int64)  # (q, k)
        start = 0
        steps = -(-len(vectors) // _CHUNK)
        for chunk in track(chunks(vectors), "Building the search structure", steps):
            rows = np.ascontiguousarray(chunk, np.float32)  # (m, d)
            self._index.add(rows)
            merged = np.hstack([scores, queries @ rows.T])  # (q, k + m)
            top = np.argpartition(-merged, _EVAL_K, axis=1)[:, :_EVAL_K]
            previous = np.take_along_axis(nearest, np.minimum(top, _EVAL_K - 1), 1)
            nearest = np.where(top < _EVAL_K, previous, top - _EVAL_K + start)
            scores = np.take_along_axis(merged, top, axis=1)
            start += len(rows)
        return nearest

    def state(self) -> dict[str, Any]:
        """The parameters that `from_bytes` needs in addition to the bytes."""
        return {"probes": self.probes, "recall": round(self.recall, 4)}

    def to_bytes(self) -> memoryview:
        """Serialise the lists with faiss."""
        faiss = load_faiss()
        out = io.BytesIO()
        writer = faiss.PyCallbackIOWriter(out.write, 1 << 20)
        faiss.write_index(self._index, writer)
        return out.getbuffer()

    @classmethod
    def from_bytes(cls, data: Any, plan: Plan, state: dict[str, Any]) -> "Inverted":
        """Restore lists from `to_bytes` and `state`, without copying where possible."""
        faiss = load_faiss()
        buffer = np.frombuffer(data, np.uint8)
        reader = faiss.ZeroCopyIOReader(faiss.swig_ptr(buffer), buffer.nbytes)
        index = faiss.read_index(reader)
        inverted = cls(index, plan, int(state["probes"]), float(state["recall"]))
        inverted._buffer = buffer  # faiss refers to it
        return inverted


def load_faiss() -> Any:
    """Import faiss on first use."""
    import faiss

    return faiss


def chunks(vectors: Any) -> Iterator[np.ndarray]:
    """The rows of an array or `Vectors`, chunk by chunk."""
    if hasattr(vectors, "chunks"):
        return vectors.chunks(_CHUNK)
    return (vectors[i : i + _CHUNK] for i in range(0, len(vectors), _CHUNK))


def take(vectors: Any, rows: np.ndarray) -> np.ndarray:
    """Rows (m, d) of an array or `Vectors`, as float32."""
    if hasattr(vectors, "chunks"):
        return vectors.take(rows)
    return np.asarray(vectors[rows], np.float32)


def row_selector(within: np.ndarray | None, n: int) -> Any:
    """A faiss selector of some of `n` rows; None for all."""
    if within is None:
        return None
    mask = np.zeros(n, bool)
    mask[within] = True
    return load_faiss().IDSelectorBitmap(np.packbits(mask, bitorder="little"))


def _sample_queries(sample: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Queries (q, d) as expressions make them: sums of two vectors, and a - b + c."""
    a, b, c = (sample[rng.integers(0, len(sample), _EVAL_QUERIES)] for _ in range(3))
    mixed = np.where(np.arange(_EVAL_QUERIES)[:, None] % 2 == 0, a + b, a - b + c)
    return unit(mixed).astype(np.float32)


def _train(sample: np.ndarray, plan: Plan) -> Any:
    """Empty inverted lists, with centroids and codes trained on vectors (m, d)."""
    faiss = load_faiss()
    dim, metric = sample.shape[1], faiss.METRIC_INNER_PRODUCT
    centroids = _two_level_kmeans(sample, plan.lists)  # (lists, d)
    if plan.lists >= _MIN_HNSW_LISTS:
        quantizer = faiss.IndexHNSWFlat(dim, HNSW_LINKS, metric)
        quantizer.hnsw.efConstruction = 100
        quantizer.hnsw.efSearch = 16  # when assigning vectors to lists
    else:
        quantizer = faiss.IndexFlatIP(dim)
    quantizer.add(centroids)
    if plan.subvectors:
        index = faiss.IndexIVFPQFastScan(quantizer, dim, plan.lists, plan.subvectors, 4, metric)
        index.by_residual = True
        index.pq.cp.min_points_per_centroid = 1
    else:
        bits = faiss.ScalarQuantizer.QT_8bit
        index = faiss.IndexIVFScalarQuantizer(quantizer, dim, plan.lists, bits, metric, True)
    index.train(sample[:: max(1, len(sample) // _TRAIN_CODES)])
    return index


def _two_level_kmeans(sample: np.ndarray, lists: int) -> np.ndarray:
    """Centroids (lists, d): k-means of vectors (m, d) into groups, then of each group."""
    groups = round(lists**0.5)
    labels = _kmeans(sample, groups)[1]  # (m,)
    ends = np.bincount(labels, minlength=groups).cumsum()  # (groups,)
    counts = np.diff(ends * lists // len(sample), prepend=0)
    order = np.argsort(labels, kind="stable")
    members = np.split(order, ends[:-1])
    centroids = [
        _kmeans(sample[rows], int(count))[0]
        for rows, count in zip(members, counts, strict=True)
        if count
    ]
    return np.concatenate(centroids)


def _kmeans(vectors: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Spherical k-means: unit centroids (count, d), and the label of each vector (m,)."""
    faiss = load_faiss()
    options = {"niter": 10, "spherical": True, "min_points_per_centroid": 1, "seed": 1}
    kmeans = faiss.Kmeans(vectors.shape[1], count, max_points_per_centroid=256, **options)
    kmeans.train(vectors)
    return kmeans.centroids, kmeans.assign(vectors)[1]
