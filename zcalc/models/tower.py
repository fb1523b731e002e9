"""The image tower of `mini`: class probabilities that mix the embeddings of class names.

Importing this registers `zcalc_class_mixture` with timm, where open_clip finds it.
"""

from typing import Any

import torch

from zcalc.models import compat  # noqa: F401  (before timm, which imports torchvision)

import timm  # isort: skip
from timm.models import register_model  # isort: skip


class ClassMixture(torch.nn.Module):
    """A picture's embedding is the mixture of its likeliest classes' name embeddings.

    `backbone` gives logits over 1,000 classes; of their softmax the `top` largest are kept as they
    are (not renormalised) and weight the rows of `table`, (1000, dim).
    Source: Norouzi et al., "Zero-Shot Learning by Convex Combination of Semantic Embeddings", 2014.
    """

    classes = 1000
    top = 10

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.backbone = timm.create_model("tf_efficientnet_lite0", num_classes=self.classes)
        self.table = torch.nn.Parameter(torch.zeros(self.classes, dim))
        self.num_features = dim

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Embed pixels (n, 3, 224, 224) as (n, dim)."""
        weights, rows = self.backbone(pixels).softmax(-1).topk(self.top)  # (n, top), (n, top)
        return (weights.unsqueeze(-1) * self.table[rows]).sum(1)  # (n, dim)


@register_model
def zcalc_class_mixture(num_classes: int = 384, **_timm: Any) -> ClassMixture:
    """Build the tower for an embedding of `num_classes` dimensions, as open_clip calls timm."""
    return ClassMixture(num_classes)
