"""The image tower of `mini`: EfficientNet-Lite0's classes mixing the text tower's class names."""

import re
from pathlib import Path

import torch
import torch.nn.functional as F

from tools.mini.sample import article

PROMPTS = ("{name}", "{an} {name}", "a photo of {an} {name}", "Image of {an} {name}.")


def copy_backbone(backbone: torch.nn.Module, weights: Path) -> None:
    """Copy the 296 tensors of the `.pth` by position: timm holds them in the same order."""
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


def class_table(names: list[str], embed) -> torch.Tensor:
    """Rows (1000, d): the mean direction of a class name in a few prompts."""
    rows = torch.zeros(len(names), 0)
    for prompt in PROMPTS:
        found = embed(
            [prompt.format(name=n, an=article(n)) for n in map(plain, names)]
        )  # (1000, d)
        rows = found if not rows.numel() else rows + found
    return F.normalize(rows, dim=-1)
