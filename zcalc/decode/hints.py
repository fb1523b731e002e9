"""Draws the words that a prefix decoder reads in training, besides a caption's point."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from zcalc.models.prefix import word_ids
from zcalc.words import stems

if TYPE_CHECKING:
    from zcalc.words import StoredTexts

LONGEST = 3  # words of an entry that is looked for in captions
OWN, NONE = 0.8, 0.03  # chances: the caption's own word comes first; there are no words


@dataclass(frozen=True, eq=False)
class Entries:
    """Words with unit vectors (v, d), and what their ranks have besides the cosine, (v,)."""

    texts: Sequence[str]
    vectors: Tensor
    prior: Tensor

    @classmethod
    def of(cls, vocabulary: "StoredTexts") -> "Entries":
        """The entries of a vocabulary, as it ranks them."""
        prior = vocabulary.ranking.prior(len(vocabulary.texts), vocabulary.kinds)
        vectors = torch.tensor(vocabulary.vectors, dtype=torch.float32)
        return cls(vocabulary.texts, vectors, torch.tensor(prior, dtype=torch.float32))


class WordHints:
    """Draws `count` entries for a caption and its point, as token ids.

    The point's nearest entries, as they will be read later; in most draws the first entry that the
    caption has comes before them, so that the decoder relies on the first word, as ViECap does
    (Fei et al. 2023, arXiv 2307.16525), but also learns that it may be wrong.
    """

    def __init__(
        self, entries: Entries, captions: Sequence[str], tokenizer: Any, count: int
    ) -> None:
        self.entries, self.tokenizer, self.count = entries, tokenizer, count
        rows = {stems(text): i for i, text in reversed(list(enumerate(entries.texts)))}
        self.own = [_first(caption, rows) for caption in captions]

    def nearest(self, points: Tensor) -> list[list[int]]:
        """The rows of the nearest entries, best first, for unit points (n, d)."""
        ranks = points.cpu() @ self.entries.vectors.T + self.entries.prior  # (n, v)
        return ranks.topk(min(self.count, ranks.shape[1])).indices.tolist()

    def ids(self, rows: Sequence[Sequence[int]]) -> Tensor:
        """Token ids (n, w) of entries by row."""
        return word_ids(self.tokenizer, [[self.entries.texts[i] for i in row] for row in rows])

    def __call__(self, captions: list[int], points: Tensor, generator: torch.Generator) -> Tensor:
        """Token ids (n, w) for captions by row, with their points (n, d)."""
        chances = torch.rand(len(captions), generator=generator).tolist()
        drawn = []
        for row, caption, chance in zip(self.nearest(points), captions, chances, strict=True):
            own, rows = self.own[caption], row
            if own is not None and chance < OWN:
                rows = [own, *(i for i in row if i != own)]
            drawn.append([] if chance > 1 - NONE else rows[: self.count])
        return self.ids(drawn)


def _first(caption: str, rows: dict[frozenset[str], int]) -> int | None:
    """The row of the first entry that a caption has, the longest that begins there."""
    words = caption.split()
    for start in range(len(words)):
        for count in range(LONGEST, 0, -1):
            found = rows.get(stems(" ".join(words[start : start + count])))
            if found is not None:
                return found
    return None
