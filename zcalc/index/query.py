"""What is asked of an index: how many, how near, which, how different from one another."""

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from zcalc.errors import ZcalcError

if TYPE_CHECKING:
    from PIL.Image import Image

    from zcalc.index.store import Index
    from zcalc.index.table import Entry

SAME = 0.94  # the cosine from which on clip-retrieval takes pictures for the same
_MOST = 4000  # pictures that are looked at for groups and variety
_VARIETY = 8  # as many candidates for each picture asked for


@dataclass(frozen=True, slots=True)
class Hit:
    """A picture with its cosine; `alike` are its near-duplicates where they were folded.

    `metadata` is what the index knows besides; `missing` says that the file is gone or moved.
    """

    name: str
    path: str
    score: float
    metadata: Mapping[str, Any] = field(default_factory=dict, hash=False)
    missing: bool = False
    alike: "tuple[Hit, ...]" = ()

    def thumbnail(self, side: int = 288) -> "Image | None":
        """The picture, at most `side` pixels wide and high; None where it can't be read."""
        from zcalc.gallery import open_picture

        try:
            picture = open_picture(Path(self.path))
        except ZcalcError:
            return None
        picture.thumbnail((side, side))
        return picture


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked besides the point.

    At most `k` pictures, of a cosine of at least `threshold`, that the condition `where` holds for.
    With `fold`, pictures that have this cosine or more with one before them are put into its
    `alike`. `diversity` from 0 to 1 takes off for being like what was chosen already (maximal
    marginal relevance, Carbonell, Goldstein 1998). Raises ZcalcError for what makes no sense.
    """

    k: int = 5
    threshold: float | None = None
    where: str | None = None
    fold: float | None = None
    diversity: float = 0.0

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ZcalcError(f"{self.k} pictures are none.", "k is at least 1.")
        for name, low, high in (("threshold", -1, 1), ("fold", 0, 1), ("diversity", 0, 1)):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise ZcalcError(f"{name} is {value}.", f"It goes from {low} to {high}.")


class Searchable(Protocol):
    """What a query asks of an index, be it in a folder or served by a database."""

    def find(
        self, target: np.ndarray, k: int, where: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The cosines (m,) and rows (m,) of the at most `k` nearest to a unit vector (d,)."""
        ...

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The vectors (m, d) of rows."""
        ...

    def entry(self, row: int) -> "Entry":
        """The picture of a row."""
        ...

    def metadata(self, row: int) -> dict[str, Any]:
        """What else is known about it."""
        ...


@dataclass(frozen=True, slots=True)
class _Found:
    """A picture that was found, with its unit vector (d,) where it is needed."""

    row: int
    score: float
    entry: "Entry"
    vector: np.ndarray | None
    alike: "list[_Found]"


def nearest(
    pictures: Searchable,
    target: np.ndarray,
    query: Query,
    leave_out: Collection[str] = (),
    mean: np.ndarray | None = None,
) -> list[Hit]:
    """The pictures nearest to a unit vector (d,), best first, as the query wants them.

    Pictures with a path in `leave_out` are left out. With a `mean` picture (d,), cosines are those
    of the pictures without it.
    """
    wanted, found = query.k, list[_Found]()
    if query.fold is not None or query.diversity or mean is not None:
        wanted = max(50, query.k * _VARIETY)
    while True:
        found, all_seen = _candidates(pictures, target, query, leave_out, mean, wanted)
        found = _folded(found, query.fold)
        if len(found) >= query.k or all_seen or wanted >= _MOST:
            break
        wanted = min(_MOST, 4 * wanted)
    chosen = _varied(found, query) if query.diversity else found
    return [_hit(pictures, one) for one in chosen[: query.k]]


def _candidates(  # noqa: PLR0913, PLR0917
    pictures: Searchable,
    target: np.ndarray,
    query: Query,
    leave_out: Collection[str],
    mean: np.ndarray | None,
    wanted: int,
) -> tuple[list[_Found], bool]:
    """Pictures by their score, and whether there are no more to be had."""
    asked = wanted + len(leave_out)
    scores, rows = pictures.find(target, asked, query.where)
    all_seen = len(rows) < asked
    vectors: list[np.ndarray | None] = [None] * len(rows)
    if query.fold is not None or query.diversity or mean is not None:
        taken = pictures.take(rows)  # (m, d)
        if mean is not None:
            scores, rows, taken = _without_mean(taken, rows, target, mean)
        vectors = list(taken)
    if query.threshold is not None:
        all_seen = all_seen or bool((scores < query.threshold).any())
        near = scores >= query.threshold
        scores, rows = scores[near], rows[near]
        vectors = [v for v, is_near in zip(vectors, near, strict=True) if is_near]
    made = (
        _Found(int(row), float(score), pictures.entry(int(row)), vector, [])
        for row, score, vector in zip(rows, scores, vectors, strict=True)
    )
    return [one for one in made if one.entry.path not in leave_out][:wanted], all_seen


def _without_mean(
    vectors: np.ndarray, rows: np.ndarray, target: np.ndarray, mean: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cosines, rows and vectors anew, best first, of pictures (m, d) without the mean (d,)."""
    from zcalc.algebra import unit

    centred = unit(vectors - mean.astype(np.float32))  # (m, d)
    scores = centred @ target  # (m,)
    order = np.argsort(-scores, kind="stable")
    return scores[order], rows[order], vectors[order]


