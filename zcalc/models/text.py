"""Text towers run at the length of their longest text, where that gives the same embeddings."""

import torch
from torch import Tensor


def encode_text(model: torch.nn.Module, ids: Tensor) -> Tensor:
    """Raw embeddings (n, d) of token ids (n, context) by a model of open_clip.

    A causal tower never looks at the padding behind a text, so it runs at the length of the
    longest one; any other tower runs as it is.
    """
    tower = getattr(model, "text", None)
    whole = getattr(tower, "attn_mask", None)  # (context, context), of causal towers only
    if whole is None or getattr(tower, "cls_emb", None) is not None:
        return model.encode_text(ids)  # type: ignore[operator]
    longest = int(ids.ne(tower.pad_id).any(0).nonzero().max()) + 1  # type: ignore[union-attr]
    tower.attn_mask = whole[:longest, :longest]  # type: ignore[union-attr]
    try:
        return model.encode_text(ids[:, :longest])  # type: ignore[operator]
    finally:
        tower.attn_mask = whole  # type: ignore[union-attr]
