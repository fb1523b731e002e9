"""Prefix caching for causal text towers: texts that share a prefix run it once.

In a causal tower no position attends to later ones, so the keys and values of a prefix don't depend
on what follows. The embedding of a text, read at its end token, then needs only the positions after
the prefix.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear, normalize, scaled_dot_product_attention

from zcalc.models.half import with_half_matrices

_KeyValues = tuple[Tensor, ...]  # of one layer, each (rows, heads, positions, w)
_GROUP = 64  # positions per attention group
_TOLERANCE = 1e-4  # distance of unit vectors that differ by rounding only


class CausalTower:
    """The text tower of an open_clip model with CLIP's architecture, run from any position on."""

    def __init__(self, model: Any) -> None:
        tower = getattr(model, "text", model)
        self._embedding, self._positions = tower.token_embedding, tower.positional_embedding
        self.blocks = tower.transformer.resblocks
        self._norm, self._projection = tower.ln_final, tower.text_projection
        self._mask = tower.attn_mask  # (context, context)
        self._class_token = getattr(tower, "cls_emb", None)
        separate = hasattr(tower, "pool_type")
        self._pool = tower.pool_type if separate else model.text_pool_type
        self._end = tower.eos_id if separate else model.text_eos_id
        self.device: torch.device = self._positions.device

    @cached_property
    def _half_blocks(self) -> Any:
        """The layers with matrices in bfloat16, for use under autocast."""
        return with_half_matrices(self.blocks)

    def end(self, row: list[int]) -> int:
        """The position whose output is the text's embedding."""
        if self._pool == "argmax":
            return row.index(max(row))
        return row.index(self._end) if self._end in row else 0

    def features(self, prefixes: "Prefixes", rows: "Rows") -> Tensor:
        """Raw embeddings (n, d) of rows, read at their last positions.

        The first call runs the prefixes too.
        """
        pooled = self._norm(self._run(prefixes, rows))  # (n, width)
        if self._projection is None:
            return pooled
        if isinstance(self._projection, torch.nn.Linear):
            return self._projection(pooled)
        return pooled @ self._projection

    def _run(self, prefixes: "Prefixes", rows: "Rows") -> Tensor:
        """The output (n, width) at the last position of every row.

        Everything but attention works position by position, on all rows at once.
        """
        cache: list[_KeyValues] = []
        first = 0 if prefixes.cache else len(prefixes.ids)  # prefix positions precede the rows'
        x = self._embed(rows.ids, rows.positions)  # (p, width)
        if first:
            x = torch.cat([self._embed(prefixes.ids, prefixes.positions), x])
        half = torch.is_autocast_enabled(self.device.type)
        for i, block in enumerate(self._half_blocks if half else self.blocks):
            attention = block.attn
            projected = linear(block.ln_1(x), attention.in_proj_weight, attention.in_proj_bias)
            qkv = projected.unflatten(-1, (3, attention.num_heads, -1))  # (positions, 3, heads, w)
            attended = []
            if first:
                cache.append(prefixes.keys_values(qkv[:first]))
                attended.append(prefixes.attend(qkv[:first]))
            attended.append(rows.attend(qkv[first:], cache[i] if first else prefixes.cache[i]))
            if i == len(self.blocks) - 1:  # only the end positions are used
                x, attended = x[first:][rows.ends], [attended[-1][rows.ends]]
            x = x + block.ls_1(attention.out_proj(torch.cat(attended)))
            x = x + block.ls_2(block.mlp(block.ln_2(x)))
        prefixes.cache = prefixes.cache or cache
        return x

    def _embed(self, ids: Tensor, positions: Tensor) -> Tensor:
        """The first layer's input (p, width) for ids (p,) at positions (p,)."""
        dtype = self.blocks[0].attn.in_proj_weight.dtype
        return self._embedding(ids).to(dtype) + self._positions[positions].to(dtype)

    def is_causal(self) -> bool:
        """Whether the tower's mask and pooling are CLIP's: no text depends on what follows it."""
        if self._mask is None or self._class_token is not None:
            return False
        causal = torch.full_like(self._mask, -torch.inf).triu(1)
        return torch.equal(self._mask, causal) and self._pool in ("argmax", "eos")

    @torch.no_grad()
    def agrees_with(self, model: Any) -> bool:
        """Whether a text that is run in two parts gets the embedding that the model computes."""
        context, size = len(self._mask), self._embedding.num_embeddings
        row = [i * size // 7 for i in range(1, 6)]  # five tokens, none with the largest id
        last = size - 1 if self._pool == "argmax" else self._end
        row = [*(i for i in row if i != last), last]
        if len(row) > context:
            return False
        ids = torch.tensor([row + [0] * (context - len(row))], device=self.device)
        prefixes, rows = Prefixes([row[:2]], self.device), Rows([row[2:]], [2], [0], self.device)
        ours = self.features(prefixes, rows)
        theirs = model.encode_text(ids)
        return bool((normalize(ours.float()) - normalize(theirs.float())).norm() < _TOLERANCE)


class Prefixes:
    """A batch of a prefixes, with every layer's keys and values after the first run."""

    def __init__(self, rows: Sequence[Sequence[int]], device: torch.device) -> None:
        longest = max(map(len, rows))
        self._shape = len(rows), longest  # (a, c)
        ids = [[*row, *[0] * (longest - len(row))] for row in rows]
        self.ids = torch.tensor(ids, device=device).flatten()  # (a·c,)
        self.positions = torch.arange(longest, device=device).repeat(len(rows))  # (a·c,)
        self.cache: list[_KeyValues] = []

    def keys_values(self, qkv: Tensor) -> _KeyValues:
        """A layer's keys and values, each (a, heads, c, w), of (a·c, 3, heads, w)."""
        _, keys, values = self._split(qkv)
        return keys, values

    def attend(self, qkv: Tensor) -> Tensor:
        """Causal attention: (a·c, width) of (a·c, 3, heads, w)."""
        attended = scaled_dot_product_attention(*self._split(qkv), is_causal=True)
        return attended.transpose(1, 2).flatten(2).flatten(0, 1)

    def _split(self, qkv: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        query, keys, values = qkv.unflatten(0, self._shape).permute(2, 0, 3, 1, 4)
        return query, keys, values


class Rows:
    """Rows of token ids, p in total, each continuing prefix `sources[i]` from position `starts[i]`.

    For attention, rows with the same prefix are packed into g groups of m positions; a position
    attends to the prefix and to its own row. The prefix is thus copied once per group instead of
    once per row. Rows with the same prefix should be adjacent.
    """

    def __init__(
        self,
        rows: Sequence[Sequence[int]],
        starts: Sequence[int],
        sources: Sequence[int],
        device: torch.device,
    ) -> None:
        lengths = np.array([len(row) for row in rows])
        ends = lengths.cumsum()
        offset = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)  # (p,): within its row
        groups, row_offsets = _groups(lengths.tolist(), sources)
        size = int((row_offsets + lengths).max())  # m
        _, firsts = np.unique(groups, return_index=True)  # (g,): the first row of each group
        self.ids = torch.tensor([i for row in rows for i in row], device=device)  # (p,)
        self.positions = torch.tensor(np.repeat(starts, lengths) + offset, device=device)  # (p,)
        self.ends = torch.tensor(ends - 1, device=device)  # (n,)
        self._sources = torch.tensor(np.asarray(sources)[firsts], device=device)  # (g,)
        self._grid = len(firsts), size
        slots = np.repeat(groups * size + row_offsets, lengths) + offset  # (p,)
        self._slots = torch.tensor(slots, device=device)
        self._prefix_length = max(starts)  # c
        rows_of = torch.tensor(np.repeat(np.arange(len(rows)), lengths), device=device)  # (p,)
        starts_of = torch.tensor(np.repeat(starts, lengths), device=device)  # (p,)
        self._mask = self._visible(rows_of, starts_of)

    def attend(self, qkv: Tensor, cache: _KeyValues) -> Tensor:
        """Attention (p, width) of (p, 3, heads, w) to the rows and to a layer's prefix cache."""
        groups, size = self._grid
        grid = qkv.new_zeros(groups * size, *qkv.shape[1:])
        grid[self._slots] = qkv
        query, *new = grid.unflatten(0, self._grid).permute(2, 0, 3, 1, 4)  # (g, heads, m, w)
        keys, values = (
            torch.cat([past[self._sources, :, : self._prefix_length], own], dim=2)
            for past, own in zip(cache, new, strict=True)
        )  # (g, heads, c + m, w)
        attended = scaled_dot_product_attention(query, keys, values, attn_mask=self._mask)
        return attended.transpose(1, 2).flatten(0, 1).flatten(1)[self._slots]

    def _visible(self, rows: Tensor, starts: Tensor) -> Tensor:
        """Attention mask (g, 1, m, c + m), from the row and start (p,) of each position.

        Unused slots attend to each other.
        """
        groups, size = self._grid

        def grid(values: Tensor, empty: int) -> Tensor:
            flat = values.new_full((groups * size,), empty)
            flat[self._slots] = values
            return flat.view(groups, size)

        row, position, start = grid(rows, -1), grid(self.positions, 0), grid(starts, 0)
        places = torch.arange(self._prefix_length, device=row.device)  # (c,)
        prefix = places < start[..., None]  # (g, m, c)
        causal = position[..., None] >= position[:, None]  # (g, m, m)
        return torch.cat([prefix, (row[..., None] == row[:, None]) & causal], dim=2)[:, None]


def _groups(lengths: Sequence[int], sources: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The group of each row (n,), and the row's offset in its group (n,)."""
    slots, group, used, last = [], -1, 0, None
    for length, source in zip(lengths, sources, strict=True):
        if source != last or used + length > _GROUP:
            group, used, last = group + 1, 0, source
        slots.append((group, used))
        used += length
    groups, offsets = np.array(slots).T
    return groups, offsets
