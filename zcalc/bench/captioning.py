"""Captioning: captions scored against references, against the pictures, and for diversity."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.algebra import unit
from zcalc.bench import scores
from zcalc.bench.data import (
    Data,
    Labelled,
    cut_note,
    embed_pictures,
    read_labelled,
    table_columns,
)
from zcalc.bench.report import Metric, Report, mean
from zcalc.gallery import Gallery
from zcalc.wordlists import read_texts

if TYPE_CHECKING:
    from zcalc.calculator import Calculator
    from zcalc.models.encoder import Encoder

PREFIX = "A photo depicts "  # CLIPScore's prompt
_PROMPT = "Image of "  # the decoders' prompt, which references don't have


def captions(
    calculator: "Calculator",
    data: Data,
    method: str | None = None,
    *,
    title: str = "captions",
    known: Sequence[str] | None = None,
    **settings: Any,
) -> Report:
    """Caption the pictures of a table and score the captions: see docs/bench.md.

    `method` and `settings` are those of `Result.caption`; a caption is novel if it is not among
    `known` (by default the sentences of the decoder `retrieve`). Without a column `references`,
    BLEU-4, CIDEr and RefCLIPScore are left out, and a note says so.
    Raises ZcalcError if the table, or everything in it, can't be read, or a package is missing.
    """
    scores.check_installed()
    start, encoder = time.perf_counter(), calculator.models.encoder
    data = data if isinstance(data, str | Path) else list(data)
    has_references = _has_references(data)
    rows, skipped = read_labelled(data, calculator.gallery, has_references)
    rows, pictures, unreadable = embed_pictures(encoder, rows)
    texts = _write(calculator, rows, method, **settings)
    missing = len(rows) - len(texts)  # after an interrupt
    notes = [f"{missing} captions not written"] if missing else []
    rows, pictures = rows[: len(texts)], pictures[: len(texts)]
    all_texts = [*texts, *(text for row in rows for text in row.references)]
    notes += cut_note(encoder, [PREFIX + text for text in all_texts])
    metrics, more = _score(encoder, rows, pictures, texts, known)
    names, sections = tuple(row.name for row in rows), (title,) * len(rows)
    return Report(
        title, calculator.models.name, names, sections, metrics,
        outputs=tuple({"caption": text} for text in texts),
        skipped=(*skipped, *unreadable),
        notes=(*notes, *more),
        seconds=time.perf_counter() - start,
    )  # fmt: skip


def _write(
    calculator: "Calculator", rows: Sequence[Labelled], method: str | None = None, **settings: Any
) -> list[str]:
    """A caption for each picture, without the decoder's "Image of"."""
    if not rows:
        return []
    table = calculator.with_gallery(Gallery(named={row.name: row.path for row in rows}))
    captions = table.captions([table.img(row.name) for row in rows], method, **settings)
    return [caption.text.removeprefix(_PROMPT) for caption in captions]


def _score(
    encoder: "Encoder",
    rows: Sequence[Labelled],
    pictures: np.ndarray,
    texts: Sequence[str],
    known: Sequence[str] | None = None,
) -> tuple[tuple[Metric, ...], list[str]]:
    """The metrics of captions of pictures, unit vectors (n, d), and notes on those left out."""
    if not rows:
        return (), []
    vectors = _embed(encoder, texts)  # (n, d)
    metrics = [Metric("CLIPScore", scores.clip_score(pictures, vectors))]
    notes = []
    references = [row.references for row in rows]
    if all(references):
        reference_vectors = [_embed(encoder, group) for group in references]
        values = scores.ref_clip_score(pictures, vectors, reference_vectors)
        metrics.append(Metric("RefCLIPScore", values))
        metrics.insert(0, Metric("BLEU-4", scores.bleu_counts(texts, references), scores.bleu))
        if len(rows) > 1:
            metrics.insert(1, Metric("CIDEr", scores.cider(texts, references)))
    else:
        notes.append("without references: no BLEU-4, CIDEr or RefCLIPScore")
    if len(rows) == 1:
        notes.append("one picture: no CIDEr or self-BLEU")
    return (*metrics, *_diversity(texts, known)), notes


def _diversity(texts: Sequence[str], known: Sequence[str] | None) -> list[Metric]:
    """The number of distinct words, the share of novel captions, and self-BLEU."""
    if known is None:
        known = [text.removeprefix(_PROMPT) for text in read_texts("captions.txt")]
    column = {word: i for i, word in enumerate(sorted(scores.vocabulary(texts)))}
    used = np.zeros((len(texts), len(column)), bool)  # (n, v)
    for row, text in zip(used, texts, strict=True):
        row[[column[word] for word in scores.tokens(text)]] = True
    metrics = [
        Metric("words", used, _count_used, resampled=False, is_count=True),
        Metric("novel", scores.novel(texts, known), mean),
    ]
    if len(texts) > 1:
        metrics.append(Metric("self-BLEU", scores.self_bleu(texts), mean, resampled=False))
    return metrics


def _count_used(used: np.ndarray) -> float:
    """The number of words (columns) used in at least one caption (row)."""
    return float(used.any(0).sum())


def _embed(encoder: "Encoder", texts: Sequence[str]) -> np.ndarray:
    """Unit vectors (n, d) of texts after CLIPScore's prompt."""
    return unit(encoder.texts([PREFIX + text for text in texts]))


def _has_references(data: Data) -> bool:
    """Whether a file has a column of references, or any of the pictures has some."""
    if isinstance(data, str | Path):
        return "references" in table_columns(Path(data))
    return any(row.references for row in data)
