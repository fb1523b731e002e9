"""The interfaces of the two models that decoders use: a text encoder and a language model."""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor


class Continuations(Protocol):
    """Embeds texts that continue a fixed set of prefixes."""

    def vectors(self, sources: Sequence[int], texts: Sequence[str]) -> Tensor:
        """Unit vectors (n, d) of whole texts, each beginning with prefix `sources[i]`.

        A row is NaN if the text is longer than the model's context.
        """
        ...


class TextEncoder(Protocol):
    """The text side of a CLIP-like model; `context_length` is in tokens."""

    context_length: int
    identity: str

    def continuations(self, prefixes: Sequence[str]) -> Continuations:
        """An embedder of texts that begin with these prefixes."""
        ...

    def token_count(self, text: str) -> int:
        """The length of a text in tokens, including the start and end tokens."""
        ...


Cache = list[tuple[Tensor, Tensor]]  # keys and values per layer, each (beams, heads, n, width)


class CausalLM(Protocol):
    """A causal language model, called as those of transformers are, with its tokenizer."""

    model: Any
    tokenizer: Any
    device: torch.device

    @property
    def half(self) -> Any:
        """The model with matrices in bfloat16, for use under autocast."""
        ...

    def cache(self, past: Cache) -> Any:
        """Past key values, as the model takes them."""
        ...
