"""The instant decoder: the nearest of the stored sentences."""

from collections.abc import Sequence

import numpy as np

from zcalc.decode.caption import Beam, Caption
from zcalc.errors import ZcalcError


def retrieve(
    target: np.ndarray, sentences: Sequence[str], sentence_embeddings: np.ndarray, k: int = 5
) -> Caption:
    """The `k` stored sentences nearest to a point (d,), nearest first.

    `sentence_embeddings` is (n, d), one row a sentence, of any length above 0. Raises ZcalcError
    when shapes don't fit together, nothing is stored, or the point has no direction.

    >>> found = retrieve(np.array([1.0, 0.1]), ["a dog", "a cat"], np.eye(2), k=1)
    >>> found.text, round(found.clip, 2)
    ('a dog', 1.0)
    """
    rows = np.asarray(sentence_embeddings, dtype=np.float32)  # (n, d)
    point = np.asarray(target, dtype=np.float32)  # (d,)
    if not len(sentences) or rows.shape != (len(sentences), *point.shape):
        raise ZcalcError(
            f"{len(sentences)} stored sentences with vectors of shape {rows.shape} can't be "
            f"compared with a point of shape {point.shape}.",
            "Embed the sentences with the model that made the point.",
        )
    norm = np.linalg.norm(point)
    if not np.isfinite(norm) or norm == 0:
        raise ZcalcError(
            "The point to decode has no direction: it holds NaN or infinite numbers, or only 0.",
            "Check the expression's operands, and whether they cancel out.",
        )
    cosines = rows @ (point / norm) / np.linalg.norm(rows, axis=1)  # (n,)
    order = np.argsort(-cosines, kind="stable")[: max(k, 1)]
    return Caption.of([Beam(sentences[i], float(cosines[i]), None) for i in order], "retrieve")
