"""Texts that begin alike: a causal text tower reads their common beginning once.

In a causal tower no position looks ahead, so a beginning's keys and values don't depend on what
follows it, and a text's embedding, read at its end token, needs only the positions after it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import linear, normalize, scaled_dot_product_attention

from zcalc.models import compat  # noqa: F401  (before open_clip, which imports torchvision)

import open_clip  # isort: skip

_Pair = tuple[Tensor, ...]  # a layer's keys and values, each (rows, heads, positions, w)
_GROUP = 64  # positions that attention looks at together
_CLOSE = 1e-4  # a unit vector this near another is the same but for rounding


class CausalTower:
    """The text tower of an open_clip model in CLIP's shape, run from any position on."""

    def __init__(self, model: Any) -> None:
        tower = getattr(model, "text", model)
        self._embedding, self._positions = tower.token_embedding, tower.positional_embedding
        self._blocks = tower.transformer.resblocks
        self._norm, self._projection = tower.ln_final, tower.text_projection
        self._mask = tower.attn_mask  # (context, context)
        self._class_token = getattr(tower, "cls_emb", None)
        own = tower is not model
        self._pool = tower.pool_type if own else model.text_pool_type
        self._end = tower.eos_id if own else model.text_eos_id

    @classmethod
    def of(cls, model: Any) -> "CausalTower | None":
        """The tower of a model, None where looking at the model shows another kind.

        Its mask, blocks and pooling must be CLIP's, and a text read in two parts must come to what
        the model itself makes of it.
        """
        try:
            tower = cls(model)
        except AttributeError:
            return None
        return tower if tower._is_causal() and tower._agrees_with(model) else None

    def end(self, row: list[int]) -> int:
        """The position where a text's embedding is read."""
        if self._pool == "argmax":
            return row.index(max(row))
        return row.index(self._end) if self._end in row else 0

    def features(self, prefixes: "Prefixes", rows: "Rows") -> Tensor:
        """Raw embeddings (n, d) of rows, read at their last positions.

        Prefixes that have not been read yet are read along.
        """
        pooled = self._norm(self._run(prefixes, rows))  # (n, width)
        if self._projection is None:
            return pooled
        if isinstance(self._projection, torch.nn.Linear):
            return self._projection(pooled)
        return pooled @ self._projection

    def _run(self, prefixes: "Prefixes", rows: "Rows") -> Tensor:
        """The output (n, width) at the last position of every row.

        All but attention looks at one position at a time, and runs those of all rows together.
        """
        read: list[_Pair] = []
        ahead = 0 if prefixes.read else len(prefixes.ids)  # positions before those of the rows
        x = self._embedded(rows.ids, rows.places)  # (p, width)
        if ahead:
            x = torch.cat([self._embedded(prefixes.ids, prefixes.places), x])
        for i, block in enumerate(self._blocks):
            attention = block.attn
            projected = linear(block.ln_1(x), attention.in_proj_weight, attention.in_proj_bias)
            own = projected.unflatten(-1, (3, attention.num_heads, -1))  # (positions, 3, heads, w)
            mixed = []
            if ahead:
                read.append(prefixes.pair(own[:ahead]))
                mixed.append(prefixes.attend(own[:ahead]))
            mixed.append(rows.attend(own[ahead:], read[i] if ahead else prefixes.read[i]))
            if i == len(self._blocks) - 1:  # of which nothing but the ends is looked at
                x, mixed = x[ahead:][rows.ends], [mixed[-1][rows.ends]]
            x = x + block.ls_1(attention.out_proj(torch.cat(mixed)))
            x = x + block.ls_2(block.mlp(block.ln_2(x)))
        prefixes.read = prefixes.read or read
        return x

    def _embedded(self, ids: Tensor, places: Tensor) -> Tensor:
        """What the first layer is given for ids (p,) at their places (p,) in a text: (p, width)."""
        dtype = self._blocks[0].attn.in_proj_weight.dtype
        return self._embedding(ids).to(dtype) + self._positions[places].to(dtype)

    def _is_causal(self) -> bool:
        if self._mask is None or self._class_token is not None:
            return False
        causal = torch.full_like(self._mask, -torch.inf).triu(1)
        known = open_clip.transformer.ResidualAttentionBlock
        return (
            torch.equal(self._mask, causal)
            and self._pool in ("argmax", "eos")
            and all(type(block) is known and block.attn.batch_first for block in self._blocks)
        )

    @torch.no_grad()
    def _agrees_with(self, model: Any) -> bool:
        context, size = len(self._mask), self._embedding.num_embeddings
        row = [i * size // 7 for i in range(1, 6)]  # five tokens, none of them the last
        last = size - 1 if self._pool == "argmax" else self._end
        row = [*(i for i in row if i != last), last]
        if len(row) > context:
            return False
        device = self._positions.device
        ids = torch.tensor([row + [0] * (context - len(row))], device=device)
        ours = self.features(Prefixes([row[:2]], device), Rows([row[2:]], [2], [0], device))
        theirs = model.encode_text(ids)
        return bool((normalize(ours.float()) - normalize(theirs.float())).norm() < _CLOSE)


class Prefixes:
    """Beginnings of texts, a of them, and what every layer made of them once they are read."""

    def __init__(self, rows: Sequence[Sequence[int]], device: torch.device) -> None:
        longest = max(map(len, rows))
        self._shape = len(rows), longest  # (a, c)
        ids = [[*row, *[0] * (longest - len(row))] for row in rows]
        self.ids = torch.tensor(ids, device=device).flatten()  # (a·c,)
        self.places = torch.arange(longest, device=device).repeat(len(rows))  # (a·c,)
        self.read: list[_Pair] = []

    def pair(self, own: Tensor) -> _Pair:
        """A layer's keys and values, each (a, heads, c, w), out of (a·c, 3, heads, w)."""
        _, keys, values = self._split(own)
        return keys, values

    def attend(self, own: Tensor) -> Tensor:
        """Causal attention, (a·c, width) of (a·c, 3, heads, w)."""
        mixed = scaled_dot_product_attention(*self._split(own), is_causal=True)
        return mixed.transpose(1, 2).flatten(2).flatten(0, 1)

    def _split(self, own: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        query, keys, values = own.unflatten(0, self._shape).permute(2, 0, 3, 1, 4)
        return query, keys, values


class Rows:
    """Rows of token ids, p in all, each going on from place `starts[i]` in its source's prefix.

    For attention they lie in g groups of m positions, each of rows of one source, which see the
    prefix and their own row: so the prefix is copied once a group and not once a row. Rows of one
    source should follow each other.
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
        within = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)  # (p,)
        groups, offsets = _groups(lengths.tolist(), sources)
        size = int((offsets + lengths).max())  # m
        _, firsts = np.unique(groups, return_index=True)  # (g,): a row of each group
        self.ids = torch.tensor([i for row in rows for i in row], device=device)  # (p,)
        self.places = torch.tensor(np.repeat(starts, lengths) + within, device=device)  # (p,)
        self.ends = torch.tensor(ends - 1, device=device)  # (n,)
        self._sources = torch.tensor(np.asarray(sources)[firsts], device=device)  # (g,)
        self._grid = len(firsts), size
        slots = np.repeat(groups * size + offsets, lengths) + within  # (p,)
        self._slots = torch.tensor(slots, device=device)
        self._seen = max(starts)  # c
        rows_of = torch.tensor(np.repeat(np.arange(len(rows)), lengths), device=device)  # (p,)
        starts_of = torch.tensor(np.repeat(starts, lengths), device=device)  # (p,)
        self._mask = self._visible(rows_of, starts_of)

    def attend(self, own: Tensor, before: _Pair) -> Tensor:
        """Attention (p, width) of (p, 3, heads, w) to itself and to a layer's keys and values."""
        groups, size = self._grid
        grid = own.new_zeros(groups * size, *own.shape[1:])
        grid[self._slots] = own
        query, *both = grid.unflatten(0, self._grid).permute(2, 0, 3, 1, 4)  # (g, heads, m, w)
        keys, values = (
            torch.cat([early[self._sources, :, : self._seen], late], dim=2)  # (g, heads, c + m, w)
            for early, late in zip(before, both, strict=True)
        )
        mixed = scaled_dot_product_attention(query, keys, values, attn_mask=self._mask)
        return mixed.transpose(1, 2).flatten(0, 1).flatten(1)[self._slots]

    def _visible(self, rows: Tensor, starts: Tensor) -> Tensor:
        """Which of c + m positions each of m sees, (g, 1, m, c + m), given each position's (p,).

        An unused one sees the unused ones.
        """
        groups, size = self._grid

        def grid(values: Tensor, empty: int) -> Tensor:
            flat = values.new_full((groups * size,), empty)
            flat[self._slots] = values
            return flat.view(groups, size)

        row, place, start = grid(rows, -1), grid(self.places, 0), grid(starts, 0)
        early = torch.arange(self._seen, device=row.device) < start[..., None]  # (g, m, c)
        late = (row[..., None] == row[:, None]) & (place[..., None] >= place[:, None])  # (g, m, m)
        return torch.cat([early, late], dim=2)[:, None]


def _groups(lengths: Sequence[int], sources: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """The group of each row (n,), and where in it the row begins (n,)."""
    found, group, used, last = [], -1, 0, None
    for length, source in zip(lengths, sources, strict=True):
        if source != last or used + length > _GROUP:
            group, used, last = group + 1, 0, source
        found.append((group, used))
        used += length
    groups, offsets = np.array(found).T
    return groups, offsets
