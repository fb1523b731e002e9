"""What finds the nearest of many vectors: a structure of faiss, chosen by size and memory.

Up to about 100,000 vectors all are compared. Beyond, inverted lists hold a short code of each; the
vectors whose codes come nearest are compared in full, as they are stored (Jégou et al. 2011), so
every score that is given is exact.
"""

import io
import json
from typing import Any

import numpy as np

from zcalc.index.inverted import Inverted, chosen, engine, take
from zcalc.index.memory import Plan, choose, plans

FEW = 20_000  # rows among which all are compared, whatever the structure
_TOGETHER = 64  # queries whose candidates are read at once
_ENOUGH = 0.98  # recall from which on no more lists are looked into
_MOST_LISTS = 256


class Structure:
    """Finds the rows of `vectors` (n, d) nearest to unit vectors.

    `kind` says how, `memory` is the bytes it takes besides the vectors, `recall` the share of the
    10 nearest that it finds, measured on expressions of its own vectors (None where it is exact).
    `vectors` is an array or an index's `Vectors`.
    """

    def __init__(self, vectors: Any, plan: Plan, inverted: "Inverted | None" = None) -> None:
        self.vectors, self.plan = vectors, plan
        self.kind, self.memory = plan.kind, plan.memory
        self.recall = inverted.recall if inverted else None
        self._inverted = inverted
        self._flat = _flat(vectors) if inverted is None else None

    @classmethod
    def build(cls, vectors: Any, memory: int | None = None) -> "Structure":
        """Build the most exact structure that fits into `memory` bytes (None: any amount).

        Raises ZcalcError where none does.
        """
        n, dim = vectors.shape
        plan = choose(n, dim, memory)
        if not plan.lists:
            return cls(vectors, plan)
        inverted, queries, truth = Inverted.build(vectors, plan)
        made = cls(vectors, plan, inverted)
        made._tune(queries, truth)
        return made

    def search(
        self, queries: np.ndarray, k: int, within: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The `k` nearest of queries (q, d): cosines (q, k) and rows (q, k), best first.

        `within` are the rows to look among; where there are fewer than `k`, rows are -1 and their
        cosines -inf.
        """
        queries = np.ascontiguousarray(queries, np.float32)  # (q, d)
        if within is not None and len(within) <= FEW:
            within = np.unique(np.asarray(within, np.int64))
            return _best(queries @ take(self.vectors, within).T, within, k)
        if self._inverted is None:
            return self._exact(queries, k, within)
        parts = [
            self._ranked(queries[i : i + _TOGETHER], k, within)
            for i in range(0, len(queries), _TOGETHER)
        ]
        scores, rows = zip(*parts, strict=True)
        return np.concatenate(scores), np.concatenate(rows)

    def _exact(
        self, queries: np.ndarray, k: int, within: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        assert self._flat is not None
        selected = chosen(within, len(self.vectors))
        some = min(k, len(self.vectors))
        params = engine().SearchParameters(sel=selected) if selected else None
        scores, rows = self._flat.search(queries, some, params=params)
        return _padded(scores, rows, k)

    def _ranked(
        self, queries: np.ndarray, k: int, within: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Candidates by their codes, in the order of their vectors."""
        assert self._inverted is not None
        found = self._inverted.candidates(queries, k, within)  # (q, c), -1 where fewer
        rows, place = np.unique(found, return_inverse=True)
        lacking = int(rows[0] < 0) if len(rows) else 0
        vectors = take(self.vectors, rows[lacking:])  # (m, d)
        scores = np.full(found.shape, -np.inf, np.float32)  # (q, c)
        places = place.reshape(found.shape) - lacking
        for query, at, score in zip(queries, places, scores, strict=True):
            here = at >= 0
            score[here] = vectors[at[here]] @ query
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return _padded(
            np.take_along_axis(scores, order, axis=1), np.take_along_axis(found, order, axis=1), k
        )

    def _tune(self, queries: np.ndarray, truth: np.ndarray) -> None:
        """Look into enough lists to find the true neighbours (q, k) of queries (q, d)."""
        assert self._inverted is not None
        most = min(self.plan.lists, _MOST_LISTS)
        while True:
            found = self.search(queries, truth.shape[1])[1]
            same = [len(np.intersect1d(a, b)) for a, b in zip(found, truth, strict=True)]
            self._inverted.recall = self.recall = float(np.mean(same)) / truth.shape[1]
            if self.recall >= _ENOUGH or self._inverted.probes >= most:
                return
            self._inverted.probes = min(most, 2 * self._inverted.probes)

    def to_bytes(self) -> bytes:
        """All that was built, for `from_bytes`; the vectors are not in it."""
        if self._inverted is None:
            return _joined({"kind": "exact", "shape": list(self.vectors.shape)}, b"")
        about = {"kind": self.kind, "shape": list(self.vectors.shape)} | self._inverted.about()
        return _joined(about, self._inverted.to_bytes())

    @classmethod
    def from_bytes(cls, data: Any, vectors: Any, memory: int | None = None) -> "Structure":
        """The structure that `to_bytes` gave; faiss reads the bytes, so check their hash before.

        Raises ValueError where they are not of these vectors, or take more than `memory` bytes.
        """
        data = memoryview(data)
        size = int.from_bytes(data[:8], "little")
        about = json.loads(bytes(data[8 : 8 + size]))
        n, dim = vectors.shape
        known = [plan for plan in plans(n, dim) if plan.kind == about["kind"]]
        if about["shape"] != [n, dim] or not known:
            raise ValueError("a structure of other vectors")
        plan = known[0]
        if memory is not None and plan.memory > memory:
            raise ValueError("a structure for more memory")
        if not plan.lists:
            return cls(vectors, plan)
        return cls(vectors, plan, Inverted.from_bytes(data[8 + size :], plan, about))


def _flat(vectors: Any) -> Any:
    flat = engine().IndexFlatIP(vectors.shape[1])
    flat.add(np.ascontiguousarray(np.asarray(vectors), np.float32))
    return flat


def _best(scores: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The best of rows (m) by scores (q, m), ties in the rows' order."""
    if 4 * k < scores.shape[1]:
        some = np.sort(np.argpartition(-scores, k - 1, axis=1)[:, :k], axis=1)  # (q, k)
    else:
        some = np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    near = np.take_along_axis(scores, some, axis=1)
    order = np.argsort(-near, axis=1, kind="stable")[:, :k]
    return _padded(
        np.take_along_axis(near, order, axis=1), rows[np.take_along_axis(some, order, axis=1)], k
    )


def _padded(scores: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores and rows (q, k), with -inf and -1 where there are fewer."""
    scores = np.where(rows < 0, -np.inf, scores).astype(np.float32)
    lacking = ((0, 0), (0, k - rows.shape[1]))
    if not lacking[1][1]:
        return scores, rows
    return (
        np.pad(scores, lacking, constant_values=-np.inf),
        np.pad(rows, lacking, constant_values=-1),
    )


def _joined(about: dict[str, Any], rest: Any) -> bytes:
    head = json.dumps(about).encode()
    head += b" " * (-(len(head) + 8) % 64)  # what follows begins where numbers may
    with io.BytesIO() as whole:
        whole.write(len(head).to_bytes(8, "little") + head)
        whole.write(rest)
        return whole.getvalue()
