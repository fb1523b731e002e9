"""Caption scores: against references, against the picture, and for diversity.

Sentences are compared as lower-case words without punctuation (`tokens`).
"""

import re
import shutil
from collections.abc import Sequence
from typing import Any

import numpy as np

from zcalc.errors import ZcalcError, require

WEIGHT = 2.5  # CLIPScore's w
_MAX_OTHERS = 500  # sentences that self-BLEU compares each one with


def tokens(sentence: str) -> list[str]:
    """A sentence's words in lower case, without punctuation.

    >>> tokens("A dog's bowl, half-full.")
    ['a', "dog's", 'bowl', 'half', 'full']
    """
    return re.findall(r"[^\W_]+(?:'[^\W_]+)?", sentence.lower())


def bleu_counts(captions: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """The counts that BLEU-4 is computed from, (n, 10): a row for each caption.

    Columns: n-grams of 1 to 4 words that also occur in a reference, all n-grams of 1 to 4 words,
    the caption's length, and that of the reference closest in length.
    Raises ZcalcError if sacrebleu is not installed.
    """
    bleu = _sacrebleu().BLEU(tokenize="none", force=True)
    rows = []
    for caption, texts in zip(captions, references, strict=True):
        score = bleu.corpus_score([_tokenized(caption)], [[_tokenized(text)] for text in texts])
        rows.append([*score.counts, *score.totals, score.sys_len, score.ref_len])
    return np.array(rows, np.int64).reshape(-1, 10)


def bleu(counts: np.ndarray) -> float:
    """Corpus BLEU-4, 0 to 1, from the counts (n, 10) of its captions.

    exp(min(0, 1 - r / c)) times the geometric mean of the four n-gram precisions, without
    smoothing: 0 if no 4-gram matches. Source: Papineni et al. 2002, by sacrebleu.
    """
    sums = counts.sum(0).tolist()
    score = _sacrebleu().BLEU.compute_bleu(
        correct=sums[:4], total=sums[4:8], sys_len=sums[8], ref_len=sums[9], smooth_method="none"
    )
    return float(score.score) / 100


def cider(captions: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """CIDEr-D of each caption (n,), from 0 to 10; the corpus score is their mean.

    Cosines of TF-IDF vectors of 1- to 4-grams, with a length penalty. Document frequencies come
    from these references, so that at least two pictures are needed.
    Source: Vedantam et al. 2015, by pycocoevalcap. Raises ZcalcError if that is not installed.
    """
    candidates = {i: [_tokenized(caption)] for i, caption in enumerate(captions)}
    targets = {i: [_tokenized(text) for text in texts] for i, texts in enumerate(references)}
    return np.asarray(_pycocoevalcap().Cider().compute_score(targets, candidates)[1], np.float64)


def bleu_1(counts: np.ndarray) -> float:
    """Corpus BLEU-1, 0 to 1, from the counts (n, 10) of its captions: unigrams and length only."""
    sums = counts.sum(0)
    precision = sums[0] / max(sums[4], 1)
    brevity = min(0.0, 1 - sums[9] / max(sums[8], 1))
    return float(precision * np.exp(brevity))


def rouge_l(captions: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray:
    """ROUGE-L of each caption (n,), 0 to 1: the F-measure (β = 1.2) of the longest common sequence.

    Source: Lin 2004, by pycocoevalcap. Raises ZcalcError if that is not installed.
    """
    rouge = require("pycocoevalcap.rouge.rouge", "bench", "Scoring captions").Rouge()
    values = [
        rouge.calc_score([_tokenized(caption)], [_tokenized(text) for text in texts])
        for caption, texts in zip(captions, references, strict=True)
    ]
    return np.asarray(values, np.float64)


def meteor(captions: Sequence[str], references: Sequence[Sequence[str]]) -> np.ndarray | None:
    """METEOR of each caption (n,), 0 to 1; None without Java.

    Source: Denkowski and Lavie 2014, version 1.5, run by pycocoevalcap.
    """
    if shutil.which("java") is None:
        return None
    module = require("pycocoevalcap.meteor.meteor", "bench", "Scoring captions")
    candidates = {i: [_tokenized(caption)] for i, caption in enumerate(captions)}
    targets = {i: [_tokenized(text) for text in texts] for i, texts in enumerate(references)}
    try:
        return np.asarray(module.Meteor().compute_score(targets, candidates)[1], np.float64)
    except (OSError, ValueError):  # a Java that does not start
        return None


def clip_score(pictures: np.ndarray, captions: np.ndarray) -> np.ndarray:
    """CLIPScore (n,) of the unit vectors of pictures and captions, (n, d) each: 2.5 · max(cos, 0).

    Source: Hessel et al. 2021, equation 1.
    """
    return WEIGHT * np.maximum((pictures * captions).sum(1), 0)


def ref_clip_score(
    pictures: np.ndarray, captions: np.ndarray, references: Sequence[np.ndarray]
) -> np.ndarray:
    """RefCLIPScore (n,): harmonic mean of CLIPScore and the best cosine with a reference.

    `references` has the unit vectors (r, d) of each caption's references; negative cosines count
    as 0. Source: Hessel et al. 2021, section 3.
    """
    clip = clip_score(pictures, captions)
    closest = np.array(
        [max(float((r @ c).max()), 0) for r, c in zip(references, captions, strict=True)]
    )
    return 2 * clip * closest / np.maximum(clip + closest, 1e-12)


def vocabulary(sentences: Sequence[str]) -> set[str]:
    """The distinct words of sentences."""
    return {word for sentence in sentences for word in tokens(sentence)}


def novel(sentences: Sequence[str], known: Sequence[str]) -> np.ndarray:
    """1 for each sentence (n,) that equals none of the known ones word for word, 0 for others."""
    seen = {_tokenized(sentence) for sentence in known}
    return np.array([float(_tokenized(sentence) not in seen) for sentence in sentences])


def self_bleu(sentences: Sequence[str]) -> np.ndarray:
    """How much each sentence repeats the others (n,), 0 to 1: BLEU-4 with them as references.

    At most 500 others, evenly spaced, are compared. Short sentences use orders up to their length;
    an order without a match is smoothed exponentially.
    Source: Zhu et al. 2018 (Texygen), by sacrebleu. Raises ZcalcError for fewer than two sentences.
    """
    if len(sentences) < 2:
        raise ZcalcError("Self-BLEU needs at least two sentences.", "Pass more captions.")
    bleu = _sacrebleu().BLEU(tokenize="none", force=True, effective_order=True)
    texts = [_tokenized(sentence) for sentence in sentences]
    count = min(len(texts), _MAX_OTHERS + 1)
    sampled = np.unique(np.linspace(0, len(texts) - 1, count).astype(int))
    scores = []
    for i, text in enumerate(texts):
        others = [texts[j] for j in sampled if j != i]
        scores.append(bleu.sentence_score(text, others).score / 100)
    return np.array(scores)


def check_installed() -> None:
    """Raise ZcalcError unless sacrebleu and pycocoevalcap are installed."""
    _sacrebleu()
    _pycocoevalcap()


def _tokenized(sentence: str) -> str:
    return " ".join(tokens(sentence))


def _sacrebleu() -> Any:
    return require("sacrebleu", "bench", "Scoring captions").metrics.bleu


def _pycocoevalcap() -> Any:
    require("pycocoevalcap", "bench", "Scoring captions")
    return require("pycocoevalcap.cider.cider", "bench", "Scoring captions")
