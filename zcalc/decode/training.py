"""Trains a prefix decoder on captions alone: it learns to write a caption from its own point.

CapDec (Nukrai et al. 2022, arXiv 2211.00575): the caption's text embedding gets Gaussian noise, so
that the decoder also reads points beside it, such as a picture's.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from zcalc.models.prefix import Projector

PADDING = -1
Points = Callable[[list[int], torch.Generator], Tensor]  # rows of captions -> points (n, d)


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """How a prefix decoder is trained.

    Each of `steps` takes a batch of `batch` captions. `rate` and `prefix_rate` are the peak
    learning rates of language model and projector. `plain` is the share of the batches
    without a prefix (see `Trainer`). `save_every` is in steps.
    """

    steps: int = 2000
    batch: int = 128
    rate: float = 6e-4
    prefix_rate: float = 1e-3
    warmup: int = 100
    decay: float = 0.05
    plain: float = 0.0
    save_every: int = 100
    seed: int = 0


def sentence(text: str) -> str:
    """A caption as a sentence: one line, a capital at the start, a full stop at the end.

    >>> sentence("a dog  on a couch ")
    'A dog on a couch.'
    """
    words = " ".join(text.split()).rstrip(" .,;:")
    return words[:1].upper() + words[1:] + "." * bool(words)


def noisy(points: Tensor, longest: float, generator: torch.Generator) -> Tensor:
    """Unit points (n, d) plus Gaussian noise of a length up to `longest`, as unit points."""
    noise = normalize(torch.randn(points.shape, generator=generator), dim=-1)
    lengths = longest * torch.rand(len(points), 1, generator=generator)
    return normalize(points + lengths * noise, dim=-1)


def token_rows(captions: list[str], tokenizer: Any, longest: int, begin: list[int]) -> Tensor:
    """Token ids (n, t) between the ids `begin` and an end token, padded with -1.

    A row has at most `longest` ids.
    """
    encoded = tokenizer(captions, add_special_tokens=False).input_ids
    rows = [[*begin, *ids[: longest - 1 - len(begin)], tokenizer.eos_token_id] for ids in encoded]
    table = torch.full((len(rows), max(map(len, rows))), PADDING)
    for row, ids in zip(table, rows, strict=True):
        row[: len(ids)] = torch.tensor(ids)
    return table


def loss(model: Any, ids: Tensor, prefix: Tensor) -> Tensor:
    """Mean negative log-likelihood per token, in nats, of captions (n, t) after a prefix.

    `prefix` is (n, length, width); it predicts the first token.
    """
    ids = ids[:, : int(ids.ne(PADDING).sum(1).max())]
    embedded = model.get_input_embeddings()(ids.clamp(min=0))  # (n, t, width)
    embedded = torch.cat([prefix.to(embedded.dtype), embedded], 1)
    logits = model(inputs_embeds=embedded, use_cache=False).logits  # (n, length + t, V)
    logits = logits[:, prefix.shape[1] - 1 : -1].float()  # (n, t, V)
    return cross_entropy(logits.flatten(0, 1), ids.flatten(), ignore_index=PADDING)


def divergence(model: Any, teacher: Any, ids: Tensor) -> Tensor:
    """KL(teacher ‖ model) of the next token, the mean over the tokens of captions (n, t)."""
    ids = ids[:, : int(ids.ne(PADDING).sum(1).max())]
    with torch.no_grad():
        target = teacher(ids.clamp(min=0)).logits[:, :-1].float().log_softmax(-1)
    own = model(ids.clamp(min=0)).logits[:, :-1].float().log_softmax(-1)  # (n, t - 1, V)
    values = (target.exp() * (target - own)).sum(-1)  # (n, t - 1)
    return values[ids[:, 1:].ne(PADDING)].mean()


@dataclass
class Trainer:
    """Trains a language model with its projector on captions (n, t); resumes from `checkpoint`.

    With `plain_ids` (n, t), a share of the batches keeps the language model what it is without a
    prefix: its next tokens in those captions are to be those of `teacher`, a copy of it.
    """

    model: Any
    projector: Projector
    ids: Tensor
    points: Points
    settings: TrainingSettings
    checkpoint: Path
    plain_ids: Tensor | None = None
    teacher: Any = None

    def __post_init__(self) -> None:
        groups = [
            {"params": list(self.model.parameters()), "lr": 0.0, "peak": self.settings.rate},
            {"params": list(self.projector.parameters()), "peak": self.settings.prefix_rate},
        ]
        decay = self.settings.decay
        self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=decay)
        self.step, self.lengths = 0, self.ids.ne(PADDING).sum(1)
        if self.checkpoint.exists():
            self._resume()

    def __call__(self) -> Iterator[float]:
        """The loss of every step that is left, saving as it goes."""
        self.model.train().requires_grad_(True)
        steps = range(self.step, self.settings.steps)
        for step in steps:
            value = self._update(step)
            self.step = step + 1
            if self.step % self.settings.save_every == 0 or self.step == self.settings.steps:
                self.save()
            yield value
        self.model.eval().requires_grad_(False)

    def _update(self, step: int) -> float:
        generator = torch.Generator().manual_seed(self.settings.seed * 1_000_003 + step)
        plain = self.plain_ids
        if plain is not None and torch.rand((), generator=generator) < self.settings.plain:
            rows = torch.randint(len(plain), (self.settings.batch,), generator=generator)
            with self._autocast():
                value = divergence(self.model, self.teacher, plain[rows])
        else:
            picked = self._batch(generator)
            points = self.points(picked.tolist(), generator)  # (n, d)
            with self._autocast():
                value = loss(self.model, self.ids[picked], self.projector(points))
        self._schedule(step)
        self.optimizer.zero_grad(set_to_none=True)
        value.backward()
        for group in self.optimizer.param_groups:
            torch.nn.utils.clip_grad_norm_(group["params"], 1.0)
        self.optimizer.step()
        return float(value.detach())

    def _autocast(self) -> torch.autocast:
        """Matrix products in bfloat16."""
        return torch.autocast(self.ids.device.type, torch.bfloat16)

    def _batch(self, generator: torch.Generator) -> Tensor:
        """Rows of captions of similar length, which leaves little padding."""
        size = self.settings.batch
        pool = torch.randint(len(self.ids), (4 * size,), generator=generator)
        pool = pool[self.lengths[pool].argsort()]
        first = size * int(torch.randint(4, (), generator=generator))
        return pool[first : first + size]

    def _schedule(self, step: int) -> None:
        """Linear warm-up and decay."""
        left = 1 - step / self.settings.steps
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * min((step + 1) / self.settings.warmup, left)

    def save(self) -> None:
        """Write a checkpoint: an interrupted training goes on from it."""
        state = {
            "step": self.step,
            "model": self.model.state_dict(),
            "projector": self.projector.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        temporary = self.checkpoint.with_suffix(".new")
        torch.save(state, temporary)
        temporary.replace(self.checkpoint)

    def _resume(self) -> None:
        saved = torch.load(self.checkpoint, weights_only=True)
        self.model.load_state_dict(saved["model"])
        self.projector.load_state_dict(saved["projector"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step = saved["step"]


@torch.inference_mode()
def perplexity(model: Any, projector: Projector, ids: Tensor, points: Tensor) -> float:
    """Per-token perplexity of captions (n, t) given their own points (n, d)."""
    return float(loss(model, ids, projector(points)).exp())
