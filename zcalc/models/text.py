"""Texts on their way into an open_clip model: cleaned, as rows of token ids, and run as short."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

from zcalc.models import compat  # noqa: F401  (before open_clip, which imports torchvision)

import open_clip  # isort: skip

_CLEAN = {  # what open_clip's cleaning does to a text once its encoding has been repaired
    "_clean_whitespace": open_clip.tokenizer.whitespace_clean,
    "_clean_lower": lambda text: open_clip.tokenizer.whitespace_clean(text).lower(),
    "_clean_canonicalize": lambda text: open_clip.tokenizer.canonicalize_text(text.strip()),
}


def quick_clean(clean: Callable[[str], str]) -> Callable[[str], str]:
    """open_clip's cleaning, without the repair of encodings and HTML where there are none.

    Plain printable ASCII without "&" comes out of that repair as it went in; the repair takes ten
    times as long as all the rest.
    """
    after = _CLEAN.get(clean.__name__)
    if after is None:
        return clean
    return lambda text: (after if _is_plain(text) else clean)(text)


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and "&" not in text


class TokenRows:
    """A tokenizer of open_clip whose rows are neither cut nor padded, start and end included."""

    def __init__(self, tokenizer: Any) -> None:
        self._own = tokenizer

    def __call__(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of texts."""
        own = self._own
        if isinstance(own, open_clip.SimpleTokenizer):
            return [[own.sot_token_id, *own.encode(text), own.eot_token_id] for text in texts]
        cleaned = [own.clean_fn(text) for text in texts]
        if self._backend is None:
            return own.tokenizer(cleaned, verbose=False).input_ids
        return [row.ids for row in self._backend.encode_batch_fast(cleaned)]

    @cached_property
    def _backend(self) -> Tokenizer | None:
        """The tokenizer's own core without cutting and padding, if it has one."""
        core = getattr(self._own.tokenizer, "backend_tokenizer", None)
        if not isinstance(core, Tokenizer):
            return None
        own = Tokenizer.from_str(core.to_str())
        own.no_padding()
        own.no_truncation()
        return own


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
