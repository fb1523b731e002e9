"""The image tower of `mini`: what a picture is likely to show mixes the embeddings of its names.

Importing this registers `zcalc_class_mixture` with timm, where open_clip finds it.
"""

from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zcalc.models import compat  # noqa: F401  (before timm, which imports torchvision)

import timm  # isort: skip
from timm.models import register_model  # isort: skip

CLASSES = 1000  # ImageNet-1k's
DRAWN = 1544  # flags, people and everyday things that drawings show
CHUNK = 8  # pictures at a time: their feature maps stay in a processor's cache
RIDGE, OFFSET = 1.0, 0.6  # of the guess; the part of the mean name that is taken out
GRID, TAPPED, CHANNELS, POOLED = 17, (1, 2, 4), 12 + 24 + 48 + 120, 1280


class ClassMixture(nn.Module):
    """A picture's embedding is the mixture of its likeliest classes' name embeddings, and a guess.

    `backbone` (EfficientNet-Lite2) gives logits over ImageNet's 1,000 classes, `drawn` over those
    that ImageNet lacks: flags, people, everyday things as drawings show them. Of the softmax over
    both at `temperature`, the `top` largest weight the rows of `table`, (classes, dim). To that
    direction comes `guess`, a linear map of the pooled features, where a photograph is likely: it
    places what no class is quite right for. `offset` (dim,) takes the mean picture out.
    Source: Norouzi et al., "Zero-Shot Learning by Convex Combination of Semantic Embeddings", 2014.
    """

    top = 16
    temperature = 1.2
    guessed = 0.4

    def __init__(self, dim: int, drawn: int = DRAWN) -> None:
        super().__init__()
        backbone: Any = folded(timm.create_model("tf_efficientnet_lite2", num_classes=CLASSES))
        self.backbone = backbone.to(memory_format=torch.channels_last)
        self.drawn = DrawnHead(drawn)
        self.table = nn.Parameter(torch.zeros(CLASSES + drawn, dim))
        self.guess = nn.Linear(POOLED, dim, bias=False)
        self.pooled_mean = nn.Parameter(torch.zeros(POOLED))
        self.offset = nn.Parameter(torch.zeros(dim))
        self.num_features = dim

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed pixels (n, 3, 260, 260) as (n, dim)."""
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        return torch.cat([self.embed(*self.classify(part)) for part in pixels.split(CHUNK)])

    def classify(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (n, classes) of all classes, ImageNet's first, and pooled features (n, 1280)."""
        photographed, grid, pooled = self.features(pixels)
        return torch.cat([photographed, self.drawn(grid, pooled)], 1), pooled

    def embed(self, logits: Tensor, pooled: Tensor) -> Tensor:
        """Embeddings (n, dim) from logits (n, classes) and pooled features (n, 1280)."""
        p = (logits / self.temperature).softmax(-1)  # (n, classes)
        weights, rows = p.topk(self.top)  # (n, top) each
        mixture = F.normalize((weights.unsqueeze(-1) * self.table[rows]).sum(1), dim=-1)
        photographed = p[:, :CLASSES].sum(1, keepdim=True)  # (n, 1)
        guess = F.normalize(self.guess(pooled - self.pooled_mean), dim=-1)  # (n, dim)
        return mixture + self.guessed * photographed * guess - self.offset

    @torch.no_grad()
    def fit_guess(self, known: Sequence[int] = range(CLASSES)) -> None:
        """Fit `guess` and `offset` without pictures, from the classes in `known` (m of them).

        Ridge regression, in its dual form, from the classifier's rows (m, 1280) to the names'
        embeddings (m, dim).
        """
        rows = torch.as_tensor(known)
        names = self.table[rows]  # (m, dim)
        weights = F.normalize(self.backbone.classifier.weight[rows], dim=-1)  # (m, 1280)
        gram = weights @ weights.T + RIDGE * torch.eye(len(rows))
        self.guess.weight.copy_((weights.T @ torch.linalg.solve(gram, names - names.mean(0))).T)
        self.offset.copy_(OFFSET * names.mean(0))

    def features(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """ImageNet's logits (n, 1000), and what `drawn` looks at: (n, 204, 17, 17), (n, 1280)."""
        trunk = self.backbone
        seen = [F.pixel_unshuffle(F.adaptive_avg_pool2d(pixels, 2 * GRID), 2)]  # (n, 12, 17, 17)
        maps = trunk.bn1(trunk.conv_stem(pixels))
        for number, block in enumerate(trunk.blocks):
            maps = block(maps)
            if number in TAPPED:
                seen.append(F.adaptive_avg_pool2d(maps, GRID))
        pooled = trunk.global_pool(trunk.bn2(trunk.conv_head(maps)))  # (n, 1280)
        return trunk.classifier(pooled), torch.cat(seen, 1), pooled


class DrawnHead(nn.Module):
    """Logits over what drawings show, from colours and shapes on a grid and the pooled features.

    The grid (n, 204, 17, 17) becomes 9 x 9 patches of 2 x 2 places, two transformer layers look at
    them, four attention maps pool them, and one hidden layer takes that and the backbone's pooled
    features (n, 1280).
    """

    def __init__(self, classes: int, width: int = 192, maps: int = 4, hidden: int = 384) -> None:
        super().__init__()
        self.grid_norm, self.pooled_norm = nn.BatchNorm2d(CHANNELS), nn.BatchNorm1d(POOLED)
        self.patches = nn.Linear(4 * CHANNELS, width)
        self.places = nn.Parameter(torch.zeros((GRID + 1) ** 2 // 4, width))
        self.layers = nn.Sequential(*(_layer(width) for _ in range(2)))
        self.attention = nn.Linear(width, maps)
        self.hidden = nn.Linear((maps + 1) * width + POOLED, hidden)
        self.dropout = nn.Dropout(0.2)
        self.logits = nn.Linear(hidden, classes)

    def forward(self, grid: Tensor, pooled: Tensor) -> Tensor:
        """Logits (n, classes)."""
        padded = F.pad(self.grid_norm(grid), (0, 1, 0, 1))  # (n, 204, 18, 18)
        patches = F.pixel_unshuffle(padded, 2).flatten(2).transpose(1, 2)  # (n, 81, 816)
        seen = self.layers(self.patches(patches) + self.places)  # (n, 81, width)
        where = self.attention(seen).softmax(1)  # (n, 81, maps)
        looked = (where.transpose(1, 2) @ seen).flatten(1)  # (n, maps * width)
        known = torch.cat([looked, seen.amax(1), self.pooled_norm(pooled)], 1)
        return self.logits(self.dropout(F.gelu(self.hidden(known))))


def _layer(width: int) -> nn.Module:
    return nn.TransformerEncoderLayer(
        width, 4, 2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )


def folded(model: nn.Module) -> nn.Module:
    """Put a network's batch normalisations into the convolutions before them, as at inference.

    1.4 times as fast on a processor; the network can't be trained any more.
    """
    model.eval()
    before: nn.Module | None = None
    for name, child in list(model.named_children()):
        if isinstance(child, nn.BatchNorm2d) and isinstance(before, nn.Conv2d):
            mean, variance = cast(Tensor, child.running_mean), cast(Tensor, child.running_var)
            before.weight, before.bias = nn.utils.fuse_conv_bn_weights(
                before.weight, before.bias, mean, variance, child.eps, child.weight, child.bias
            )
            setattr(model, name, getattr(child, "act", nn.Identity()))  # timm's layer has both
        else:
            folded(child)
        before = child
    return model


@register_model
def zcalc_class_mixture(num_classes: int = 384, **_timm: Any) -> ClassMixture:
    """Build the tower for an embedding of `num_classes` dimensions, as open_clip calls timm."""
    return ClassMixture(num_classes)
