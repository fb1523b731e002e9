"""The instant decoder: the nearest of the stored sentences."""

from collections.abc import Sequence

import numpy as np

from zcalc.decode.caption import Beam, Caption
from zcalc.decode.objective import Objective, objective
from zcalc.errors import ZcalcError


def retrieve(
    target: np.ndarray | Objective,
    sentences: Sequence[str],
    sentence_embeddings: np.ndarray,
    k: int = 5,
) -> Caption:
    """The `k` stored sentences nearest to a point (d,) or best by an objective, best first.

    `sentence_embeddings` is (n, d), one row a sentence, of any length above 0. Raises ZcalcError
    when shapes don't fit together, nothing is stored, or the point has no direction.

    >>> found = retrieve(np.array([1.0, 0.1]), ["a dog", "a cat"], np.eye(2), k=1)
    >>> found.text, round(found.clip, 2)
    ('a dog', 1.0)
    """
    import torch

    rows = np.asarray(sentence_embeddings, dtype=np.float32)  # (n, d)
    if not len(sentences) or rows.ndim != 2 or len(rows) != len(sentences):
        raise ZcalcError(
            f"{len(sentences)} stored sentences don't go with vectors of shape {rows.shape}.",
            "Embed every sentence, at least one, with the model that made the point.",
        )
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)  # (n, d)
    scores = objective(target)(torch.from_numpy(unit), sentences).numpy()  # (n,)
    order = np.argsort(-scores, kind="stable")[: max(k, 1)]
    return Caption.of([Beam(sentences[i], float(scores[i]), None) for i in order], "retrieve")
