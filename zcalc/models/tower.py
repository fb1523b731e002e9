"""The image tower of `mini`: a mixture of the name embeddings of a picture's likeliest classes."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zcalc.models.efficientnet import EfficientNetLite2
from zcalc.models.faces import FaceDetector

CLASSES = 1000  # ImageNet-1k's
DRAWN = 1544  # flags, people and everyday things, as drawings show them
CHUNK = 8  # pictures per forward pass: their feature maps fit into the CPU cache
RIDGE = 1.0  # penalty of `guess`
# Classes whose faces are nobody's: ImageNet's animals, and the flags, first of the drawn classes.
FACELESS = (slice(0, 398), slice(CLASSES, CLASSES + 104))
COMPANIES = 4  # rows of `people`: a portrait, a person, a few people, a crowd
GRID, TAPPED, CHANNELS, POOLED = 17, (1, 2, 4), 12 + 24 + 48 + 120, 1280


class ClassMixture(nn.Module):
    """Embeds a picture as a mixture of its likeliest classes' name embeddings plus a linear guess.

    `backbone` (EfficientNet-Lite2) computes logits over ImageNet's 1,000 classes, `drawn` over
    classes that ImageNet lacks: flags, people, everyday things as drawings show them. The `top`
    largest probabilities of the softmax over both, at `temperature`, weight the rows of `table`,
    (classes, dim). `guess`, a linear map of the pooled features, is added in proportion to the
    probability of a photograph: it places what no class fits. Along `mean` (dim,), the direction
    of the mean class, all pictures get the same component: those that no class fits, mixtures of
    everything, would otherwise be near to everything (hubs). Where `faces` finds somebody, rows of
    `people` take a share of the probability.
    Source: Norouzi et al., "Zero-Shot Learning by Convex Combination of Semantic Embeddings", 2014.
    """

    top = 16
    temperature = 1.0
    guessed = 0.4
    common = 0.5  # the component along the mean class that all pictures get
    peopled, portrayed = 0.15, 0.5  # shares of people in a picture with somebody, in a portrait

    def __init__(self, dim: int, drawn: int = DRAWN) -> None:
        super().__init__()
        backbone: nn.Module = EfficientNetLite2(CLASSES)
        self.backbone = backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.drawn = DrawnHead(drawn)
        self.table = nn.Parameter(torch.zeros(CLASSES + drawn, dim))
        self.guess = nn.Linear(POOLED, dim, bias=False)
        self.pooled_mean = nn.Parameter(torch.zeros(POOLED))
        self.mean = nn.Parameter(torch.zeros(dim))
        self.faces = FaceDetector()
        self.people = nn.Parameter(torch.zeros(COMPANIES, dim))
        self.num_features = dim

    def forward(self, pixels: Tensor) -> Tensor:
        """Embed pixels (n, 3, 260, 260) as (n, dim)."""
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        parts = pixels.split(CHUNK)
        return torch.cat([self.embed(*self.classify(part)) for part in parts])

    def classify(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (n, classes), ImageNet's first, pooled features (n, 1280), and faces (n, 3)."""
        photographed, grid, pooled = self.features(pixels)
        logits = torch.cat([photographed, self.drawn(grid, pooled)], 1)
        return logits, pooled, self.faces(pixels)

    def embed(self, logits: Tensor, pooled: Tensor, faces: Tensor) -> Tensor:
        """Embeddings (n, dim) from logits (n, classes), pooled features (n, 1280), faces (n, 3)."""
        p = (logits / self.temperature).softmax(-1)  # (n, classes)
        company = self.company(p, faces)  # (n, companies)
        p = p * (1 - company.sum(1, keepdim=True))
        weights, rows = p.topk(self.top)  # (n, top) each
        named = (weights.unsqueeze(-1) * self.table[rows]).sum(1) + company @ self.people
        mixture = F.normalize(named, dim=-1)
        photographed = p[:, :CLASSES].sum(1, keepdim=True)  # (n, 1)
        guess = F.normalize(self.guess(pooled - self.pooled_mean), dim=-1)  # (n, dim)
        return self.place(mixture + self.guessed * photographed * guess)

    def place(self, rows: Tensor) -> Tensor:
        """Rows (n, dim) with the same component along `mean`, the others scaled to length 1."""
        own = rows - (rows @ self.mean).unsqueeze(1) * self.mean
        return F.normalize(own, dim=-1) + self.common * self.mean

    def company(self, p: Tensor, faces: Tensor) -> Tensor:
        """Shares (n, companies) of the rows of `people`, by class probabilities and faces (n, 3).

        A face as high as a third of the picture makes a portrait; two make a few people, five a
        crowd. A likely animal or flag has no company.
        """
        count, height, sure = faces.unbind(1)
        sure = sure * (1 - sum(p[:, classes].sum(1) for classes in FACELESS))
        portrait = ((height - 0.3) / 0.025).sigmoid()
        few, crowd = ((count - 1.6) / 0.25).sigmoid(), ((count - 4.5) / 0.6).sigmoid()
        others = [1 - few, few * (1 - crowd), few * crowd]
        rows = torch.stack([portrait, *((1 - portrait) * kind for kind in others)], 1)
        share = self.peopled + (self.portrayed - self.peopled) * portrait  # (n,)
        return (sure * share).unsqueeze(1) * rows

    @torch.no_grad()
    def fit_guess(self, classes: Sequence[int] = range(CLASSES)) -> None:
        """Fit `guess` and `mean` without pictures, on m classes.

        Dual ridge regression from the classifier's rows (m, 1280) to the embeddings of the class
        names (m, dim).
        """
        rows = torch.as_tensor(classes)
        names = self.table[rows]  # (m, dim)
        weights = F.normalize(self.backbone.classifier.weight[rows], dim=-1)  # (m, 1280)
        gram = weights @ weights.T + RIDGE * torch.eye(len(rows))
        self.guess.weight.copy_((weights.T @ torch.linalg.solve(gram, names - names.mean(0))).T)
        self.mean.copy_(F.normalize(names.mean(0), dim=0))

    def features(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """ImageNet's logits (n, 1000) and the inputs of `drawn`: (n, 204, 17, 17), (n, 1280)."""
        trunk = self.backbone
        taps = [F.pixel_unshuffle(F.adaptive_avg_pool2d(pixels, 2 * GRID), 2)]  # (n, 12, 17, 17)
        maps = trunk.stem(pixels)
        for number, block in enumerate(trunk.blocks):
            maps = block(maps)
            if number in TAPPED:
                taps.append(F.adaptive_avg_pool2d(maps, GRID))
        pooled = trunk.pool(maps)  # (n, 1280)
        return trunk.classifier(pooled), torch.cat(taps, 1), pooled


class DrawnHead(nn.Module):
    """Logits over the drawn classes, from a grid of features and the backbone's pooled features.

    The grid (n, 204, 17, 17) is split into 9 x 9 patches of 2 x 2 cells, which pass through two
    transformer layers and are pooled by four attention maps. A hidden layer combines the result
    with the pooled features (n, 1280).
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
        x = self.layers(self.patches(patches) + self.places)  # (n, 81, width)
        weights = self.attention(x).softmax(1)  # (n, 81, maps)
        attended = (weights.transpose(1, 2) @ x).flatten(1)  # (n, maps * width)
        features = torch.cat([attended, x.amax(1), self.pooled_norm(pooled)], 1)
        return self.logits(self.dropout(F.gelu(self.hidden(features))))


def _layer(width: int) -> nn.Module:
    return nn.TransformerEncoderLayer(
        width, 4, 2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )
