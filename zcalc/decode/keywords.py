"""Keywords: the nearest words of a target get a bonus until one of them is in the sentence.

Keyword2Text (Pascual et al. 2021, arXiv 2109.09707) shifts the logits of guide words and of words
like them. Here only the words' own tokens are raised: what is like them, CLIP raises already.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class Keywords:
    """The keywords of several targets as token ids, and the bonus of each token, in nats."""

    def __init__(
        self, tokenizer: Any, words: Sequence[Sequence[str]], bonus: float, inside: Tensor
    ) -> None:
        """`inside` is a mask (V,) of the tokens that continue a word."""
        self.ids = [
            [tokenizer.encode(f" {word}", add_special_tokens=False) for word in row]
            for row in words
        ]
        self.bonus, self.inside = bonus, inside

    def named(self, owner: int, sequences: Sequence[Sequence[int]]) -> list[bool]:
        """Which token sequences have a keyword of a target; all of them if none has."""
        found = [any(_has(list(s), word) for word in self.ids[owner]) for s in sequences]
        return found if any(found) else [True] * len(found)

    def add(self, scores: Tensor, allowed: Tensor, written: Tensor, owners: Sequence[int]) -> None:
        """Raise the scores (a, V) of tokens that begin or continue a keyword, in place.

        `allowed` (a, V) are the scores without CLIP's guidance, for tokens that are no candidates;
        `written` (a, n) are the tokens so far, `owners` (a,) the rows' targets.
        """
        for row, (owner, tokens) in enumerate(zip(owners, written.tolist(), strict=True)):
            words = self.ids[owner]
            if any(_has(tokens, word) for word in words):
                continue
            following = {_next(tokens, word) for word in words}
            for token in following:
                base = scores[row, token]
                base = allowed[row, token] if base.isinf() else base
                scores[row, token] = base + self.bonus
            if any(self.inside[token] for token in following):  # half a word is no place to stop
                scores[row, ~self.inside] = -torch.inf


def _has(tokens: list[int], word: list[int]) -> bool:
    return any(tokens[i : i + len(word)] == word for i in range(len(tokens) - len(word) + 1))


def _next(tokens: list[int], word: list[int]) -> int:
    """The token of a word that comes next: after as many of its tokens as end the text."""
    for count in range(len(word) - 1, 0, -1):
        if tokens[-count:] == word[:count]:
            return word[count]
    return word[0]
