"""What both trainings share: the optimizer, its schedule, and a checkpoint to go on from."""

from collections.abc import Iterator
from pathlib import Path

import torch

from tools.mini.progress import progress

KEEP_EVERY = 100  # steps; a stopped training loses at most these


class Training:
    """AdamW in float32 with linear warm-up and decay over `steps`; goes on from `keep`.

    `no_decay` tells by name which matrices take no weight decay; vectors never do.
    """

    def __init__(  # noqa: PLR0913
        self,
        model: torch.nn.Module,
        steps: int,
        keep: Path,
        *,
        peak: float,
        warmup: int,
        decay: float,
        no_decay: str = "-",
    ) -> None:
        self.model, self.steps, self.keep, self.peak, self.warmup = model, steps, keep, peak, warmup
        free = {n for n, p in model.named_parameters() if p.ndim < 2 or no_decay in n}
        named = list(model.named_parameters())
        groups = [
            {"params": [p for n, p in named if n in free], "weight_decay": 0.0},
            {"params": [p for n, p in named if n not in free], "weight_decay": decay},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.98), fused=True)
        self.start = 0
        if keep.exists():
            saved = torch.load(keep, weights_only=True)
            model.load_state_dict(saved["model"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.start = saved["step"]

    def __call__(self, what: str) -> Iterator[int]:
        """The steps that are left, with a progress bar; saves behind every `KEEP_EVERY`th."""
        self.model.train()
        for step in progress(range(self.start, self.steps), what, self.start, self.steps):
            rate = min((step + 1) / self.warmup, 1 - (step - self.warmup) / self._decaying)
            for group in self.optimizer.param_groups:
                group["lr"] = self.peak * rate
            yield step
            if (step + 1) % KEEP_EVERY == 0 or step + 1 == self.steps:
                self._save(step + 1)
        self.model.eval()

    def update(self, loss: torch.Tensor) -> None:
        """One step down the gradient of `loss`, clipped to norm 1."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()

    @property
    def _decaying(self) -> int:
        return self.steps - self.warmup + 1

    def _save(self, step: int) -> None:
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        beside = self.keep.with_suffix(".new")
        torch.save(state | {"step": step}, beside)
        beside.replace(self.keep)
