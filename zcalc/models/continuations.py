"""Texts that continue a few prefixes, embedded: by a causal tower from where they differ, or whole.

A decoder asks for the embeddings of hundreds of candidates that begin alike.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from zcalc.models.causal import CausalTower, Prefixes, Rows

TokenRows = list[list[int]]  # a text's token ids from its start to its end, neither cut nor padded
Row = tuple[int, ...]  # such ids, to look them up by
_POSITIONS = 1024  # that run at once
_ROWS = 256  # whole texts that run at once


class SharedPrefixes:
    """Texts that continue a few prefixes, by a causal tower.

    Where a text leaves its prefix is found in its tokens, whatever the tokenizer: a prefix's last
    token may become another one when the text goes on.
    """

    def __init__(
        self,
        tower: CausalTower,
        tokenize: Callable[[Sequence[str]], TokenRows],
        context: int,
        prefixes: Sequence[str],
    ) -> None:
        self._tower, self._tokenize, self._context = tower, tokenize, context
        self._device = tower._positions.device
        self._rows = [tuple(row[: context - 1]) for row in tokenize(prefixes)]
        self._prefixes = Prefixes(self._rows, self._device)

    @torch.no_grad()
    def vectors(self, sources: Sequence[int], texts: Sequence[str]) -> Tensor:
        """Unit vectors (n, d) of texts beginning with prefix `sources[i]`; NaN if too long.

        Texts of the same tokens are embedded once.
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
        made = torch.cat([self._embed(batch) for batch in _batches(parts)])  # (m, d)
        made = torch.cat([made, made.new_full((1, made.shape[1]), torch.nan)])  # (m + 1, d)
        place = {part.row: i for i, part in enumerate(parts)}
        return made[[place.get(row, len(parts)) for row in rows]]

    def _part(self, row: Row, source: int) -> "_Part":
        end = self._tower.end(list(row))
        return _Part(row, source, min(_common(row, self._rows[source]), end), end + 1)

    def _embed(self, parts: Sequence["_Part"]) -> Tensor:
        """Unit vectors (m, d) of rows that run at once."""
        own = [part.row[part.start : part.stop] for part in parts]
        starts, sources = [part.start for part in parts], [part.source for part in parts]
        rows = Rows(own, starts, sources, self._device)
        return normalize(self._tower.features(self._prefixes, rows).float(), dim=-1)


@dataclass(frozen=True)
class _Part:
    """What must run of a row: the positions from the one where it leaves its prefix to its end."""

    row: Row
    source: int
    start: int
    stop: int


def _batches(parts: Sequence[_Part]) -> Iterator[list[_Part]]:
    """Parts in order, as many at once as have `_POSITIONS` positions together."""
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
    """With how many tokens of a prefix a row begins."""
    most = min(len(prefix) - 1, len(row))  # nearly always all but the prefix's end
    if row[:most] == prefix[:most]:
        return most
    return next(i for i, (a, b) in enumerate(zip(row, prefix, strict=False)) if a != b)


class WholeTexts:
    """Texts that continue prefixes, each embedded whole: for every tower that is not causal."""

    def __init__(self, encode: Callable[[list[str]], Tensor], fits: Callable[[str], bool]) -> None:
        self._encode, self._fits = encode, fits

    def vectors(self, sources: Sequence[int], texts: Sequence[str]) -> Tensor:
        """Unit vectors (n, d) of the texts, NaN where one is too long; each is embedded once."""
        distinct = sorted(filter(self._fits, dict.fromkeys(texts)), key=len)
        if not distinct:
            return torch.full((len(texts), 1), torch.nan)
        parts = [distinct[i : i + _ROWS] for i in range(0, len(distinct), _ROWS)]
        made = torch.cat([normalize(self._encode(part).float(), dim=-1) for part in parts])
        place = {text: i for i, text in enumerate(distinct)}
        made = torch.cat([made, made.new_full((1, made.shape[1]), torch.nan)])  # (m + 1, d)
        return made[[place.get(text, len(distinct)) for text in texts]]
