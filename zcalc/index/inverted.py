"""Inverted lists with short codes of vectors, built and searched by faiss.

The lists' middles come from k-means in two levels on a sample, which takes a root of the time of
one level; a graph (HNSW) finds the lists nearest to a vector.
"""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from zcalc.algebra import unit
from zcalc.index.memory import LINKS, Plan
from zcalc.progress import track

_A_LIST = 32  # vectors to train on, a list
_FOR_CODES = 65_536  # vectors to train the codes on
_GRAPH = 1024  # lists from which on a graph finds them
_CHUNK = 32_768
_ASKED, _K = 64, 10  # queries that recall is measured with, and their neighbours
_MOST = 5000  # candidates


class Inverted:
    """Inverted lists of a plan, `index` as faiss has it; a search looks into `probes` of them."""

    def __init__(self, index: Any, plan: Plan, probes: int = 8, recall: float = 0.0) -> None:
        self._index, self._plan = index, plan
        self.probes, self.recall = probes, recall
        self._read_from: np.ndarray | None = None

    @classmethod
    def build(cls, vectors: Any, plan: Plan) -> "tuple[Inverted, np.ndarray, np.ndarray]":
        """Train on a sample of vectors (n, d) and add all.

        Also gives queries (q, d) like those of people, and their true 10 nearest (q, 10).
        """
        random = np.random.default_rng(0)
        size = min(len(vectors), max(_A_LIST * plan.lists, _FOR_CODES))
        rows = np.sort(random.choice(len(vectors), size, replace=False))
        sample = take(vectors, rows)  # (m, d)
        queries = _asked(sample, random)  # (q, d)
        made = cls(_trained(sample, plan), plan)
        del sample
        return made, queries, made._fill(vectors, queries)

    def candidates(
        self, queries: np.ndarray, k: int, within: np.ndarray | None = None
    ) -> np.ndarray:
        """Rows (q, c) whose codes come nearest to queries (q, d), -1 where there are fewer."""
        n = self._index.ntotal
        count = max(k, min(n, k * self._plan.candidates, _MOST))
        selected, probes = chosen(within, n), self.probes
        if within is not None:  # as many of the rows as there would be of all
            probes = min(self._plan.lists, probes * -(-n // max(1, len(within))))
        while True:
            found = self._index.search(queries, count, params=self._settings(probes, selected))[1]
            enough = within is None or (found[:, min(k, len(within)) - 1] >= 0).all()
            if enough or probes >= self._plan.lists:
                return found
            probes = min(self._plan.lists, 4 * probes)

    def _settings(self, probes: int, selected: Any = None) -> Any:
        faiss = engine()
        graph = None
        if self._plan.lists >= _GRAPH:
            graph = faiss.SearchParametersHNSW(efSearch=max(32, 2 * probes))
        return faiss.SearchParametersIVF(nprobe=probes, sel=selected, quantizer_params=graph)

    def _fill(self, vectors: Any, queries: np.ndarray) -> np.ndarray:
        """Add all vectors; meanwhile find the exact neighbours (q, k) of queries (q, d)."""
        scores = np.full((len(queries), _K), -np.inf, np.float32)  # (q, k)
        truth = np.full((len(queries), _K), -1, np.int64)  # (q, k)
        first = 0
        steps = -(-len(vectors) // _CHUNK)
        for stored in track(chunks(vectors), "Building what searches the index", steps):
            rows = np.ascontiguousarray(stored, np.float32)  # (m, d)
            self._index.add(rows)
            both = np.hstack([scores, queries @ rows.T])  # (q, k + m)
            some = np.argpartition(-both, _K, axis=1)[:, :_K]
            ids = np.where(
                some < _K, np.take_along_axis(truth, np.minimum(some, _K - 1), 1), some - _K + first
            )
            scores, truth = np.take_along_axis(both, some, axis=1), ids
            first += len(rows)
        return truth

    def about(self) -> dict[str, Any]:
        """What `from_bytes` needs besides the bytes."""
        return {"probes": self.probes, "recall": round(self.recall, 4)}

    def to_bytes(self) -> memoryview:
        """The lists as faiss writes them."""
        faiss = engine()
        out = io.BytesIO()
        writer = faiss.PyCallbackIOWriter(out.write, 1 << 20)
        faiss.write_index(self._index, writer)
        return out.getbuffer()

    @classmethod
    def from_bytes(cls, data: Any, plan: Plan, about: dict[str, Any]) -> "Inverted":
        """The lists that `to_bytes` gave; raises ValueError where they are none of this plan."""
        faiss = engine()
        whole = np.frombuffer(data, np.uint8)
        reader = faiss.ZeroCopyIOReader(faiss.swig_ptr(whole), whole.nbytes)
        made = cls(faiss.read_index(reader), plan, int(about["probes"]), float(about["recall"]))
        made._read_from = whole  # what was not copied is still there
        return made


def _asked(sample: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Queries (q, d) like those of people: sums of two vectors, and a - b + c."""
    a, b, c = (sample[random.integers(0, len(sample), _ASKED)] for _ in range(3))
    mixed = np.where(np.arange(_ASKED)[:, None] % 2 == 0, a + b, a - b + c)
    return unit(mixed).astype(np.float32)


def chunks(vectors: Any) -> Iterator[np.ndarray]:
    """All rows of an array or of `Vectors`, some at a time."""
    if hasattr(vectors, "chunks"):
        return vectors.chunks(_CHUNK)
    return (vectors[i : i + _CHUNK] for i in range(0, len(vectors), _CHUNK))


def engine() -> Any:
    """The package faiss, imported when it is first needed."""
    import faiss

    return faiss


def take(vectors: Any, rows: np.ndarray) -> np.ndarray:
    """Rows (m, d) float32 of an array or of `Vectors`."""
    if hasattr(vectors, "chunks"):
        return vectors.take(rows)
    return np.asarray(vectors[rows], np.float32)


def chosen(within: np.ndarray | None, n: int) -> Any:
    """Rows to look among, as faiss takes them; None for all of `n`."""
    faiss = engine()
    if within is None:
        return None
    mask = np.zeros(n, bool)
    mask[within] = True
    return faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))


def _trained(sample: np.ndarray, plan: Plan) -> Any:
    """Empty inverted lists whose middles and codes are trained on vectors (m, d)."""
    faiss = engine()
    dim, metric = sample.shape[1], faiss.METRIC_INNER_PRODUCT
    middles = _middles(sample, plan.lists)  # (lists, d)
    if plan.lists >= _GRAPH:
        quantiser = faiss.IndexHNSWFlat(dim, LINKS, metric)
        quantiser.hnsw.efConstruction = 100
        quantiser.hnsw.efSearch = 16  # of the list that a vector is put into
    else:
        quantiser = faiss.IndexFlatIP(dim)
    quantiser.add(middles)
    if plan.parts:
        index = faiss.IndexIVFPQFastScan(quantiser, dim, plan.lists, plan.parts, 4, metric)
        index.by_residual = True
        index.pq.cp.min_points_per_centroid = 1
    else:
        eight = faiss.ScalarQuantizer.QT_8bit
        index = faiss.IndexIVFScalarQuantizer(quantiser, dim, plan.lists, eight, metric, True)
    index.train(sample[:: max(1, len(sample) // _FOR_CODES)])
    return index


def _middles(sample: np.ndarray, lists: int) -> np.ndarray:
    """The middles (lists, d) of inverted lists: k-means of vectors (m, d), and of each group."""
    groups = round(lists**0.5)
    nearest = _means(sample, groups)[1]  # (m,)
    ends = np.bincount(nearest, minlength=groups).cumsum()  # (groups,)
    shares = np.diff(ends * lists // len(sample), prepend=0)
    order = np.argsort(nearest, kind="stable")
    members = np.split(order, ends[:-1])
    found = [
        _means(sample[rows], int(count))[0]
        for rows, count in zip(members, shares, strict=True)
        if count
    ]
    return np.concatenate(found)


def _means(vectors: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Directions (count, d) that vectors (m, d) gather around; which is nearest to each (m,)."""
    faiss = engine()
    about = {"niter": 10, "spherical": True, "min_points_per_centroid": 1, "seed": 1}
    means = faiss.Kmeans(vectors.shape[1], count, max_points_per_centroid=256, **about)
    means.train(vectors)
    return means.centroids, means.assign(vectors)[1]