def _folded(found: list[_Found], fold: float | None) -> list[_Found]:
    """The first of every group of near-duplicates, with the others in it."""
    if fold is None or not found:
        return found
    vectors = np.stack([one.vector for one in found if one.vector is not None])  # (m, d)
    kept: list[int] = []
    for i, one in enumerate(found):
        cosines = vectors[kept] @ vectors[i]  # (kept,)
        if kept and cosines.max() >= fold:
            found[kept[int(cosines.argmax())]].alike.append(one)
        else:
            kept.append(i)
    return [found[i] for i in kept]


def _varied(found: list[_Found], query: Query) -> list[_Found]:
    """The `k` that are near and unlike one another, in the order they were chosen."""
    if not found:
        return found
    vectors = np.stack([one.vector for one in found if one.vector is not None])  # (m, d)
    chosen, left = list[int](), list(range(len(found)))
    likeness = np.full(len(found), -1.0)  # (m,) greatest cosine with what is chosen
    while left and len(chosen) < query.k:
        scores = np.array([found[i].score for i in left])
        off = np.maximum(likeness[left], 0.0) if chosen else 0.0
        best = left.pop(int(np.argmax((1 - query.diversity) * scores - query.diversity * off)))
        chosen.append(best)
        likeness = np.maximum(likeness, vectors @ vectors[best])
    return [found[i] for i in chosen]


def _hit(pictures: Searchable, one: _Found) -> Hit:
    entry, known = one.entry, pictures.metadata(one.row)
    alike = tuple(_hit(pictures, other) for other in one.alike)
    return Hit(entry.name, entry.path, one.score, known, not _exists(entry.path), alike)


def _exists(path: str) -> bool:
    """Whether a picture's file is there, or the tar that it is in."""
    return os.path.exists(path) or ("!" in path and os.path.isfile(path.rpartition("!")[0]))


class Local:
    """An index of a folder, searched."""

    def __init__(self, index: "Index") -> None:
        self._index = index

    def find(
        self, target: np.ndarray, k: int, where: str | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The cosines (m,) and rows (m,) of the at most `k` nearest to a unit vector (d,)."""
        from zcalc.index.where import rows_where

        within = None if where is None else rows_where(self._index.table, where)
        if within is not None and not len(within):
            return np.empty(0, np.float32), np.empty(0, np.int64)
        scores, rows = self._index.search(target, min(k, len(self._index)), within=within)
        found = rows >= 0
        return scores[found], rows[found]

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The vectors (m, d) of rows."""
        return self._index.vectors.take(rows)

    def entry(self, row: int) -> "Entry":
        """The picture of a row."""
        return self._index.entry(row)

    def metadata(self, row: int) -> dict[str, Any]:
        """What else is known about it."""
        return self._index.metadata(row)


def plain(value: Any) -> Any:
    """A value of metadata as JSON has it."""
    return value if isinstance(value, str | int | float | bool) else str(value)


def flat(hits: "list[Hit]") -> "Iterator[Hit]":
    """All pictures of results, folded ones after their first."""
    for hit in hits:
        yield hit
        yield from hit.alike
