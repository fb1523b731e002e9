"""The language model, a token at a time: its cache of keys and values grows and is never remade."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from zcalc.decode.protocols import Cache, CausalLM
from zcalc.decode.settings import DecoderSettings
from zcalc.errors import ZcalcError


def autocast(settings: DecoderSettings, device: torch.device) -> torch.autocast:
    """Matrix products in bfloat16 inside this context, if the settings ask for it."""
    return torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bf16")


def begin(lm: CausalLM, prompt: Tensor) -> Cache:
    """Keys and values of all but the last token of a prompt (p,), for one row."""
    with torch.no_grad():
        out = lm.model(prompt[None], use_cache=True)
    layers = getattr(out.past_key_values, "layers", [])
    if not layers or any(getattr(layer, "keys", None) is None for layer in layers):
        raise ZcalcError(
            f"{type(lm.model).__name__} keeps no cache of keys and values, which decoding needs.",
            "Use the decoder retrieve, or another language model.",
        )
    return [(layer.keys[:, :, :-1], layer.values[:, :, :-1]) for layer in layers]


def next_logits(lm: CausalLM, last: Tensor, past: Cache) -> tuple[Tensor, Cache]:
    """Next-token logits (a, V) when the last tokens (a,) see a cache, and the cache with them."""
    from transformers import DynamicCache

    cache: Any = DynamicCache()
    cache.layers = [_layer(keys, values) for keys, values in past]
    out = lm.model(last[:, None], past_key_values=cache, use_cache=True)
    grown = [(layer.keys.detach(), layer.values.detach()) for layer in cache.layers]
    return out.logits[:, -1].float(), grown


def _layer(keys: Tensor, values: Tensor) -> Any:
    """A cache's layer that holds them as they are; `update` would copy them into an empty one."""
    from transformers.cache_utils import DynamicLayer

    layer: Any = DynamicLayer()
    layer.keys, layer.values = keys, values
    layer.dtype, layer.device, layer.is_initialized = keys.dtype, keys.device, True
    return layer


def select(cache: Cache, rows: Tensor | Sequence[int]) -> Cache:
    """The cache of those rows, in that order."""
    return [(keys[rows], values[rows]) for keys, values in cache]
