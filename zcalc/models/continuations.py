"""Embed texts that continue a few prefixes: only their suffixes with a causal tower, else whole.

A decoder embeds hundreds of candidates that share a prefix.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from zcalc.models.causal import CausalTower, Prefixes, Rows

TokenIds = list[list[int]]  # of each text, start and end included, neither truncated nor padded
Row = tuple[int, ...]  # the same of one text, hashable
_POSITIONS = 1024  # per batch of suffixes
_ROWS = 256  # per batch of whole texts


class SharedPrefixes:
    """Embeds texts that continue a few prefixes, with a causal tower.

    Where a text departs from its prefix is determined by its tokens, for any tokenizer: the last
    token of a prefix may merge with what follows.
    """

    def __init__(
        self,
        tower: CausalTower,
        tokenize: Callable[[Sequence[str]], TokenIds],
        context: int,
        prefixes: Sequence[str],
    ) -> None:
        self._tower, self._tokenize, self._context = tower, tokenize, context
        self._device = tower.device
        self._rows = [tuple(row[: context - 1]) for row in tokenize(prefixes)]
        self._prefixes = Prefixes(self._rows, self._device)

    @torch.no_grad()
    def vectors(self, sources: Sequence[int], texts: Sequence[str]) -> Tensor:
        """Unit vectors (n, d) of texts that begin with prefix `sources[i]`; NaN if too long.

        Texts with the same tokens are embedded once.
        """
        rows = [tuple(row) for row in self._tokenize(texts)]
        fitting = {
            row: source
            for row, source in zip(reversed(rows), reversed(sources), strict=True)
            if len(row) <= self._context
        }
        if not fitting:
            return torch.full((len(texts), 1), torch.nan, device=self._device)
        parts = [self._part(row, fitting[row]) for row in sorted(fitting, key=fitting.__getitem__)]
        vectors = torch.cat([self._embed(batch) for batch in _batches(parts)])  # (m, d)
        vectors = torch.cat([vectors, vectors.new_full((1, vectors.shape[1]), torch.nan)])
        index = {part.row: i for i, part in enumerate(parts)}
        return vectors[[index.get(row, len(parts)) for row in rows]]

    def _part(self, row: Row, source: int) -> "_Part":
        end = self._tower.end(list(row))
        return _Part(row, source, min(_common(row, self._rows[source]), end), end + 1)

    def _embed(self, parts: Sequence["_Part"]) -> Tensor:
        """Unit vectors (m, d) of one batch."""
        suffixes = [part.row[part.start : part.stop] for part in parts]
        starts, sources = [part.start for part in parts], [part.source for part in parts]
        rows = Rows(suffixes, starts, sources, self._device)
        return normalize(self._tower.features(self._prefixes, rows).float(), dim=-1)


@dataclass(frozen=True)
class _Part:
    """The positions of a row to run: from where it departs from its prefix up to its end token."""

    row: Row
    source: int
    start: int
    stop: int


def _batches(parts: Sequence[_Part]) -> Iterator[list[_Part]]:
    """Batches of parts, in order, of at most `_POSITIONS` positions each."""
    batch: list[_Part] = []
    room = _POSITIONS
    for part in parts:
        size = part.stop - part.start
        if batch and size > room:
            yield batch
            batch, room = [], _POSITIONS
        batch.append(part)
        room -= size
    yield batch


def _common(row: Row, prefix: Row) -> int:
    """The length of the common prefix of a row and a prefix."""
    length = min(len(prefix) - 1, len(row))  # nearly always all but the prefix's end token
    if row[:length] == prefix[:length]:
        return length
    return next(i for i, (a, b) in enumerate(zip(row, prefix, strict=False)) if a != b)


class WholeTexts:
    """Embeds texts that continue prefixes, each as a whole: for towers that are not causal."""

    def __init__(self, encode: Callable[[list[str]], Tensor], fits: Callable[[str], bool]) -> None:
        self._encode, self._fits = encode, fits

    def vectors(self, sources: Sequence[int], texts: Sequence[str]) -> Tensor:
        """Unit vectors (n, d) of texts, NaN if too long; each distinct text is embedded once."""
        distinct = sorted(filter(self._fits, dict.fromkeys(texts)), key=len)
        if not distinct:
            return torch.full((len(texts), 1), torch.nan)
        batches = [distinct[i : i + _ROWS] for i in range(0, len(distinct), _ROWS)]
        vectors = torch.cat([normalize(self._encode(b).float(), dim=-1) for b in batches])
        index = {text: i for i, text in enumerate(distinct)}
        vectors = torch.cat([vectors, vectors.new_full((1, vectors.shape[1]), torch.nan)])
        return vectors[[index.get(text, len(distinct)) for text in texts]]
