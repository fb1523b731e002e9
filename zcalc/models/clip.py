"""What an encoder needs of a CLIP model: `mini_clip` and `open_clip_model` have one each."""

from typing import Protocol

import torch
from PIL import Image

from zcalc.models.causal import CausalTower
from zcalc.models.tokenizer import TextTokenizer


class Clip(Protocol):
    """A CLIP model, as the encoder runs it: in float32, its weights frozen."""

    dim: int
    device: torch.device
    tokenizer: TextTokenizer
    logit_scale: torch.Tensor
    logit_bias: torch.Tensor | None

    @property
    def causal_tower(self) -> CausalTower | None:
        """The text tower, if texts that share a prefix may run it once."""
        ...

    def resize(self, picture: Image.Image) -> Image.Image:
        """An RGB picture in the model's size."""
        ...

    def normalize(self, pixels: torch.Tensor) -> torch.Tensor:
        """The model's input (n, 3, h, w) of pixels (n, 3, h, w) from 0 to 1."""
        ...

    def encode_image(self, pixels: torch.Tensor) -> torch.Tensor:
        """Raw embeddings (n, d) of normalized pixels (n, 3, h, w)."""
        ...

    def encode_text(self, ids: torch.Tensor) -> torch.Tensor:
        """Raw embeddings (n, d) of token ids (n, context)."""
        ...
