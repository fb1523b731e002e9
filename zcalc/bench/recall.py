"""Retrieval between pictures and texts: recall at 1, 5 and 10, and the median rank."""

import time
from typing import TYPE_CHECKING

import numpy as np

from zcalc.algebra import unit
from zcalc.bench.data import Data, cut_note, embed_pictures, read_labelled
from zcalc.bench.report import Metric, Report, median, recall_at

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

_BATCH = 1024  # queries scored together
TO_TEXT, TO_IMAGE = "image to text", "text to image"


def retrieval(calculator: "Calculator", data: Data, title: str = "retrieval") -> Report:
    """Image-to-text and text-to-image retrieval over a table of pictures and references.

    For a picture, the best-ranked of its texts counts; a text shared by several pictures is correct
    for each. Ranks start at 1, and ties count against the correct entry.
    Raises ZcalcError if the table, or everything in it, can't be read.
    """
    start, encoder = time.perf_counter(), calculator.models.encoder
    rows, skipped = read_labelled(data, calculator.gallery)
    rows, pictures, unreadable = embed_pictures(encoder, rows)
    texts = list(dict.fromkeys(text for row in rows for text in row.references))
    vectors = unit(encoder.texts(texts))  # (m, d)
    column = {text: i for i, text in enumerate(texts)}
    correct = np.zeros((len(rows), len(texts)), bool)  # (n, m)
    for mask, row in zip(correct, rows, strict=True):
        mask[[column[text] for text in row.references]] = True
    to_text, to_image = ranks(pictures, vectors, correct), ranks(vectors, pictures, correct.T)
    return Report(
        title,
        calculator.models.name,
        (*(row.name for row in rows), *texts),
        (*[TO_TEXT] * len(rows), *[TO_IMAGE] * len(texts)),
        _metrics(np.concatenate([to_text, to_image])),
        skipped=(*skipped, *unreadable),
        notes=(f"{len(rows)} pictures, {len(texts)} texts", *cut_note(encoder, texts)),
        has_total=False,
        seconds=time.perf_counter() - start,
    )


def _metrics(ranks: np.ndarray) -> tuple[Metric, ...]:
    """R@1, R@5, R@10 and the median of ranks (n,)."""
    recalls = (Metric(f"R@{k}", ranks, recall_at(k)) for k in (1, 5, 10))
    return (*recalls, Metric("median rank", ranks, median, is_count=True))


def ranks(queries: np.ndarray, entries: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """The rank (n,), from 1, of the best correct entry for queries (n, d) among entries (m, d).

    `correct` (n, m) marks the correct ones; incorrect entries with the same score rank above them.
    """
    batches = []
    for start in range(0, len(queries), _BATCH):
        scores = queries[start : start + _BATCH] @ entries.T  # (b, m)
        mask = correct[start : start + _BATCH]
        best = np.where(mask, scores, -np.inf).max(1, keepdims=True)
        batches.append(1 + ((scores >= best) & ~mask).sum(1))
    return np.concatenate(batches) if batches else np.empty(0, np.int64)
