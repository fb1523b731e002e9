"""Queries on an index: how many pictures, how similar, which ones, and how diverse."""

import os
from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from zcalc.algebra import unit
from zcalc.errors import ZcalcError
from zcalc.index.hits import Hit, Hits
from zcalc.pictures import split_path

if TYPE_CHECKING:
    from zcalc.index.store import Index
    from zcalc.index.table import Entry

NEAR_DUPLICATE = 0.94  # clip-retrieval's cosine threshold for duplicates
_MAX_CANDIDATES = 4000  # for deduplication and diversity
_CANDIDATES_PER_HIT = 8
_TIES = 16  # pictures beyond the last one that may have its score
_EXAMPLES = {"threshold": 0.3, "fold": NEAR_DUPLICATE, "diversity": 0.4}


@dataclass(frozen=True, slots=True)
class Query:
    """The settings of a search: at most `k` pictures, with a cosine of `threshold` or more.

    `where` is a condition on the metadata. `fold` is the cosine from which a picture counts as a
    near-duplicate of a better one, and goes into its `alike`. `diversity` from 0 to 1 penalizes
    similarity to pictures already selected (maximal marginal relevance, Carbonell and Goldstein
    1998). `offset` skips the best ones, for the next page. Raises ZcalcError for values out of
    range.
    """

    k: int = 5
    threshold: float | None = None
    where: str | None = None
    fold: float | None = None
    diversity: float = 0.0
    offset: int = 0

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ZcalcError(f"k must be at least 1, not {self.k}.", "For example: k=5.")
        if self.offset < 0:
            raise ZcalcError(f"offset can't be negative, as {self.offset} is.", "Leave it out.")
        for name, low, high in (("threshold", -1, 1), ("fold", 0, 1), ("diversity", 0, 1)):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                message = f"{name} must be between {low} and {high}, not {value}."
                raise ZcalcError(message, f"For example: {name}={_EXAMPLES[name]}.")

    @property
    def needs_vectors(self) -> bool:
        """Whether hits are compared with one another."""
        return self.fold is not None or bool(self.diversity)


