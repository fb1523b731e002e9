"""Points that the prefix decoder of `mini` is trained on: captions', pictures' and expressions'.

A caption is written from its own point, from a point as a picture of its nouns would have it, or
from a sum and difference of other nouns that lands near one of its nouns.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from tools.mini.decoder_corpus import Captioned
from zcalc.decode.training import noisy

NEIGHBOURS, TRIPLES, TRIED, LEAST = 30, 24, 160, 0.4
OWN, PICTURE = 0.4, 0.35  # shares of the batches; the rest are arithmetic
NOISE = 0.8  # longest noise on a caption's own point; half of it on others


class Points:
    """Samples a unit point (d,) for each caption.

    `vectors` (n, d) are the captions' embeddings, `rows` (k, d) the nouns' as pictures have them
    (rows of the class table, or the mean of four prompts), `mean` (d,) what all pictures share.
    """

    def __init__(
        self,
        captions: Sequence[Captioned],
        vectors: Tensor,
        nouns: Sequence[str],
        rows: Tensor,
        mean: Tensor,
    ) -> None:
        self.vectors, self.rows, self.mean = vectors, rows, mean
        number = {noun: i for i, noun in enumerate(nouns)}
        self.named = [[number[noun] for noun in caption.nouns] for caption in captions]
        cosines = rows @ rows.T  # (k, k)
        self.neighbours = cosines.topk(NEIGHBOURS + 1).indices[:, 1:]  # (k, NEIGHBOURS)
        self.triples = self._triples()

    def _triples(self) -> list[Tensor]:
        """For each noun, triples (t, 3) of other nouns with a - b + c nearest to it."""
        generator, found = torch.Generator().manual_seed(0), []
        for noun, near in enumerate(self.neighbours):
            a = near[torch.randint(NEIGHBOURS, (TRIED,), generator=generator)]
            c = near[torch.randint(NEIGHBOURS, (TRIED,), generator=generator)]
            pick = torch.randint(NEIGHBOURS, (TRIED,), generator=generator)
            b = self.neighbours[a, pick]
            points = normalize(self.rows[a] - self.rows[b] + self.rows[c], dim=-1)  # (TRIED, d)
            cosines = points @ self.rows[near].T  # (TRIED, NEIGHBOURS)
            own = points @ self.rows[noun]  # (TRIED,)
            operand = (near == a[:, None]) | (near == b[:, None]) | (near == c[:, None])
            rank = (cosines.masked_fill(operand, -1) > own[:, None]).sum(1)
            good = (a != c) & (b != noun) & (b != c) & (own > LEAST) & (rank < 2)
            found.append(torch.stack([a, b, c], 1)[good][:TRIPLES])
        return found

    def __call__(self, captions: list[int], generator: torch.Generator) -> Tensor:
        """Points (n, d) of captions."""
        kinds = torch.rand(len(captions), generator=generator).tolist()
        points = [
            self._point(caption, kind, generator)
            for caption, kind in zip(captions, kinds, strict=True)
        ]
        own = torch.tensor([kind < OWN for kind in kinds])
        rows = torch.stack(points)  # (n, d)
        near, far = noisy(rows, NOISE / 2, generator), noisy(rows, NOISE, generator)
        return torch.where(own[:, None], far, near)

    def _point(self, caption: int, kind: float, generator: torch.Generator) -> Tensor:
        own, nouns = self.vectors[caption], self.named[caption]
        if kind < OWN or not nouns:
            return own
        if kind < OWN + PICTURE:
            return self._picture(own, nouns, generator)
        noun = nouns[0]
        triples = self.triples[noun]
        if not len(triples):
            return self._picture(own, nouns, generator)
        a, b, c = triples[int(torch.randint(len(triples), (), generator=generator))].tolist()
        point = normalize(self.rows[a] - self.rows[b] + self.rows[c], dim=-1)
        mixed = 0.5 * torch.rand((), generator=generator)
        return normalize(point + mixed * (own if kind < 0.9 else self.rows[noun]), dim=-1)

    def _picture(self, own: Tensor, nouns: list[int], generator: torch.Generator) -> Tensor:
        """A mixture of the nouns' rows with less likely classes, and a part of the caption."""
        shares = torch.rand(len(nouns) + 3, generator=generator)
        point = self.rows[nouns[0]] + 0.5 * shares[0] * own
        for share, noun in zip(shares[1:], nouns[1:], strict=False):
            point = point + 0.7 * share * self.rows[noun]
        for share in shares[-2:]:  # what a classifier takes it for besides
            pick = int(torch.randint(NEIGHBOURS, (), generator=generator))
            point = point + 0.4 * share * self.rows[self.neighbours[nouns[0], pick]]
        point = normalize(point - (point @ self.mean) * self.mean, dim=-1) + 0.5 * self.mean
        return normalize(point, dim=-1)
