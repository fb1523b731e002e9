"""The tokenizer of a tokenizer.json file, as open_clip runs it, without transformers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import torch
from tokenizers import Tokenizer

from zcalc.models.cleaning import clean_whitespace


class TextTokenizer(Protocol):
    """Texts as token ids.

    `context_length` is the model's, `unknown` the id of what has no token of its own, if there is
    one, and `special` are the ids of tokens that are not text.
    """

    context_length: int
    unknown: int | None
    special: frozenset[int]

    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        """Token ids (n, context) of texts, cut at the end or padded."""
        ...

    def rows(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of texts, from the start token to the end token, neither cut nor padded."""
        ...


class FileTokenizer:
    """A `TextTokenizer` from a tokenizer.json that wraps texts in a start and an end token.

    What looks like a special token in a text is text.
    """

    def __init__(self, file: Path, context_length: int, padding: int) -> None:
        self.context_length, self._padding = context_length, padding
        self._tokenizer = plain(Tokenizer.from_file(str(file)))
        added = self._tokenizer.get_added_tokens_decoder()
        self.special = frozenset(i for i, token in added.items() if token.special)
        self.size = self._tokenizer.get_vocab_size()
        self.unknown = self._tokenizer.token_to_id("<unk>")

    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        """Token ids (n, context) of texts, cut at the end or padded."""
        limit = self.context_length
        ids = torch.full((len(texts), limit), self._padding)
        for i, row in enumerate(self.rows(texts)):
            cut = row if len(row) <= limit else [*row[: limit - 1], row[-1]]
            ids[i, : len(cut)] = torch.tensor(cut)
        return ids

    def rows(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of texts, from the start token to the end token, neither cut nor padded."""
        cleaned = [clean_whitespace(text) for text in texts]
        return [row.ids for row in self._tokenizer.encode_batch_fast(cleaned)]


def plain(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer without truncation and padding; special tokens in a text are text."""
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = True
    return tokenizer
