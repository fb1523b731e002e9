"""The beams of a search: bookkeeping only, no model."""

from dataclasses import dataclass

import torch
from torch import Tensor

from zcalc.errors import ZcalcError


@dataclass(frozen=True)
class Beams:
    """The captions so far, best first.

    An ended beam keeps its tokens and score and still competes; its row of `tokens` is padded with
    token 0 beyond `lengths`.
    """

    tokens: Tensor  # (b, n) token ids after the prompt
    scores: Tensor  # (b,) sum of the decoder's log-probabilities
    logprobs: Tensor  # (b,) sum of the unguided language model's log-probabilities
    lengths: Tensor  # (b,) number of tokens up to the end
    ended: Tensor  # (b,) bool
    sources: Tensor  # (b,) index of its parent among the beams one step earlier

    @classmethod
    def start(cls, device: torch.device) -> "Beams":
        """One empty beam."""
        zero = torch.zeros(1, device=device)
        return cls(zero.long()[:, None][:, :0], zero, zero, zero.long(), zero.bool(), zero.long())

    def contexts(self, prompt: Tensor) -> Tensor:
        """Prompt (p,) and tokens of the running beams, (a, p + n)."""
        running = self.tokens[~self.ended]  # (a, n)
        return torch.cat([prompt.expand(len(running), -1), running], dim=1)

    def extend(self, steps: Tensor, plain: Tensor, width: int, ends: Tensor) -> "Beams":
        """The `width` best continuations by mean log-probability per token.

        `steps` (a, V) and `plain` (a, V) are next-token log-probabilities of running beams: the
        decoder's and the unguided language model's. `ends` (e,) are the ids that end a beam.
        """
        size = steps.shape[1]
        rows = torch.full((len(self.scores), size), -torch.inf, device=steps.device)  # (b, V)
        rows[~self.ended] = steps
        rows[self.ended, 0] = 0.0  # an ended beam has one continuation: itself
        plain_rows = torch.zeros_like(rows)  # (b, V)
        plain_rows[~self.ended] = plain
        lengths = self.lengths + (~self.ended).long()  # (b,)
        totals = self.scores[:, None] + rows  # (b, V)
        means = (totals / lengths[:, None]).flatten()  # (b·V,)
        possible = int(means.isfinite().sum())
        if not possible:
            raise ZcalcError(
                "The language model has no usable next token.",
                "Its weights may be damaged, or the setting forbidden bans its whole vocabulary.",
            )
        best = means.topk(min(width, possible)).indices  # (w,)
        source, token = best // size, best % size  # (w,), (w,)
        return Beams(
            tokens=torch.cat([self.tokens[source], token[:, None]], dim=1),
            scores=totals.flatten()[best],
            logprobs=self.logprobs[source] + plain_rows.flatten()[best],
            lengths=lengths[source],
            ended=self.ended[source] | torch.isin(token, ends),
            sources=source,
        )

    def sequences(self) -> list[tuple[int, ...]]:
        """The tokens of every beam, up to its end."""
        return [
            tuple(row[:length])
            for row, length in zip(self.tokens.tolist(), self.lengths.tolist(), strict=True)
        ]
