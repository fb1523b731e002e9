"""Teaching the head that knows flags and drawings, on pictures seen through the frozen backbone."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from tools.mini.scene_set import NONE
from tools.mini.training import Training
from zcalc.models.tower import CLASSES, ClassMixture

BATCH, PEAK, WARMUP = 128, 2e-3, 150
# Scenes have far more drawings than people's pictures do: what is taken off their logits for that.
PRIOR = 1.5
LEFT_OUT = 16  # of so many files of pictures one is not learned from, to measure on


def loss(tower: ClassMixture, rows: dict[str, Tensor]) -> Tensor:
    """Cross-entropy over all classes; where none is drawn, ImageNet's together are the class."""
    drawn = tower.drawn(rows["grid"].float(), rows["pooled"].float())
    logits = torch.cat([rows["logits"].float(), drawn], 1).log_softmax(-1)  # (n, classes)
    labels = rows["labels"]
    shows = labels != NONE
    right = logits.gather(1, (labels.clamp(min=0) + CLASSES).unsqueeze(1)).squeeze(1)  # (n,)
    nothing = logits[:, :CLASSES].logsumexp(-1)  # (n,)
    smooth = logits[:, CLASSES:].mean(-1)
    return -torch.where(shows, 0.95 * right + 0.05 * smooth, 2 * nothing).mean()


def train(
    tower: ClassMixture, read: Callable[[], dict[str, Tensor]], steps: int, keep: Path
) -> None:
    """Train the head on the rows that `read` gives; resumes from `keep`."""
    training = Training(tower.drawn, steps, keep, peak=PEAK, warmup=WARMUP, decay=0.05)
    if training.start == steps:
        tower.drawn.eval()
        return
    rows = read()
    count = len(rows["labels"])
    kept = torch.arange(count // LEFT_OUT, count)
    for step in training("drawn head"):
        draw = torch.Generator().manual_seed(step)
        batch = kept[torch.randint(len(kept), (BATCH,), generator=draw)]
        with torch.autocast("cpu", torch.bfloat16):
            value = loss(tower, {name: values[batch] for name, values in rows.items()})
        training.update(value)
    left = {name: values[: count // LEFT_OUT] for name, values in rows.items()}
    print("      " + measured(tower, left))


@torch.no_grad()
def lower(tower: ClassMixture) -> None:
    """Make drawn classes rarer than they were in training."""
    tower.drawn.logits.bias -= PRIOR


@torch.inference_mode()
def measured(tower: ClassMixture, rows: dict[str, Tensor]) -> str:
    """How often pictures that were not learned from are known, and nothing is seen in nothing."""
    drawn = tower.drawn(rows["grid"].float(), rows["pooled"].float())
    found = torch.cat([rows["logits"].float(), drawn], 1).argmax(1) - CLASSES
    labels = rows["labels"]
    shows = labels != NONE
    right = (found[shows] == labels[shows]).float().mean()
    silent = (found[~shows] < 0).float().mean()
    return f"on pictures not learned from: {right:.3f} known, {silent:.3f} of the others let be"
