"""Run the language model one token at a time, with a KV cache that is never recomputed."""

from collections.abc import Sequence

import torch
from torch import Tensor

from zcalc.decode.protocols import Cache, CausalLM
from zcalc.decode.settings import DecoderSettings


def autocast(settings: DecoderSettings, device: torch.device) -> torch.autocast:
    """A context with matrix products in bfloat16 if `settings.precision` is "bf16"."""
    return torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bf16")


def prefill(lm: CausalLM, prompt: Tensor, prefix: Tensor | None = None) -> Cache:
    """The cache of all but the last token of a prompt (p,), for one row.

    With prefix vectors (n, length, width) before the prompt, for n rows.
    """
    with torch.no_grad():
        if prefix is None:
            out = lm.model(prompt[None], use_cache=True)
        else:
            embedded = lm.model.get_input_embeddings()(prompt).expand(len(prefix), -1, -1)
            embedded = torch.cat([prefix.to(embedded.dtype), embedded], 1)
            out = lm.model(inputs_embeds=embedded, use_cache=True)
    layers = out.past_key_values.layers
    return [(layer.keys[:, :, :-1], layer.values[:, :, :-1]) for layer in layers]


def next_logits(lm: CausalLM, last: Tensor, past: Cache) -> tuple[Tensor, Cache]:
    """Next-token logits (a, V) after last tokens (a,), given a cache; and the cache with them."""
    cache = lm.cache(past)
    model = lm.half if torch.is_autocast_enabled(lm.device.type) else lm.model
    out = model(last[:, None], past_key_values=cache, use_cache=True)
    grown = [(layer.keys.detach(), layer.values.detach()) for layer in cache.layers]
    return out.logits[:, -1].float(), grown


def select(cache: Cache, rows: Tensor | Sequence[int]) -> Cache:
    """The given rows of a cache, in that order."""
    return [(keys[rows], values[rows]) for keys, values in cache]
