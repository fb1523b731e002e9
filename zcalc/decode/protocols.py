"""What a decoder asks of the two models: a text encoder and a causal language model."""

from typing import Any, Protocol

import torch
from torch import Tensor


class TextEncoder(Protocol):
    """The text side of a CLIP-like model."""

    context_length: int
    identity: str

    def tokenize(self, texts: list[str]) -> Tensor:
        """Token ids of the texts, padded to the context length, (n, context)."""
        ...

    def text_features(self, token_ids: Tensor) -> Tensor:
        """Raw features of tokenized texts, (n, d), without gradient."""
        ...

    def token_count(self, text: str) -> int:
        """How many positions the text takes, start and end tokens included."""
        ...


class CausalLM(Protocol):
    """A causal language model of transformers with its tokenizer."""

    model: Any
    tokenizer: Any
    device: torch.device


Cache = list[tuple[Tensor, Tensor]]  # a layer's keys and values, each (beams, heads, n, width)
