"""The decoder `retrieve`: the nearest stored sentences, no language model."""

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
    """The `k` stored sentences nearest to a point (d,), or best by an objective, best first.

    `sentence_embeddings` (n, d) need not be normalised. Raises ZcalcError if there are no
    sentences, shapes don't match, or the point has no direction.

    >>> caption = retrieve(np.array([1.0, 0.1]), ["a dog", "a cat"], np.eye(2), k=1)
    >>> caption.text, round(caption.clip, 2)
    ('a dog', 1.0)
    """
    import torch

    rows = np.asarray(sentence_embeddings, dtype=np.float32)  # (n, d)
    if not len(sentences) or rows.ndim != 2 or len(rows) != len(sentences):
        raise ZcalcError(
            f"{len(sentences)} stored sentences don't match embeddings of shape {rows.shape}.",
            "Embed one or more sentences with the model that embedded the point.",
        )
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)  # (n, d)
    scores = objective(target)(torch.from_numpy(unit), sentences).numpy()  # (n,)
    order = np.argsort(-scores, kind="stable")[: max(k, 1)]
    return Caption.of([Beam(sentences[i], float(scores[i]), None) for i in order], "retrieve")