class Searchable(Protocol):
    """What a query needs from an index, whether in a folder or served by a database."""

    def find(
        self, target: np.ndarray, k: int, where: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find at most `k` rows nearest to a unit vector (d,): cosines (m,) and rows (m,)."""
        ...

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The vectors (m, d) of rows."""
        ...

    def entry(self, row: int) -> "Entry":
        """The entry of a row."""
        ...

    def metadata(self, row: int) -> dict[str, Any]:
        """The metadata of a row."""
        ...

    def caption(self, row: int) -> str | None:
        """The caption that went into the vector of a row."""
        ...


class Local:
    """An index in a folder or in memory, or some `rows` (m,) of it, as a `Searchable`."""

    def __init__(self, index: "Index", rows: np.ndarray | None = None) -> None:
        self._index, self._rows = index, rows

    def __len__(self) -> int:
        return len(self._index) if self._rows is None else len(self._rows)

    def within(self, where: str | None) -> np.ndarray | None:
        """The rows (m,) to search, which meet a condition; None for all."""
        from zcalc.index.where import rows_where

        if where is None:
            return self._rows
        rows = rows_where(self._index.table, where)
        return rows if self._rows is None else np.intersect1d(rows, self._rows)

    def find(
        self, target: np.ndarray, k: int, where: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find at most `k` rows nearest to a unit vector (d,): cosines (m,) and rows (m,)."""
        within = self.within(where)
        if within is not None and not len(within):
            return np.empty(0, np.float32), np.empty(0, np.int64)
        scores, rows = self._index.search(target, min(k, len(self._index)), within=within)
        return scores[rows >= 0], rows[rows >= 0]

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The vectors (m, d) of rows."""
        return self._index.vectors.take(rows)

    def entry(self, row: int) -> "Entry":
        """The entry of a row."""
        return self._index.entry(row)

    def metadata(self, row: int) -> dict[str, Any]:
        """The metadata of a row."""
        return self._index.metadata(row)

    def caption(self, row: int) -> str | None:
        """The caption that went into the vector of a row."""
        return self._index.caption(row)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A row with its score, near-duplicates and, if needed, its unit vector (d,)."""

    row: int
    score: float
    entry: "Entry"
    vector: np.ndarray | None
    alike: "list[_Candidate]"


def nearest(
    pictures: Searchable,
    target: np.ndarray,
    query: Query,
    exclude: Collection[str] = (),
    mean: np.ndarray | None = None,
) -> Hits:
    """Find the pictures nearest to a unit vector (d,), best first.

    Paths in `exclude` are left out. With `mean` (d,), it is subtracted from the pictures before
    comparing.
    """
    offset, query = query.offset, replace(query, k=query.k + query.offset, offset=0)
    limit = query.k
    if query.needs_vectors or mean is not None:
        limit = max(50, query.k * _CANDIDATES_PER_HIT)
    while True:
        candidates, is_complete = _candidates(pictures, target, query, exclude, mean, limit)
        candidates = _fold(candidates, query.fold)
        if len(candidates) >= query.k or is_complete or limit >= _MAX_CANDIDATES:
            break
        limit = min(_MAX_CANDIDATES, 4 * limit)
    if query.diversity:
        candidates = _diversify(candidates, query)
    return Hits(_hit(pictures, candidate) for candidate in candidates[offset : query.k])


def _candidates(  # noqa: PLR0913, PLR0917
    pictures: Searchable,
    target: np.ndarray,
    query: Query,
    exclude: Collection[str],
    mean: np.ndarray | None,
    limit: int,
) -> tuple[list[_Candidate], bool]:
    """At most `limit` pictures by score, and whether these are all there are."""
    count = limit + len(exclude) + _TIES
    scores, rows = pictures.find(target, count, query.where)
    is_complete = len(rows) < count
    order = np.lexsort((rows, -scores))  # equal scores in the order of the index, on every page
    scores, rows = scores[order], rows[order]
    vectors: list[np.ndarray | None] = [None] * len(rows)
    if query.needs_vectors or mean is not None:
        taken = pictures.take(rows)  # (m, d)
        if mean is not None:
            scores, rows, taken = _rank_centered(taken, rows, target, mean)
        vectors = list(taken)
    if query.threshold is not None:
        passed = scores >= query.threshold  # (m,)
        is_complete = is_complete or bool((scores < query.threshold).any())
        scores, rows = scores[passed], rows[passed]
        vectors = [vector for vector, ok in zip(vectors, passed, strict=True) if ok]
    candidates = (
        _Candidate(int(row), float(score), pictures.entry(int(row)), vector, [])
        for row, score, vector in zip(rows, scores, vectors, strict=True)
    )
    kept = (c for c in candidates if c.entry.path not in exclude)
    return list(islice(kept, limit)), is_complete


def _rank_centered(
    vectors: np.ndarray, rows: np.ndarray, target: np.ndarray, mean: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rank pictures (m, d) by their cosines after subtracting the mean (d,)."""
    centered = unit(vectors - mean.astype(np.float32))  # (m, d)
    scores = centered @ target  # (m,)
    order = np.argsort(-scores, kind="stable")
    return scores[order], rows[order], vectors[order]


def _fold(candidates: list[_Candidate], fold: float | None) -> list[_Candidate]:
    """Fold each near-duplicate into the most similar of the better pictures."""
    if fold is None or not candidates:
        return candidates
    vectors = np.stack([c.vector for c in candidates if c.vector is not None])  # (m, d)
    unique: list[int] = []
    for i, candidate in enumerate(candidates):
        cosines = vectors[unique] @ vectors[i]  # (unique,)
        if unique and cosines.max() >= fold:
            candidates[unique[int(cosines.argmax())]].alike.append(candidate)
        else:
            unique.append(i)
    return [candidates[i] for i in unique]


def _diversify(candidates: list[_Candidate], query: Query) -> list[_Candidate]:
    """Select `k` pictures by maximal marginal relevance, in order of selection."""
    if not candidates:
        return candidates
    vectors = np.stack([c.vector for c in candidates if c.vector is not None])  # (m, d)
    selected, remaining = list[int](), list(range(len(candidates)))
    similarity = np.full(len(candidates), -1.0)  # (m,) maximum cosine with the selection
    while remaining and len(selected) < query.k:
        scores = np.array([candidates[i].score for i in remaining])
        penalty = np.maximum(similarity[remaining], 0.0) if selected else 0.0
        relevance = (1 - query.diversity) * scores - query.diversity * penalty
        best = remaining.pop(int(np.argmax(relevance)))
        selected.append(best)
        similarity = np.maximum(similarity, vectors @ vectors[best])
    return [candidates[i] for i in selected]


def hit_of(pictures: Searchable, row: int, score: float) -> Hit:
    """The picture of a row as a search result."""
    entry = pictures.entry(row)
    missing, caption = not _exists(entry.path), pictures.caption(row)
    return Hit(entry.name, entry.path, score, pictures.metadata(row), missing, caption=caption)


def _hit(pictures: Searchable, candidate: _Candidate) -> Hit:
    alike = tuple(_hit(pictures, duplicate) for duplicate in candidate.alike)
    return replace(hit_of(pictures, candidate.row, candidate.score), alike=alike)


def _exists(path: str) -> bool:
    """Whether a picture's file, or the tar shard it is in, exists."""
    return os.path.exists(split_path(Path(path))[0])
