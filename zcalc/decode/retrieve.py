"""The decoder `retrieve`: the nearest stored sentences, no language model."""

from collections.abc import Sequence

import numpy as np

from zcalc.decode.caption import Beam, Caption
from zcalc.decode.english import correct
from zcalc.decode.objective import Objective, objective
from zcalc.decode.settings import RetrieveSettings
from zcalc.errors import ZcalcError


def retrieve(
    target: np.ndarray | Objective,
    sentences: Sequence[str],
    sentence_embeddings: np.ndarray,
    settings: RetrieveSettings | None = None,
) -> Caption:
    """The stored sentences nearest to a point (d,), or best by an objective, best first.

    `sentence_embeddings` (n, d) need not be normalised. Raises ZcalcError if there are no
    sentences, shapes don't match, or the point has no direction.

    >>> caption = retrieve(np.array([1.0, 0.1]), ["a dog", "a cat"], np.eye(2))
    >>> caption.text, caption.raw, round(caption.clip, 2)
    ('A dog.', 'a dog', 1.0)
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
    settings = settings or RetrieveSettings()
    order = _diverse(scores, unit, min(settings.beams, len(scores)), settings.diversity)
    mend = correct if settings.english else str
    beams = [Beam(mend(sentences[i]), float(scores[i]), None, raw=sentences[i]) for i in order]
    return Caption.of(beams, "retrieve")


def _diverse(scores: np.ndarray, rows: np.ndarray, count: int, diversity: float) -> list[int]:
    """The `count` best of scores (n,), each less `diversity` · its cosine with one before it."""
    order: list[int] = []
    nearest = np.zeros_like(scores)  # (n,)
    for _ in range(count):
        values = scores - diversity * nearest
        values[order] = -np.inf
        order.append(int(values.argmax()))
        nearest = np.maximum(nearest, rows @ rows[order[-1]])
    return order
