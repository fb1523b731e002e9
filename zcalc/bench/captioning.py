"""Captioning: captions scored against references, against the pictures, and for diversity."""

import random
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
    read_coco,
    read_labelled,
    table_columns,
)
from zcalc.bench.report import Metric, Report, mean
from zcalc.gallery import Gallery
from zcalc.wordlists import read_texts
from zcalc.words import stems

if TYPE_CHECKING:
    from zcalc.calculator import Calculator
    from zcalc.models.encoder import Encoder

PREFIX = "A photo depicts "  # CLIPScore's prompt
_PROMPT = "Image of "  # the decoders' prompt, which references don't have


def captions(  # noqa: PLR0913
    calculator: "Calculator",
    data: Data,
    method: str | None = None,
    *,
    title: str = "captions",
    known: Sequence[str] | None = None,
    folder: str | Path | None = None,
    limit: int | None = None,
    **settings: Any,
) -> Report:
    """Caption the pictures of a table and score the captions: see docs/bench.md.

    `data` may be COCO's captions JSON as it is, with its pictures in `folder` (by default the
    file's); of more than `limit` pictures, so many are drawn with the calculator's seed. `method`
    and `settings` are those of `Result.caption`; a caption is novel if it is not among `known` (by
    default the sentences of the decoder `retrieve`). Without references, BLEU, ROUGE-L, METEOR,
    CIDEr and RefCLIPScore are left out, and a note says so.
    Raises ZcalcError if the table, or everything in it, can't be read, or a package is missing.
    """
    scores.check_installed()
    start, encoder = time.perf_counter(), calculator.models.encoder
    data = data if isinstance(data, str | Path) else list(data)
    has_references = not _is_coco(data) and _has_references(data)
    if _is_coco(data):
        rows, skipped = read_coco(Path(str(data)), None if folder is None else Path(folder))
    else:
        rows, skipped = read_labelled(data, calculator.gallery, has_references)
    if limit is not None and limit < len(rows):
        rows = random.Random(calculator.seed).sample(rows, limit)
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
    notes: list[str] = []
    references = [row.references for row in rows]
    if all(references):
        reference_vectors = [_embed(encoder, group) for group in references]
        values = scores.ref_clip_score(pictures, vectors, reference_vectors)
        metrics.append(Metric("RefCLIPScore", values))
        metrics = [*_against(references, texts, notes), *metrics]
    else:
        notes.append("without references: only CLIPScore, diversity and named classes")
    classes = [row.names for row in rows]
    if all(classes):
        metrics.append(Metric("named", _named(texts, classes), mean))
    if len(rows) == 1:
        notes.append("one picture: no CIDEr or self-BLEU")
    return (*metrics, *_diversity(texts, known)), notes


def _against(
    references: Sequence[Sequence[str]], texts: Sequence[str], notes: list[str]
) -> list[Metric]:
    """The metrics of captions against references, with a note on one that can't be computed."""
    counts = scores.bleu_counts(texts, references)  # (n, 10)
    metrics = [
        Metric("BLEU-1", counts, scores.bleu_1),
        Metric("BLEU-4", counts, scores.bleu),
        Metric("ROUGE-L", scores.rouge_l(texts, references), mean),
    ]
    meteor = scores.meteor(texts, references)
    if meteor is None:
        notes.append("without Java: no METEOR")
    else:
        metrics.append(Metric("METEOR", meteor, mean))
    if len(texts) > 1:
        metrics.append(Metric("CIDEr", scores.cider(texts, references)))
    return metrics


def _named(texts: Sequence[str], classes: Sequence[Sequence[str]]) -> np.ndarray:
    """Whether each caption (n,) has the words of one of its picture's class names: 1 or 0."""
    pairs = zip(texts, classes, strict=True)
    return np.array(
        [float(any(stems(name) <= stems(text) for name in names)) for text, names in pairs]
    )


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


def _is_coco(data: Data) -> bool:
    return isinstance(data, str | Path) and Path(data).suffix.lower() == ".json"


def _has_references(data: Data) -> bool:
    """Whether a file has a column of references, or any of the pictures has some."""
    if isinstance(data, str | Path):
        return "references" in table_columns(Path(data))
    return any(row.references for row in data)
