"""What tells two sets of pictures apart: words by how well their cosines separate the sets.

VisDiff (Dunlap et al. 2024, arXiv 2312.02974) ranks descriptions of a difference by their AUROC.
There a language model proposes them; here they are the vocabulary, or one's own list.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zcalc.errors import ZcalcError

RESAMPLES = 500
_CHUNK = 2_000_000  # cosines at a time


@dataclass(frozen=True, slots=True)
class Separator:
    """A text with its AUROC: the chance that a picture of the first set is nearer to it.

    The interval from `low` to `high` holds for all texts that were tried together, at 95 %.
    """

    text: str
    auroc: float
    low: float
    high: float


def separators(
    first: np.ndarray, second: np.ndarray, texts: Sequence[str], vectors: np.ndarray, k: int
) -> list[Separator]:
    """The `k` texts with unit vectors (m, d) that speak most for the first set, best first.

    The sets are unit vectors (a, d) and (b, d). The interval is the AUROC ± z times its bootstrap
    standard error over the pictures of both sets, on the logit scale; z allows for the number of
    texts that were tried (Bonferroni). Raises ZcalcError for a set with fewer than two pictures.
    """
    if min(len(first), len(second)) < 2:
        message = f"diff needs two pictures or more in each set, not {len(first)} and {len(second)}"
        raise ZcalcError(message, "Widen the pattern of the smaller set.")
    from scipy.special import ndtri

    aurocs = np.concatenate(
        [
            auroc(first @ rows.T, second @ rows.T)
            for rows in _chunks(vectors, len(first) + len(second))
        ]
    )  # (m,)
    best = np.argsort(-aurocs, kind="stable")[:k]
    z = float(ndtri(1 - 0.025 / len(texts)))
    errors = _errors(first @ vectors[best].T, second @ vectors[best].T)  # (k,)
    # An AUROC of 0 or 1 has no logit: half a pair is taken off.
    edge = 0.5 / (len(first) * len(second))
    inside = np.clip(aurocs[best], edge, 1 - edge)
    logits, slack = np.log(inside / (1 - inside)), z * errors / (inside * (1 - inside))
    low, high = 1 / (1 + np.exp(slack - logits)), 1 / (1 + np.exp(-slack - logits))
    rows = zip(best.tolist(), aurocs[best].tolist(), low.tolist(), high.tolist(), strict=True)
    return [Separator(texts[i], *numbers) for i, *numbers in rows]


def auroc(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The AUROC (m,) of scores (a, m) against scores (b, m), ties counting half.

    >>> auroc(np.array([[3.0], [2.0]]), np.array([[1.0], [2.0]])).tolist()
    [0.875]
    """
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([first, second]), axis=0)  # (a + b, m)
    a, b = len(first), len(second)
    return (ranks[:a].sum(axis=0) - a * (a + 1) / 2) / (a * b)


def _errors(first: np.ndarray, second: np.ndarray, seed: int = 0) -> np.ndarray:
    """Bootstrap standard errors (m,) of the AUROC; at least that of half a pair."""
    rng = np.random.default_rng(seed)
    values = [
        auroc(
            first[rng.integers(len(first), size=len(first))],
            second[rng.integers(len(second), size=len(second))],
        )
        for _ in range(RESAMPLES)
    ]
    return np.maximum(np.std(values, axis=0), 0.5 / (len(first) * len(second)))


def _chunks(vectors: np.ndarray, pictures: int) -> list[np.ndarray]:
    size = max(1, _CHUNK // pictures)
    return [vectors[start : start + size] for start in range(0, len(vectors), size)]
