"""The training loop that all trained parts share: optimizer, schedule and checkpoints."""

from collections.abc import Iterator
from pathlib import Path

import torch

from tools.mini.progress import progress

SAVE_EVERY = 100  # steps; at most this many are lost when training is interrupted


class Training:
    """AdamW in float32 with linear warm-up and decay over `steps`; resumes from `checkpoint`.

    Vectors, and matrices whose name contains `no_decay`, are excluded from weight decay.
    """

    def __init__(  # noqa: PLR0913
        self,
        model: torch.nn.Module,
        steps: int,
        checkpoint: Path,
        *,
        peak: float,
        warmup: int,
        decay: float,
        no_decay: str = "-",
    ) -> None:
        self.model, self.steps, self.checkpoint = model, steps, checkpoint
        self.peak, self.warmup = peak, warmup
        parameters = list(model.named_parameters())
        exempt = {n for n, p in parameters if p.ndim < 2 or no_decay in n}
        groups = [
            {"params": [p for n, p in parameters if n in exempt], "weight_decay": 0.0},
            {"params": [p for n, p in parameters if n not in exempt], "weight_decay": decay},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.98), fused=True)
        self.start = 0
        if checkpoint.exists():
            saved = torch.load(checkpoint, weights_only=True)
            model.load_state_dict(saved["model"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.start = saved["step"]

    def __call__(self, label: str) -> Iterator[int]:
        """Iterate over the remaining steps with a progress bar, saving every `SAVE_EVERY` steps."""
        self.model.train()
        for step in progress(range(self.start, self.steps), label, self.start, self.steps):
            rate = min((step + 1) / self.warmup, 1 - (step - self.warmup) / self._decay_steps)
            for group in self.optimizer.param_groups:
                group["lr"] = self.peak * rate
            yield step
            if (step + 1) % SAVE_EVERY == 0 or step + 1 == self.steps:
                self._save(step + 1)
        self.model.eval()

    def update(self, loss: torch.Tensor) -> None:
        """Take one optimizer step on `loss`, with the gradient clipped to norm 1."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()

    @property
    def _decay_steps(self) -> int:
        return self.steps - self.warmup + 1

    def _save(self, step: int) -> None:
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        temporary = self.checkpoint.with_suffix(".new")
        torch.save(state | {"step": step}, temporary)
        temporary.replace(self.checkpoint)
