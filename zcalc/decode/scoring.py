"""How near texts come to the point that is being decoded."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from zcalc.decode.protocols import TextEncoder
from zcalc.errors import ZcalcError

_BATCH = 256  # texts that the encoder sees at once


class TargetScorer:
    """Cosine of texts with one target (d,); every text is encoded once.

    Raises ZcalcError for a target that is not one finite vector of the encoder's width, or when
    `prompt` fills the encoder's context.
    """

    def __init__(self, target: np.ndarray, encoder: TextEncoder, prompt: str) -> None:
        self._encoder = encoder
        self._cosines: dict[str, float] = {}
        used = encoder.token_count(prompt)
        if used >= encoder.context_length:
            raise ZcalcError(
                f"The prompt takes {used} of the text encoder's {encoder.context_length} tokens, "
                "which leaves no room for a caption.",
                "Shorten the prompt.",
            )
        width = text_vectors([prompt], encoder).shape[1]
        self._target = _unit_target(target, width)  # (d,)

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Cosines (n,); a text longer than the encoder's context counts as -1, the farthest."""
        new = [text for text in dict.fromkeys(texts) if text not in self._cosines]
        counts = {text: self._encoder.token_count(text) for text in new}
        fitting = [text for text in new if counts[text] <= self._encoder.context_length]
        fitting.sort(key=counts.__getitem__)  # texts of a length share a batch
        self._cosines.update(dict.fromkeys(new, -1.0))
        if fitting:
            vectors = text_vectors(fitting, self._encoder)  # (n, d)
            cosines = vectors @ self._target.to(vectors.device)  # (n,)
            self._cosines.update(zip(fitting, cosines.tolist(), strict=True))
        return torch.tensor([self._cosines[text] for text in texts])

    def nearest(self, vectors: Tensor, k: int) -> Tensor:
        """Rows (k,) of the unit vectors (n, d) nearest to the target, nearest first."""
        cosines = vectors @ self._target.to(vectors.device)  # (n,)
        return cosines.topk(min(k, len(cosines))).indices


def text_vectors(texts: Sequence[str], encoder: TextEncoder) -> Tensor:
    """Unit vectors (n, d) of texts that fit the encoder's context."""
    batches = []
    with torch.no_grad():
        for start in range(0, len(texts), _BATCH):
            ids = encoder.tokenize(list(texts[start : start + _BATCH]))  # (n, context)
            batches.append(normalize(encoder.text_features(ids).float(), dim=-1))
    return torch.cat(batches)


def _unit_target(target: np.ndarray, width: int) -> Tensor:
    """The target (d,) at length 1, refused where it has no direction."""
    point = torch.as_tensor(np.asarray(target, dtype=np.float32))
    if point.shape != (width,):
        raise ZcalcError(
            f"The point to decode has the shape {tuple(point.shape)}, the text encoder's vectors "
            f"have {width} numbers.",
            "Decode a point with the model that made it.",
        )
    if not point.isfinite().all() or not point.norm():
        raise ZcalcError(
            "The point to decode has no direction: it holds NaN or infinite numbers, or only 0.",
            "Check the expression's operands, and whether they cancel out.",
        )
    return normalize(point, dim=0)
