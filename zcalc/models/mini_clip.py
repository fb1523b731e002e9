"""The encoder of `mini` without open_clip, which takes seconds to import.

open_clip loads the same files to the same embeddings.
"""

from collections import OrderedDict
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import torch
from PIL import Image
from safetensors import safe_open
from torch import Tensor, nn

from zcalc.models.causal import CausalTower
from zcalc.models.checkpoint import Checkpoint
from zcalc.models.tokenizer import FileTokenizer, TextTokenizer
from zcalc.models.torch_state import Uninitialized
from zcalc.models.tower import CLASSES, ClassMixture

Module = TypeVar("Module", bound=nn.Module)
_TOWER = "visual.trunk."
_TEXT = {
    "context_length", "eos_id", "heads", "hf_tokenizer_name", "layers", "pad_id", "pool_type",
    "vocab_size", "width",
}  # fmt: skip
_VISION = {"image_size", "timm_model_name", "timm_model_pretrained", "timm_pool", "timm_proj"}
_PREPARATION = {"mean", "std", "interpolation"}


def reads(checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint has the architecture of `mini`, and no option beyond it."""
    text, vision = checkpoint.config["text_cfg"], checkpoint.config["vision_cfg"]
    return (
        vision.get("timm_model_name") == "zcalc_class_mixture"
        and text.get("pool_type") == "eos"
        and checkpoint.tokenizer == checkpoint.weights.parent
        and checkpoint.preparation.get("interpolation") == "bicubic"
        and (set(text), set(vision)) == (_TEXT, _VISION)
        and set(checkpoint.preparation) == _PREPARATION
    )


class MiniClip(nn.Module):
    """Both towers of `mini`; that of pictures is loaded when the first picture is embedded.

    `device` is where they run, `dim` the length of an embedding, `picture_size` the height and
    width of a prepared picture in pixels, `logit_scale` the logarithm of what multiplies cosines.
    """

    logit_bias: Tensor | None = None

    def __init__(self, checkpoint: Checkpoint, device: torch.device) -> None:
        super().__init__()
        config, text = checkpoint.config, checkpoint.config["text_cfg"]
        self.device, self.dim, self._weights = device, int(config["embed_dim"]), checkpoint.weights
        self.picture_size = int(config["vision_cfg"]["image_size"])
        self.mean, self.std = (
            torch.tensor(checkpoint.preparation[name], device=device).view(3, 1, 1)
            for name in ("mean", "std")
        )
        file = checkpoint.weights.with_name("tokenizer.json")
        tokenizer = FileTokenizer(file, text["context_length"], text["pad_id"])
        if tokenizer.size > text["vocab_size"]:
            raise ValueError("its tokenizer is damaged or belongs to another model")
        self.tokenizer: TextTokenizer = tokenizer
        with Uninitialized():
            tower = TextTower(text, self.dim)
        self.text = _loaded(tower, self._weights, "text.", device)
        with safe_open(self._weights, "pt") as weights:
            self.logit_scale: Tensor = weights.get_tensor("logit_scale").float()

    @cached_property
    def visual(self) -> ClassMixture:
        """The image tower."""
        with safe_open(self._weights, "pt") as weights:
            classes = weights.get_slice(_TOWER + "table").get_shape()[0]
        with Uninitialized():
            tower = ClassMixture(self.dim, classes - CLASSES)
        return _loaded(tower, self._weights, _TOWER, self.device)

    @property
    def causal_tower(self) -> CausalTower:
        """The text tower, for texts that share a prefix."""
        return CausalTower(self.text)

    def resize(self, picture: Image.Image) -> Image.Image:
        """An RGB picture, scaled to fill a square and cropped to its middle."""
        size, (width, height) = self.picture_size, picture.size
        short = min(width, height)
        if short != size:
            width, height = (
                size if side == short else int(size * side / short) for side in picture.size
            )
            picture = picture.resize((width, height), Image.Resampling.BICUBIC)
        left, top = round((width - size) / 2), round((height - size) / 2)
        return picture.crop((left, top, left + size, top + size))

    def normalize(self, pixels: Tensor) -> Tensor:
        """The model's input (n, 3, h, w) of pixels (n, 3, h, w) from 0 to 1."""
        return (pixels - self.mean) / self.std

    def encode_image(self, pixels: Tensor) -> Tensor:
        """Raw embeddings (n, d) of normalized pixels (n, 3, h, w)."""
        return self.visual(pixels)

    def encode_text(self, ids: Tensor) -> Tensor:
        """Raw embeddings (n, d) of token ids (n, context)."""
        return self.text(ids)


class TextTower(nn.Module):
    """CLIP's text transformer: causal, read at the first end token.

    Parameters have the names that open_clip gives them in `TextTransformer`.
    Source: Radford et al. 2021 (arXiv 2103.00020), section 2.4.
    """

    cls_emb = None

    def __init__(self, config: Mapping[str, Any], dim: int) -> None:
        super().__init__()
        width, context = config["width"], config["context_length"]
        self.pool_type, self.pad_id, self.eos_id = "eos", config["pad_id"], config["eos_id"]
        self.token_embedding = nn.Embedding(config["vocab_size"], width)
        self.positional_embedding = nn.Parameter(torch.empty(context, width))
        self.transformer = Transformer(width, config["heads"], config["layers"])
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.empty(width, dim))

    def forward(self, ids: Tensor) -> Tensor:
        """Raw embeddings (n, d) of token ids (n, context).

        No position attends to later ones, so the padding after the longest text is left out.
        """
        longest = int(ids.ne(self.pad_id).any(0).nonzero().max()) + 1
        ids = ids[:, :longest]
        x = self.token_embedding(ids) + self.positional_embedding[:longest]  # (n, length, width)
        mask = self.attn_mask[:longest, :longest]
        x = self.transformer(x, mask)
        ends = (ids == self.eos_id).int().argmax(-1)  # (n,)
        return self.ln_final(x)[torch.arange(len(x)), ends] @ self.text_projection

    @cached_property
    def attn_mask(self) -> Tensor:
        """What is added to attention logits, (context, context): -inf for later positions."""
        context = len(self.positional_embedding)
        return torch.full((context, context), -torch.inf, device=self.text_projection.device).triu(
            1
        )


class Transformer(nn.Module):
    """The layers of the text tower."""

    def __init__(self, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(Block(width, heads) for _ in range(layers))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """The output (n, length, width) of all layers, with the mask (length, length) added."""
        for block in self.resblocks:
            x = block(x, mask)
        return x


class Block(nn.Module):
    """A layer of the text tower, with the parts that `CausalTower` runs one by one."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        layers = [nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)]
        self.mlp = nn.Sequential(OrderedDict(zip(("c_fc", "gelu", "c_proj"), layers, strict=True)))
        self.ls_1, self.ls_2 = nn.Identity(), nn.Identity()

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """The layer's output (n, length, width), with the mask (length, length) added."""
        rows = self.ln_1(x)
        x = x + self.attn(rows, rows, rows, need_weights=False, attn_mask=mask)[0]
        return x + self.mlp(self.ln_2(x))


def _loaded(tower: Module, weights: Path, prefix: str, device: torch.device) -> Module:
    """A tower filled in float32 with the weights under `prefix`, and frozen."""
    with safe_open(weights, "pt") as file:
        names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118
        state = {name.removeprefix(prefix): file.get_tensor(name) for name in names}
    tower.load_state_dict(state)
    return tower.to(device).eval().requires_grad_(False)
