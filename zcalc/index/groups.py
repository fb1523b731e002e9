"""Groups of an index's pictures: duplicates, and clusters with what they have in common."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from zcalc.errors import ZcalcError
from zcalc.index.hits import Hit
from zcalc.index.query import NEAR_DUPLICATE
from zcalc.index.store import Index
from zcalc.progress import track

_NEIGHBOURS = 16  # that each picture is compared with
_BATCH = 1024
_ITERATIONS, _RESTARTS = 30, 8


def duplicates(index: Index, threshold: float = NEAR_DUPLICATE) -> list[list[Hit]]:
    """Groups of near-duplicates, the largest first; in each the one to keep first.

    Pictures are in one group if their cosine is at least `threshold`, or a chain of such pairs
    links them. The one with the largest file is first; `score` is the cosine with it.
    """
    if not 0 < threshold <= 1:
        message = f"The threshold must be between 0 and 1, not {threshold}."
        raise ZcalcError(message, f"{NEAR_DUPLICATE} finds near-duplicates, 0.999 copies.")
    parent = np.arange(len(index))

    def find(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    k = min(_NEIGHBOURS, len(index))
    starts = range(0, len(index), _BATCH)
    for start in track(starts, "Comparing pictures", len(starts)):
        rows = np.arange(start, min(start + _BATCH, len(index)))
        scores, found = index.search(index.vectors.take(rows), k)  # (m, k)
        for i, j in zip(*np.nonzero((scores >= threshold) & (found >= 0)), strict=True):
            parent[find(int(rows[i]))] = find(int(found[i, j]))
    groups: dict[int, list[int]] = defaultdict(list)
    for row in range(len(index)):
        groups[find(row)].append(row)
    several = sorted((rows for rows in groups.values() if len(rows) > 1), key=len, reverse=True)
    return [_ordered(index, rows) for rows in several]


def _ordered(index: Index, rows: list[int]) -> list[Hit]:
    """The pictures of a group, the largest file first, with their cosines to it."""
    entries = {row: index.entry(row) for row in rows}
    rows = sorted(rows, key=lambda row: (-entries[row].size, len(entries[row].path), row))
    vectors = index.vectors.take(rows)  # (m, d)
    cosines = vectors @ vectors[0]
    pairs = zip(rows, cosines, strict=True)
    return [Hit(entries[r].name, entries[r].path, float(c), index.metadata(r)) for r, c in pairs]


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster: its rows (m,), the nearest to its centre first, and its centre (d,)."""

    rows: np.ndarray
    centre: np.ndarray


def clusters(index: Index, count: int | None = None, seed: int = 0) -> list[Cluster]:
    """Spherical k-means of an index, the largest cluster first.

    Without `count` there are as many as the square root of half the pictures, 2 to 50.
    """
    if count is None:
        count = int(np.clip(round(np.sqrt(len(index) / 2)), 2, 50))
    if not 1 <= count <= len(index):
        message = f"{len(index)} pictures can't make {count} clusters."
        raise ZcalcError(message, f"Ask for 1 to {len(index)}.")
    import faiss

    vectors = np.ascontiguousarray(np.asarray(index.vectors), np.float32)  # (n, d)
    kmeans = faiss.Kmeans(
        index.dim,
        count,
        niter=_ITERATIONS,
        spherical=True,
        seed=seed,
        nredo=_RESTARTS,
        min_points_per_centroid=1,
    )
    kmeans.train(vectors)
    cosines, labels = kmeans.index.search(vectors, 1)
    cosines, labels = cosines[:, 0], labels[:, 0]
    found = []
    for label in range(count):
        rows = np.flatnonzero(labels == label)
        if len(rows):
            best = np.argsort(-cosines[rows], kind="stable")
            found.append(Cluster(rows[best], np.asarray(kmeans.centroids)[label]))
    return sorted(found, key=lambda cluster: -len(cluster.rows))
