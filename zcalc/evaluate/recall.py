"""Do pictures and texts find each other: recall at 1, 5 and 10, and the median rank."""

import time
from typing import TYPE_CHECKING

import numpy as np

from zcalc.algebra import unit
from zcalc.evaluate.data import Data, embed_pictures, labelled, readable
from zcalc.evaluate.report import Figure, Report, median, within

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

_ROWS = 1024  # asked at once
TO_TEXT, TO_IMAGE = "image to text", "text to image"


def retrieval(calculator: "Calculator", data: Data, title: str = "retrieval") -> Report:
    """How well pictures find their texts and texts their pictures, over all of a table.

    A picture has found its text with the first of them; a text that several pictures have is right
    for each of them. Ranks begin at 1, and what scores the same as the right one goes before it.
    Raises ZcalcError where the table can't be read or nothing in it can.
    """
    begin = time.perf_counter()
    rows, skipped = labelled(data, calculator.gallery)
    rows, long = readable(calculator, rows)
    rows, pictures, unreadable = embed_pictures(calculator, rows)
    texts = list(dict.fromkeys(text for row in rows for text in row.references))
    vectors = unit(calculator.encoder.texts(texts))  # (m, d)
    place = {text: i for i, text in enumerate(texts)}
    right = np.zeros((len(rows), len(texts)), bool)  # (n, m)
    for own, row in zip(right, rows, strict=True):
        own[[place[text] for text in row.references]] = True
    found = np.concatenate([ranks(pictures, vectors, right), ranks(vectors, pictures, right.T)])
    return Report(
        title,
        calculator.model,
        (*(row.name for row in rows), *texts),
        (*[TO_TEXT] * len(rows), *[TO_IMAGE] * len(texts)),
        figures(found),
        skipped=(*skipped, *long, *unreadable),
        notes=(f"{len(rows)} pictures, {len(texts)} texts",),
        summed=False,
        seconds=time.perf_counter() - begin,
    )


def figures(found: np.ndarray) -> tuple[Figure, ...]:
    """R@1, R@5, R@10 and the median of ranks (n,) from 1."""
    recalls = (Figure(f"R@{k}", found, within(k)) for k in (1, 5, 10))
    return (*recalls, Figure("median rank", found, median, counted=True))


def ranks(asked: np.ndarray, among: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The rank (n,), from 1, of the best right one for each of (n, d), among (m, d).

    `right` (n, m) says which are; of wrong ones with the same score, all go before it.
    """
    found = []
    for start in range(0, len(asked), _ROWS):
        scores = asked[start : start + _ROWS] @ among.T  # (b, m)
        own = right[start : start + _ROWS]
        best = np.where(own, scores, -np.inf).max(1, keepdims=True)
        found.append(1 + ((scores >= best) & ~own).sum(1))
    return np.concatenate(found) if found else np.empty(0, np.int64)
