"""What a decoder asks of the two models: a text encoder and a causal language model."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor


class Continuations(Protocol):
    """Embeds texts that continue prefixes known beforehand."""

    def vectors(self, sources: Sequence[int], texts: Sequence[str]) -> Tensor:
        """Unit vectors (n, d) of whole texts, each beginning with prefix `sources[i]`.

        NaN where a text is longer than the model's context.
        """
        ...


class TextEncoder(Protocol):
    """The text side of a CLIP-like model."""

    context_length: int
    identity: str

    def continuations(self, prefixes: Sequence[str]) -> Continuations:
        """What embeds texts that begin with these prefixes."""
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
