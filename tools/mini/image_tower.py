"""The image tower of `mini`: EfficientNet-Lite2, a head for drawings, a table of class names."""

import re
from collections.abc import Callable
from pathlib import Path

import timm
import torch
import torch.nn.functional as F

from tools.mini.drawn_classes import DrawnClass
from tools.mini.sample import article
from zcalc.models import tower

PROMPTS = ("{name}", "{an} {name}", "a photo of {an} {name}", "Image of {an} {name}.")


def build(weights: Path, drawn: int) -> tower.ClassMixture:
    """Build the tower with pretrained backbone weights, an untrained head and an empty table."""
    if drawn != tower.DRAWN:
        raise RuntimeError(
            f"found {drawn} drawn classes, not {tower.DRAWN}: update DRAWN in {tower.__file__}"
        )
    torch.manual_seed(0)
    model = tower.ClassMixture(384, drawn)
    backbone = timm.create_model("tf_efficientnet_lite2")
    copy_weights(backbone, weights)
    model.backbone.load_state_dict(tower.folded(backbone).state_dict())
    return model.eval()


def copy_weights(backbone: torch.nn.Module, weights: Path) -> None:
    """Copy the tensors of the `.pth` file by position, which timm keeps in the same order."""
    source = torch.load(weights, weights_only=True)
    target = backbone.state_dict()
    if len(source) != len(target):
        raise RuntimeError(f"{weights.name} has {len(source)} tensors, expected {len(target)}")
    for (name, expected), actual in zip(target.items(), source.values(), strict=True):
        if expected.shape != actual.shape:
            shapes = f"expected {tuple(expected.shape)}, got {tuple(actual.shape)}"
            raise RuntimeError(f"{name} in {weights.name}: {shapes}")
    backbone.load_state_dict(dict(zip(target, source.values(), strict=True)))


def plain(name: str) -> str:
    """A class name in lower case, without the explanation in parentheses."""
    return re.sub(r"\s*\(.*?\)", "", name).lower()


def class_table(
    names: list[str], drawn: list[DrawnClass], embed: Callable[[list[str]], torch.Tensor]
) -> torch.Tensor:
    """Rows (1000 + drawn, d): prompted ImageNet names, then the mean text of each drawn class."""
    rows = sum(
        embed([prompt.format(name=n, an=article(n)) for n in map(plain, names)])
        for prompt in PROMPTS
    )  # (1000, d)
    vectors = iter(embed([text for concept in drawn for text in concept.texts]))
    sums = [sum(next(vectors) for _ in concept.texts) for concept in drawn]  # (d,) each
    return F.normalize(torch.cat([rows, torch.stack(sums)]), dim=-1)
