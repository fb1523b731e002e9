"""The search structure: a faiss index, chosen by the number of vectors and the memory available.

Up to 100,000 vectors search is brute force. Beyond that, inverted lists hold a compact code of each
vector, and the best candidates by code are re-ranked with the stored vectors (Jégou et al. 2011),
so that every score returned is exact.
"""

import io
import json
from typing import Any

import numpy as np

from zcalc.index.inverted import Inverted, load_faiss, row_selector, take
from zcalc.index.memory import Plan, choose, plans

BRUTE_FORCE_ROWS = 20_000  # restricted searches up to this size are exact with any structure
_BATCH = 64  # queries re-ranked together
_TARGET_RECALL = 0.98
_MAX_PROBES = 256


class Structure:
    """Finds the rows of `vectors` (n, d), an array or `Vectors`, nearest to unit vectors.

    `kind` is its type in faiss's notation, `memory` its size in bytes without the vectors, and
    `recall` the recall@10 measured on expressions of its own vectors (None if exact).
    """

    def __init__(self, vectors: Any, plan: Plan, inverted: Inverted | None = None) -> None:
        self.vectors, self.plan = vectors, plan
        self.kind, self.memory = plan.kind, plan.memory
        self.recall = inverted.recall if inverted else None
        self._inverted = inverted
        self._flat = _flat_index(vectors) if inverted is None else None

    @classmethod
    def build(cls, vectors: Any, memory: int | None = None) -> "Structure":
        """Build the most accurate structure that fits into `memory` bytes (None: no limit).

        Raises ZcalcError if none fits.
        """
        n, dim = vectors.shape
        plan = choose(n, dim, memory)
        if not plan.lists:
            return cls(vectors, plan)
        inverted, queries, nearest = Inverted.build(vectors, plan)
        structure = cls(vectors, plan, inverted)
        structure._tune(queries, nearest)
        return structure

    def search(
        self, queries: np.ndarray, k: int, within: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find the `k` rows nearest to queries (q, d), optionally only among the rows `within`.

        Returns cosines (q, k) and rows (q, k), best first, padded with -inf and -1.
        """
        queries = np.ascontiguousarray(queries, np.float32)  # (q, d)
        if within is not None and len(within) <= BRUTE_FORCE_ROWS:
            within = np.unique(np.asarray(within, np.int64))
            return _top_k(queries @ take(self.vectors, within).T, within, k)
        if self._inverted is None:
            return self._search_flat(queries, k, within)
        batches = [
            self._search_inverted(queries[i : i + _BATCH], k, within)
            for i in range(0, len(queries), _BATCH)
        ]
        scores, rows = zip(*batches, strict=True)
        return np.concatenate(scores), np.concatenate(rows)

    def _search_flat(
        self, queries: np.ndarray, k: int, within: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        assert self._flat is not None
        selector = row_selector(within, len(self.vectors))
        limit = min(k, len(self.vectors))
        params = load_faiss().SearchParameters(sel=selector) if selector else None
        scores, rows = self._flat.search(queries, limit, params=params)
        return _pad(scores, rows, k)

    def _search_inverted(
        self, queries: np.ndarray, k: int, within: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Re-rank the candidates by code with their stored vectors."""
        assert self._inverted is not None
        candidates = self._inverted.candidates(queries, k, within)  # (q, c), padded with -1
        rows, positions = np.unique(candidates, return_inverse=True)
        padding = int(rows[0] < 0) if len(rows) else 0
        vectors = take(self.vectors, rows[padding:])  # (m, d)
        scores = np.full(candidates.shape, -np.inf, np.float32)  # (q, c)
        positions = positions.reshape(candidates.shape) - padding
        for query, at, row_scores in zip(queries, positions, scores, strict=True):
            valid = at >= 0
            row_scores[valid] = vectors[at[valid]] @ query
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        best = np.take_along_axis(scores, order, axis=1)
        return _pad(best, np.take_along_axis(candidates, order, axis=1), k)

    def _tune(self, queries: np.ndarray, nearest: np.ndarray) -> None:
        """Double the probes until recall on queries (q, d) with neighbours (q, k) is sufficient."""
        assert self._inverted is not None
        limit = min(self.plan.lists, _MAX_PROBES)
        while True:
            rows = self.search(queries, nearest.shape[1])[1]
            hits = [len(np.intersect1d(a, b)) for a, b in zip(rows, nearest, strict=True)]
            self._inverted.recall = self.recall = float(np.mean(hits)) / nearest.shape[1]
            if self.recall >= _TARGET_RECALL or self._inverted.probes >= limit:
                return
            self._inverted.probes = min(limit, 2 * self._inverted.probes)

    def to_bytes(self) -> bytes:
        """Serialise everything but the vectors."""
        if self._inverted is None:
            return _with_header({"kind": "exact", "shape": list(self.vectors.shape)}, b"")
        header = {"kind": self.kind, "shape": list(self.vectors.shape)} | self._inverted.state()
        return _with_header(header, self._inverted.to_bytes())

    @classmethod
    def from_bytes(cls, data: Any, vectors: Any, memory: int | None = None) -> "Structure":
        """Restore a structure from `to_bytes`; faiss parses the bytes, so verify them first.

        Raises ValueError if it was built from other vectors or needs more than `memory` bytes.
        """
        data = memoryview(data)
        size = int.from_bytes(data[:8], "little")
        header = json.loads(bytes(data[8 : 8 + size]))
        n, dim = vectors.shape
        plan = next((plan for plan in plans(n, dim) if plan.kind == header["kind"]), None)
        if header["shape"] != [n, dim] or plan is None:
            raise ValueError("the structure was built from other vectors")
        if memory is not None and plan.memory > memory:
            raise ValueError("the structure needs more memory")
        if not plan.lists:
            return cls(vectors, plan)
        return cls(vectors, plan, Inverted.from_bytes(data[8 + size :], plan, header))


def _flat_index(vectors: Any) -> Any:
    flat = load_faiss().IndexFlatIP(vectors.shape[1])
    flat.add(np.ascontiguousarray(np.asarray(vectors), np.float32))
    return flat


def _top_k(scores: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The `k` best rows (m) by scores (q, m); ties keep the order of the rows."""
    if 4 * k < scores.shape[1]:
        top = np.sort(np.argpartition(-scores, k - 1, axis=1)[:, :k], axis=1)  # (q, k)
    else:
        top = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    top_scores = np.take_along_axis(scores, top, axis=1)
    order = np.argsort(-top_scores, axis=1, kind="stable")[:, :k]
    top_rows = rows[np.take_along_axis(top, order, axis=1)]
    return _pad(np.take_along_axis(top_scores, order, axis=1), top_rows, k)


def _pad(scores: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Pad scores and rows to (q, k) with -inf and -1."""
    scores = np.where(rows < 0, -np.inf, scores).astype(np.float32)
    missing = k - rows.shape[1]
    if not missing:
        return scores, rows
    width = ((0, 0), (0, missing))
    return (
        np.pad(scores, width, constant_values=-np.inf),
        np.pad(rows, width, constant_values=-1),
    )


def _with_header(header: dict[str, Any], body: Any) -> bytes:
    text = json.dumps(header).encode()
    text += b" " * (-(len(text) + 8) % 64)  # aligns the body
    with io.BytesIO() as out:
        out.write(len(text).to_bytes(8, "little") + text)
        out.write(body)
        return out.getvalue()
