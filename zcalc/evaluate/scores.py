"""What a caption is worth: against references, against the picture, and among its like.

Sentences are compared as lower-case words without punctuation (`tokens`).
"""

import re
from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from zcalc.errors import ZcalcError

WEIGHT = 2.5  # CLIPScore's w
_OTHERS = 500  # sentences that self-BLEU compares each one with, at most


def tokens(sentence: str) -> list[str]:
    """A sentence's words in lower case, without punctuation.

    >>> tokens("A dog's bowl, half-full.")
    ['a', "dog's", 'bowl', 'half', 'full']
    """
    return re.findall(r"[^\W_]+(?:'[^\W_]+)?", sentence.lower())


def bleu_counts(captions: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """What BLEU-4 is made of, for each caption a row (n, 10).

    Columns: n-grams of 1 to 4 words that a reference has too, all n-grams of 1 to 4 words, the
    caption's length and that of the reference nearest in length.
    Raises ZcalcError where sacrebleu is not installed.
    """
    bleu = _sacrebleu().BLEU(tokenize="none", force=True)
    rows = []
    for caption, texts in zip(captions, references, strict=True):
        score = bleu.corpus_score([_joined(caption)], [[_joined(text)] for text in texts])
        rows.append([*score.counts, *score.totals, score.sys_len, score.ref_len])
    return np.array(rows, np.int64).reshape(-1, 10)


def bleu(counts: np.ndarray) -> float:
    """BLEU-4 of a set of captions, 0 to 1, from their counts (n, 10) added up.

    exp(min(0, 1 - r / c)) times the geometric mean of the four shares of n-grams found, without
    smoothing: 0 where no 4-gram is found. Source: Papineni et al. 2002, by sacrebleu.
    """
    sums = counts.sum(0).tolist()
    found = _sacrebleu().BLEU.compute_bleu(
        correct=sums[:4], total=sums[4:8], sys_len=sums[8], ref_len=sums[9], smooth_method="none"
    )
    return float(found.score) / 100


def cider(captions: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """CIDEr-D of each caption (n,), from 0 to 10; the mean is the set's.

    Cosines of TF-IDF vectors of n-grams, 1 to 4 words long, with a penalty on length; how rare an
    n-gram is, is counted on these references, so it takes at least two pictures.
    Source: Vedantam et al. 2015, by pycocoevalcap. Raises ZcalcError where that is not installed.
    """
    said = {i: [_joined(caption)] for i, caption in enumerate(captions)}
    right = {i: [_joined(text) for text in texts] for i, texts in enumerate(references)}
    return np.asarray(_cider()().compute_score(right, said)[1], np.float64)


def clip_score(pictures: np.ndarray, captions: np.ndarray) -> np.ndarray:
    """CLIPScore (n,) of unit vectors of pictures and captions, (n, d) each: 2.5 · max(cos, 0).

    Source: Hessel et al. 2021, equation 1.
    """
    return WEIGHT * np.maximum((pictures * captions).sum(1), 0)


def ref_clip_score(
    pictures: np.ndarray, captions: np.ndarray, references: Sequence[np.ndarray]
) -> np.ndarray:
    """RefCLIPScore (n,): the harmonic mean of CLIPScore and the cosine with the nearest reference.

    `references` has unit vectors (r, d) for each caption; a cosine below 0 counts as 0.
    Source: Hessel et al. 2021, section 3.
    """
    own = clip_score(pictures, captions)
    nearest = [max(float((r @ c).max()), 0) for r, c in zip(references, captions, strict=True)]
    near = np.array(nearest)
    return 2 * own * near / np.maximum(own + near, 1e-12)


def vocabulary(sentences: Sequence[str]) -> set[str]:
    """The different words of sentences."""
    return {word for sentence in sentences for word in tokens(sentence)}


def novel(sentences: Sequence[str], known: Sequence[str]) -> np.ndarray:
    """1 for each sentence (n,) that is none of the known ones, word for word, and 0 for others."""
    before = {_joined(sentence) for sentence in known}
    return np.array([float(_joined(sentence) not in before) for sentence in sentences])


def self_bleu(sentences: Sequence[str]) -> np.ndarray:
    """How much each sentence repeats the others (n,), 0 to 1: its BLEU-4 with them as references.

    Each is compared with the others, evenly drawn where there are more than 500; short sentences
    take orders up to their length, and an order without a match is smoothed exponentially.
    Source: Zhu et al. 2018 (Texygen), by sacrebleu. Raises ZcalcError for fewer than two sentences.
    """
    if len(sentences) < 2:
        raise ZcalcError("Self-BLEU needs at least two sentences.", "Give it more captions.")
    bleu = _sacrebleu().BLEU(tokenize="none", force=True, effective_order=True)
    said = [_joined(sentence) for sentence in sentences]
    drawn = np.unique(np.linspace(0, len(said) - 1, min(len(said), _OTHERS + 1)).astype(int))
    scores = []
    for i, sentence in enumerate(said):
        others = [said[j] for j in drawn if j != i]
        scores.append(bleu.sentence_score(sentence, others).score / 100)
    return np.array(scores)


def _joined(sentence: str) -> str:
    return " ".join(tokens(sentence))


def require() -> None:
    """Raise ZcalcError where sacrebleu or pycocoevalcap is not installed."""
    _sacrebleu()
    _cider()


def _missing() -> ZcalcError:
    return ZcalcError("Captions are scored by other packages.", "pip install 'zcalc[evaluate]'")


@cache
def _sacrebleu() -> ModuleType:
    try:
        from sacrebleu.metrics import bleu
    except ImportError as error:
        raise _missing() from error
    return bleu


@cache
def _cider() -> Any:
    try:
        from pycocoevalcap.cider.cider import Cider
    except ImportError as error:
        raise _missing() from error
    return Cider
