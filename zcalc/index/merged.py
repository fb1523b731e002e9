"""Several indexes searched as one."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

import numpy as np

from zcalc.errors import ZcalcError
from zcalc.index.store import Index
from zcalc.index.structure import Structure
from zcalc.index.vectors import Vectors


def merged(indexes: Sequence[Index]) -> Index:
    """One index of the pictures of several, which are searched one by one.

    A picture in two of them counts twice. Raises ZcalcError unless they were built with the same
    model and share of captions: scores of different models can't be compared.
    """
    first = indexes[0]
    for other in indexes[1:]:
        if other.model != first.model:
            raise ZcalcError(
                f"{first.folder} was built with {first.model}, {other.folder} with {other.model}: "
                "their scores can't be compared.",
                "Search one at a time, or build them with the same model.",
            )
        if other.caption_share != first.caption_share:
            message = f"{first.folder} and {other.folder} have different shares of captions."
            raise ZcalcError(message, "Build them with the same --caption-share.")
    return _Merged(indexes)


class _Merged(Index):
    """Indexes after one another; rows count on from each to the next."""

    def __init__(self, indexes: Sequence[Index]) -> None:
        first = indexes[0]
        roots = dict.fromkeys(root for index in indexes for root in index.roots)
        parts = tuple(part for index in indexes for part in index.manifest.parts)
        manifest = replace(first.manifest, roots=tuple(roots), parts=parts, skipped="", sources=())
        stored = [part for index in indexes for part in index.vectors.parts]
        live = [rows for index in indexes for rows in index.vectors.live]
        tables = [part for index in indexes for part in index.table_parts]
        super().__init__(manifest, Vectors(stored, live), tables)
        self._indexes = indexes

    @property
    def structure(self) -> Structure:
        """The search structures of all, merged."""
        return _MergedStructure([index.structure for index in self._indexes], self._offsets)

    @property
    def _offsets(self) -> list[int]:
        return list(accumulate((len(index) for index in self._indexes), initial=0))


class _MergedStructure(Structure):
    """Searches several structures, and merges what they find."""

    def __init__(self, structures: Sequence[Structure], offsets: Sequence[int]) -> None:
        self._structures, self._offsets = structures, offsets
        self.kind = " and ".join(dict.fromkeys(s.kind for s in structures))
        recalls = [s.recall for s in structures if s.recall is not None]
        self.recall = min(recalls) if recalls else None
        self.memory = sum(s.memory for s in structures)

    def search(
        self, queries: np.ndarray, k: int, within: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The `k` best of all: cosines (q, k) and rows (q, k), as `Structure.search`."""
        scores, rows = [], []
        spans = zip(self._structures, self._offsets, self._offsets[1:], strict=False)
        for structure, start, stop in spans:
            own = within
            if within is not None:
                own = within[(within >= start) & (within < stop)] - start
                if not len(own):
                    continue
            found, numbers = structure.search(queries, k, own)
            scores.append(found)
            rows.append(np.where(numbers < 0, -1, numbers + start))
        if not scores:
            empty = np.full((len(queries), k), -1, np.int64)
            return np.full(empty.shape, -np.inf, np.float32), empty
        every, numbers = np.concatenate(scores, axis=1), np.concatenate(rows, axis=1)
        best = np.argsort(-every, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(every, best, 1), np.take_along_axis(numbers, best, 1)
