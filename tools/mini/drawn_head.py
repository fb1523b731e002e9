"""Trains the head that recognises flags and drawings, on features of the frozen backbone."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from tools.mini.scene_set import NONE
from tools.mini.training import Training
from zcalc.models.tower import CLASSES, ClassMixture

BATCH, PEAK, WARMUP = 128, 2e-3, 150
# Drawings are far more common in the scenes than in real collections, so their logits are lowered.
PRIOR = 1.5
HELD_OUT = 16  # one in this many pictures is held out for evaluation


def loss(tower: ClassMixture, rows: dict[str, Tensor]) -> Tensor:
    """Cross-entropy over all classes; a picture of no drawn class counts as any ImageNet class."""
    drawn = tower.drawn(rows["grid"].float(), rows["pooled"].float())
    logits = torch.cat([rows["logits"].float(), drawn], 1).log_softmax(-1)  # (n, classes)
    labels = rows["labels"]
    is_drawn = labels != NONE
    target = logits.gather(1, (labels.clamp(min=0) + CLASSES).unsqueeze(1)).squeeze(1)  # (n,)
    imagenet = logits[:, :CLASSES].logsumexp(-1)  # (n,)
    smooth = logits[:, CLASSES:].mean(-1)
    return -torch.where(is_drawn, 0.95 * target + 0.05 * smooth, 2 * imagenet).mean()


def train(
    tower: ClassMixture, read: Callable[[], dict[str, Tensor]], steps: int, checkpoint: Path
) -> None:
    """Train the head on the features that `read` returns; resumes from `checkpoint`."""
    training = Training(tower.drawn, steps, checkpoint, peak=PEAK, warmup=WARMUP, decay=0.05)
    if training.start == steps:
        tower.drawn.eval()
        return
    rows = read()
    count = len(rows["labels"])
    training_rows = torch.arange(count // HELD_OUT, count)
    for step in training("drawn head"):
        generator = torch.Generator().manual_seed(step)
        batch = training_rows[torch.randint(len(training_rows), (BATCH,), generator=generator)]
        with torch.autocast("cpu", torch.bfloat16):
            value = loss(tower, {name: values[batch] for name, values in rows.items()})
        training.update(value)
    held_out = {name: values[: count // HELD_OUT] for name, values in rows.items()}
    print("      " + accuracy(tower, held_out))


@torch.no_grad()
def lower_prior(tower: ClassMixture) -> None:
    """Lower the prior of the drawn classes, which training data over-represents."""
    tower.drawn.logits.bias -= PRIOR


@torch.inference_mode()
def accuracy(tower: ClassMixture, rows: dict[str, Tensor]) -> str:
    """Report top-1 accuracy on drawn classes, and the true-negative rate on other pictures."""
    drawn = tower.drawn(rows["grid"].float(), rows["pooled"].float())
    predicted = torch.cat([rows["logits"].float(), drawn], 1).argmax(1) - CLASSES
    labels = rows["labels"]
    is_drawn = labels != NONE
    top1 = (predicted[is_drawn] == labels[is_drawn]).float().mean()
    negatives = (predicted[~is_drawn] < 0).float().mean()
    return f"held-out pictures: top-1 {top1:.3f} on drawn classes, {negatives:.3f} true negatives"
