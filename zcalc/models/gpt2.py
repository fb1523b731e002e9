"""GPT-2 without transformers, which takes seconds to import: what decoding needs of it, no more.

Called as transformers' `GPT2LMHeadModel` is, with equal logits; parameters have its names.
Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

KeyValues = tuple[Tensor, Tensor]  # of one layer, each (n, heads, positions, w)


@dataclass
class Layer:
    """The keys and values (n, heads, positions, w) of one layer, which `GPT2` extends."""

    keys: Tensor
    values: Tensor


class Past:
    """The past key values of all layers."""

    def __init__(self, past: Sequence[KeyValues] = ()) -> None:
        self.layers = [Layer(keys, values) for keys, values in past]

    def extend(self, number: int, keys: Tensor, values: Tensor) -> KeyValues:
        """A layer's keys and values with those of new positions appended."""
        if number == len(self.layers):
            self.layers.append(Layer(keys, values))
        else:
            layer = self.layers[number]
            layer.keys = torch.cat([layer.keys, keys], 2)
            layer.values = torch.cat([layer.values, values], 2)
        return self.layers[number].keys, self.layers[number].values


@dataclass(frozen=True)
class Output:
    """Logits (n, t, V) and the past key values up to their last position."""

    logits: Tensor
    past_key_values: Past


class GPT2(nn.Module):
    """A causal language model with learned positions; `config` is that of transformers."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = Config(config)
        width, eps = self.config.hidden_size, config["layer_norm_epsilon"]
        self.wte = nn.Embedding(self.config.vocab_size, width)
        self.wpe = nn.Embedding(self.config.max_position_embeddings, width)
        heads, layers = self.config.num_attention_heads, self.config.num_hidden_layers
        self.h = nn.ModuleList(Block(width, heads, eps) for _ in range(layers))
        self.ln_f = nn.LayerNorm(width, eps)

    def get_input_embeddings(self) -> nn.Embedding:
        """The token embeddings, which are the output weights too."""
        return self.wte

    def forward(
        self,
        input_ids: Tensor | None = None,
        past_key_values: Past | None = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool = True,
    ) -> Output:
        """Run ids (n, t), or their embeddings (n, t, width), after the past key values."""
        past = past_key_values or Past()
        x = self.wte(input_ids) if inputs_embeds is None else inputs_embeds
        start = past.layers[0].keys.shape[2] if past.layers else 0
        x = x + self.wpe(torch.arange(start, start + x.shape[1], device=x.device))
        for number, block in enumerate(self.h):
            x = block(x, past, number)
        return Output(linear(self.ln_f(x), self.wte.weight), past)


class Config(SimpleNamespace):
    """What decoders ask a model's configuration for, under the names of transformers."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(
            model_type="gpt2",
            vocab_size=config["vocab_size"],
            hidden_size=config["n_embd"],
            max_position_embeddings=config["n_positions"],
            num_attention_heads=config["n_head"],
            num_hidden_layers=config["n_layer"],
        )

    def get_text_config(self) -> "Config":
        """The configuration of the language model: this one."""
        return self


class Block(nn.Module):
    """A layer: attention, then a perceptron, each after a layer norm and added to its input."""

    def __init__(self, width: int, heads: int, eps: float) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width, eps), nn.LayerNorm(width, eps)
        self.attn, self.mlp = Attention(width, heads), Perceptron(width)

    def forward(self, x: Tensor, past: Past, number: int) -> Tensor:
        """The layer's output (n, t, width)."""
        x = self.attn(self.ln_1(x), past, number) + x
        return x + self.mlp(self.ln_2(x))


class Attention(nn.Module):
    """Causal attention to the past key values and to the input itself."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.c_attn, self.c_proj = Projection(width, 3 * width), Projection(width, width)
        self._heads = heads

    def forward(self, x: Tensor, past: Past, number: int) -> Tensor:
        """The attended values, projected: (n, t, width)."""
        query, *new = (
            part.unflatten(-1, (self._heads, -1)).transpose(1, 2)
            for part in self.c_attn(x).chunk(3, dim=2)
        )  # (n, heads, t, w) each
        keys, values = past.extend(number, new[0], new[1])
        # One position sees all; several are the first ones: decoders extend by one at a time.
        causal = query.shape[2] > 1
        attended = scaled_dot_product_attention(query, keys, values, is_causal=causal)
        return self.c_proj(attended.transpose(1, 2).flatten(2))


class Perceptron(nn.Module):
    """Two projections with GELU, by its tanh approximation, between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.c_fc, self.c_proj = Projection(width, 4 * width), Projection(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """The output (n, t, width)."""
        return self.c_proj(nn.functional.gelu(self.c_fc(x), approximate="tanh"))


class Projection(nn.Module):
    """A linear map whose weight is stored transposed (in, out), as GPT-2's checkpoints have it."""

    def __init__(self, in_: int, out: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(in_, out)), nn.Parameter(torch.empty(out))

    def forward(self, x: Tensor) -> Tensor:
        """The output (n, t, out)."""
        flat = torch.addmm(self.bias, x.flatten(0, 1), self.weight)
        return flat.unflatten(0, x.shape[:2])
