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
    groups: Tensor  # (b,) of diverse beam search; -1 before the first token

    @classmethod
    def start(cls, device: torch.device) -> "Beams":
        """One empty beam."""
        zero = torch.zeros(1, device=device)
        ids = zero.long()
        return cls(ids[:, None][:, :0], zero, zero, ids, zero.bool(), ids, ids - 1)

    def contexts(self, prompt: Tensor) -> Tensor:
        """Prompt (p,) and tokens of the running beams, (a, p + n)."""
        running = self.tokens[~self.ended]  # (a, n)
        return torch.cat([prompt.expand(len(running), -1), running], dim=1)

    def extend(  # noqa: PLR0913, PLR0917
        self,
        steps: Tensor,
        plain: Tensor,
        width: int,
        ends: Tensor,
        diversity: float = 0.0,
        content: Tensor | None = None,
    ) -> "Beams":
        """The `width` best continuations by mean log-probability per token.

        `steps` (a, V) and `plain` (a, V) are next-token log-probabilities of running beams: the
        decoder's and the unguided language model's. `ends` (e,) are the ids that end a beam. With
        `diversity`, beams differ in the tokens of the mask `content` (V,), see `_diverse`.
        """
        size = steps.shape[1]
        rows = torch.full((len(self.scores), size), -torch.inf, device=steps.device)  # (b, V)
        rows[~self.ended] = steps
        rows[self.ended, 0] = 0.0  # an ended beam has one continuation: itself
        plain_rows = torch.zeros_like(rows)  # (b, V)
        plain_rows[~self.ended] = plain
        lengths = self.lengths + (~self.ended).long()  # (b,)
        totals = self.scores[:, None] + rows  # (b, V)
        means = totals / lengths[:, None]  # (b, V)
        if not means.isfinite().any():
            raise ZcalcError(
                "The language model has no usable next token.",
                "Its weights may be damaged, or the setting forbidden bans its whole vocabulary.",
            )
        if diversity and content is not None:
            best, groups = self._diverse(means, lengths, width, diversity * content)
        else:
            best, groups = _best(means, width), self.groups[:1]
        source, token = best // size, best % size  # (w,), (w,)
        return Beams(
            tokens=torch.cat([self.tokens[source], token[:, None]], dim=1),
            scores=totals.flatten()[best],
            logprobs=self.logprobs[source] + plain_rows.flatten()[best],
            lengths=lengths[source],
            ended=self.ended[source] | torch.isin(token, ends),
            sources=source,
            groups=groups.expand(len(best)),
        )

    def _diverse(
        self, means: Tensor, lengths: Tensor, width: int, penalty: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The best continuations by group, with their groups, the best first.

        Diverse beam search (Vijayakumar et al. 2016, arXiv 1610.02424): half of the beams are the
        first group, every other beam is a group of its own. A token that an earlier group has in
        its beams costs `penalty` (V,) nats; it counts for the choice, not for the score.
        """
        size = means.shape[1]
        used = torch.zeros_like(penalty, dtype=torch.bool)  # (V,)
        chosen, groups = [], []
        for group, count in enumerate([(width + 1) // 2, *[1] * (width // 2)]):
            own = (self.groups == group) | (self.groups < 0)  # (b,)
            costs = (penalty * used) / lengths[:, None]  # (b, V)
            costs[self.ended] = 0.0
            best = _best((means - costs).masked_fill(~own[:, None], -torch.inf), count)
            source, token = best // size, best % size
            used[self.tokens[source].flatten()] = True
            used[token[~self.ended[source]]] = True
            chosen.append(best)
            groups.append(torch.full_like(best, group))
        flat, of = torch.cat(chosen), torch.cat(groups)  # (w,), (w,)
        order = means.flatten()[flat].argsort(descending=True, stable=True)
        return flat[order], of[order]

    def sequences(self) -> list[tuple[int, ...]]:
        """The tokens of every beam, up to its end."""
        return [
            tuple(row[:length])
            for row, length in zip(self.tokens.tolist(), self.lengths.tolist(), strict=True)
        ]


def _best(means: Tensor, count: int) -> Tensor:
    """Flat indices of the `count` best finite entries of means (b, V)."""
    flat = means.flatten()  # (b·V,)
    return flat.topk(min(count, int(flat.isfinite().sum()))).indices
