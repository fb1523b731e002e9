"""The image tower of `mini`: EfficientNet-Lite2, a head for drawings, the table of names."""

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
    """The tower with its backbone's weights; the head untrained, the table empty."""
    if drawn != tower.DRAWN:
        raise RuntimeError(f"there are {drawn} drawn classes: set DRAWN in {tower.__file__}")
    torch.manual_seed(0)
    model = tower.ClassMixture(384, drawn)
    backbone = timm.create_model("tf_efficientnet_lite2")
    copy_weights(backbone, weights)
    model.backbone.load_state_dict(tower.folded(backbone).state_dict())
    return model.eval()


def copy_weights(backbone: torch.nn.Module, weights: Path) -> None:
    """Copy the tensors of the `.pth` by position: timm holds them in the same order."""
    source = torch.load(weights, weights_only=True)
    target = backbone.state_dict()
    if len(source) != len(target):
        raise RuntimeError(f"{weights.name} holds {len(source)} tensors, expected {len(target)}")
    for (name, ours), theirs in zip(target.items(), source.values(), strict=True):
        if ours.shape != theirs.shape:
            raise RuntimeError(f"{name}: {tuple(theirs.shape)} in {weights.name}, not {ours.shape}")
    backbone.load_state_dict(dict(zip(target, source.values(), strict=True)))


def plain(name: str) -> str:
    """A class name as a person writes it: no bracketed explanation, lower case."""
    return re.sub(r"\s*\(.*?\)", "", name).lower()


def class_table(
    names: list[str], drawn: list[DrawnClass], embed: Callable[[list[str]], torch.Tensor]
) -> torch.Tensor:
    """Rows (1000 + drawn, d): ImageNet's names in prompts, then the mean of each class's texts."""
    rows = sum(
        embed([prompt.format(name=n, an=article(n)) for n in map(plain, names)])
        for prompt in PROMPTS
    )  # (1000, d)
    texts = [text for shown in drawn for text in shown.texts]
    found = iter(embed(texts))
    mixed = [sum(next(found) for _ in shown.texts) for shown in drawn]  # (d,) each
    return F.normalize(torch.cat([rows, torch.stack(mixed)]), dim=-1)
