"""What a model says of pictures, against references, against the pictures, and for variety."""

import copy
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.algebra import unit
from zcalc.evaluate import scores
from zcalc.evaluate.data import (
    Data,
    Labelled,
    columns_of,
    embed_pictures,
    labelled,
    readable,
)
from zcalc.evaluate.report import Figure, Report, Skip, mean
from zcalc.gallery import Gallery
from zcalc.words import read_texts

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

PREFIX = "A photo depicts "  # what CLIPScore puts before a caption
_PROMPT = "Image of "  # what decoders put before it, and references don't have


def captions(
    calculator: "Calculator",
    data: Data,
    method: str | None = None,
    *,
    title: str = "captions",
    known: Sequence[str] | None = None,
    **settings: Any,
) -> Report:
    """Caption the pictures of a table and score what comes: see docs/evaluation.md.

    `method` and `settings` are those of `Result.caption`; `known` are the sentences that a novel
    one differs from (without them, the stored ones of the decoder `retrieve`). Where the table has
    no column `references`, BLEU-4, CIDEr and RefCLIPScore are left out, and a note says so.
    Raises ZcalcError where the table can't be read, nothing in it can, or a package is missing.
    """
    begin = time.perf_counter()
    scores.require()
    data = data if isinstance(data, str | Path) else list(data)
    referenced = _referenced(data)
    rows, skipped = labelled(data, calculator.gallery, referenced)
    if referenced:
        rows, long = readable(calculator, rows, PREFIX)
        skipped += long
    rows, pictures, unreadable = embed_pictures(calculator, rows)
    said = write(calculator, rows, method, **settings)
    notes = [f"{len(rows) - len(said)} not written"] if len(said) < len(rows) else []  # interrupted
    kept, unread = _scorable(calculator, rows, said)
    rows, said = [rows[i] for i in kept], [said[i] for i in kept]
    figures, more = measure(calculator, rows, pictures[kept], said, known)
    return Report(
        title,
        calculator.model,
        tuple(row.name for row in rows),
        (title,) * len(rows),
        figures,
        tuple({"caption": text} for text in said),
        (*skipped, *unreadable, *unread),
        (*notes, *more),
        seconds=time.perf_counter() - begin,
    )


def write(
    calculator: "Calculator", rows: Sequence[Labelled], method: str | None = None, **settings: Any
) -> list[str]:
    """A caption for each picture, without the decoder's "Image of"."""
    if not rows:
        return []
    own = copy.copy(calculator)  # the same models, another gallery
    own.gallery = Gallery(named={row.name: row.path for row in rows})
    made = own.captions([own.img(row.name) for row in rows], method, **settings)
    return [caption.text.removeprefix(_PROMPT) for caption in made]


def measure(
    calculator: "Calculator",
    rows: Sequence[Labelled],
    pictures: np.ndarray,
    said: Sequence[str],
    known: Sequence[str] | None = None,
) -> tuple[tuple[Figure, ...], list[str]]:
    """All figures of captions of pictures, unit vectors (n, d), and notes on what is left out."""
    if not rows:
        return (), []
    vectors = _vectors(calculator, said)  # (n, d)
    found = [Figure("CLIPScore", scores.clip_score(pictures, vectors))]
    notes = []
    right = [row.references for row in rows]
    if all(right):
        near = [_vectors(calculator, texts) for texts in right]
        refs = scores.ref_clip_score(pictures, vectors, near)
        found.append(Figure("RefCLIPScore", refs))
        found.insert(0, Figure("BLEU-4", scores.bleu_counts(said, right), scores.bleu))
        if len(rows) > 1:
            found.insert(1, Figure("CIDEr", scores.cider(said, right)))
    else:
        notes.append("without references: no BLEU-4, CIDEr and RefCLIPScore")
    if len(rows) == 1:
        notes.append("one picture: no CIDEr and self-BLEU")
    return (*found, *_diversity(said, known)), notes


def _diversity(said: Sequence[str], known: Sequence[str] | None) -> list[Figure]:
    """How many different words, the share of sentences not known, and self-BLEU."""
    if known is None:
        known = [text.removeprefix(_PROMPT) for text in read_texts("captions.txt")]
    words = {word: i for i, word in enumerate(sorted(scores.vocabulary(said)))}
    used = np.zeros((len(said), len(words)), bool)  # (n, v)
    for row, sentence in zip(used, said, strict=True):
        row[[words[word] for word in scores.tokens(sentence)]] = True
    found = [
        Figure("words", used, _different, resampled=False, counted=True),
        Figure("novel", scores.novel(said, known), mean),
    ]
    if len(said) > 1:
        found.append(Figure("self-BLEU", scores.self_bleu(said), mean, resampled=False))
    return found


def _different(used: np.ndarray) -> float:
    """How many words (columns) are used in any sentence (rows)."""
    return float(used.any(0).sum())


def _scorable(
    calculator: "Calculator", rows: Sequence[Labelled], said: Sequence[str]
) -> tuple[list[int], list[Skip]]:
    """The places of captions that the model can read whole, and those that it can't."""
    encoder = calculator.encoder
    fits = [encoder.token_count(PREFIX + text) <= encoder.context_length for text in said]
    reason = "its caption is too long for the model"
    skipped = [Skip(row.name, reason) for row, fit in zip(rows, fits, strict=False) if not fit]
    return [i for i, fit in enumerate(fits) if fit], skipped


def _vectors(calculator: "Calculator", texts: Sequence[str]) -> np.ndarray:
    """Unit vectors (n, d) of captions behind CLIPScore's prefix."""
    return unit(calculator.encoder.texts([PREFIX + text for text in texts]))


def _referenced(data: Data) -> bool:
    """Whether a file has a column of references, or any of the pictures given has some."""
    if isinstance(data, str | Path):
        return "references" in columns_of(Path(data))
    return any(row.references for row in data)
