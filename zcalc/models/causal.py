"""Texts that begin alike: a causal text tower reads their common beginning once.

In a causal tower no position looks ahead, so a beginning's keys and values don't depend on what
follows it, and a text's embedding, read at its end token, needs only the positions after it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear, normalize, scaled_dot_product_attention

from zcalc.models import compat  # noqa: F401  (before open_clip, which imports torchvision)

import open_clip  # isort: skip

TokenRows = list[list[int]]  # a text's token ids from its start to its end, neither cut nor padded
Pair = tuple[Tensor, ...]
Read = list[Pair]  # a layer's keys and values, each (texts, heads, n, width)
_ROWS = 256  # texts that run at once
_FEW = 32  # so few that running them longer than need be takes less time than a second run
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

    def read(self, ids: Tensor) -> Read:
        """Keys and values of ids (n, s) from the first position on."""
        return self._run(ids, torch.zeros(len(ids), dtype=torch.long, device=ids.device), None)[1]

    def features(self, ids: Tensor, start: Tensor, before: "Before") -> Tensor:
        """Raw embeddings (n, d), read at the last of ids (n, s), which begin at `start` (n,).

        Every row sees the first `start` positions of its source in `before`.
        """
        pooled = self._norm(self._run(ids, start, before)[0])  # (n, width)
        if self._projection is None:
            return pooled
        if isinstance(self._projection, torch.nn.Linear):
            return self._projection(pooled)
        return pooled @ self._projection

    def _run(self, ids: Tensor, start: Tensor, before: "Before | None") -> tuple[Tensor, Read]:
        """The output at the last of ids (n, width), and every layer's keys and values of them."""
        own = torch.arange(ids.shape[1], device=ids.device)  # (s,)
        dtype = self._blocks[0].attn.in_proj_weight.dtype
        x = self._embedding(ids).to(dtype) + self._positions[start[:, None] + own].to(dtype)
        cache: Read = []
        for i, block in enumerate(self._blocks):
            needed = 1 if i == len(self._blocks) - 1 else len(own)
            query, keys, values = _heads(block, x, needed)
            cache.append((keys, values))
            if before is None:
                mixed = scaled_dot_product_attention(query, keys, values, is_causal=needed > 1)
            else:
                mixed = before.attend(i, query, keys, values)
            x = x[:, -needed:] + block.ls_1(block.attn.out_proj(mixed.transpose(1, 2).flatten(2)))
            x = x + block.ls_2(block.mlp(block.ln_2(x)))
        return x[:, -1], cache

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
        ids = torch.tensor([row + [0] * (context - len(row))], device=self._positions.device)
        start = torch.tensor([2], device=ids.device)
        before = Before(self.read(ids[:, :2]), [0], start)
        ours = self.features(ids[:, 2 : len(row)], start, before)
        theirs = model.encode_text(ids)
        return bool((normalize(ours.float()) - normalize(theirs.float())).norm() < _CLOSE)


def _heads(block: Any, x: Tensor, needed: int) -> Pair:
    """Queries of the last `needed` positions of x (n, s, width), keys and values of all.

    Each is (n, heads, positions, w).
    """
    attention = block.attn
    projected = linear(block.ln_1(x), attention.in_proj_weight, attention.in_proj_bias)
    heads = projected.unflatten(-1, (3, attention.num_heads, -1))  # (n, s, 3, heads, w)
    query, keys, values = heads.permute(2, 0, 3, 1, 4)
    return query[:, :, -needed:], keys, values


class Before:
    """What rows (n,) see before their own positions: the beginnings of their sources' reading.

    The rows of one source attend to it in one product, so that nothing of it is copied for each.
    """

    def __init__(self, read: Read, sources: Sequence[int], start: Tensor) -> None:
        used = list(dict.fromkeys(sources))
        seen = int(start.max())
        whole = used == list(range(len(read[0][0])))
        pick: Any = slice(None) if whole else used
        self._read = [(keys[pick, :, :seen], values[pick, :, :seen]) for keys, values in read]
        counts = [0] * len(used)
        place = {source: i for i, source in enumerate(used)}
        slots = []
        for source in sources:
            slots.append((place[source], counts[place[source]]))
            counts[place[source]] += 1
        self._row, self._slot = torch.tensor(slots, device=start.device).T  # (n,), (n,)
        self._grid = len(used), max(counts)  # sources a, and rows m of the one with most
        behind = torch.arange(seen, device=start.device) >= start[:, None]  # (n, c)
        self._hidden = behind[:, None, None] if bool(behind.any()) else None

    def attend(self, layer: int, query: Tensor, own_keys: Tensor, own_values: Tensor) -> Tensor:
        """Attention of queries (n, heads, q, w) to what is before and their own s: the same shape.

        The queries are those of the last q of the s positions.
        """
        keys, values = self._read[layer]  # (a, heads, c, w)
        count, own = query.shape[2], own_keys.shape[2]
        query = query * query.shape[-1] ** -0.5
        early = self._product(query, keys.mT)  # (n, heads, q, c)
        if self._hidden is not None:
            early = early.masked_fill(self._hidden, -torch.inf)
        late = query @ own_keys.mT  # (n, heads, q, s)
        if count > 1:
            ahead = torch.ones(count, own, dtype=torch.bool, device=query.device)
            late = late.masked_fill(ahead.triu(own - count + 1), -torch.inf)
        weights = torch.cat([early, late], dim=-1).softmax(-1)  # (n, heads, q, c + s)
        split = weights.split([early.shape[-1], own], dim=-1)
        return self._product(split[0], values) + split[1] @ own_values

    def _product(self, rows: Tensor, shared: Tensor) -> Tensor:
        """Rows (n, heads, q, x) times their source's (a, heads, x, y): (n, heads, q, y)."""
        grid = rows.new_zeros(*self._grid, *rows.shape[1:])  # (a, m, heads, q, x)
        grid[self._row, self._slot] = rows
        flat = grid.transpose(1, 2).flatten(2, 3)  # (a, heads, m·q, x)
        found = (flat @ shared).unflatten(2, (self._grid[1], -1))  # (a, heads, m, q, y)
        return found[self._row, :, self._slot]


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
        longest = max(map(len, self._rows))
        ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in self._rows])  # (a, n)
        with torch.no_grad():
            self._before = tower.read(ids.to(self._device))

    @torch.no_grad()
    def vectors(self, sources: Sequence[int], texts: Sequence[str]) -> Tensor:
        """Unit vectors (n, d) of texts beginning with prefix `sources[i]`; NaN if too long.

        Texts of the same tokens are embedded once, and run together with those that need as many
        positions.
        """
        rows = [tuple(row) for row in self._tokenize(texts)]
        places = {row: i for i, row in enumerate(dict.fromkeys(rows))}
        first = dict(zip(reversed(rows), reversed(sources), strict=True))
        fitting = {row: first[row] for row in places if len(row) <= self._context}
        found = None
        for size, batch in self._batches(fitting).items():
            for begin in range(0, len(batch), _ROWS):
                part = batch[begin : begin + _ROWS]
                made = self._run(size, part, [first[row] for row in part])  # (m, d)
                if found is None:
                    found = made.new_full((len(places), made.shape[1]), torch.nan)
                found[[places[row] for row in part]] = made
        if found is None:
            return torch.full((len(texts), 1), torch.nan, device=self._device)
        return found[[places[row] for row in rows]]

    def _batches(self, sources: dict[tuple[int, ...], int]) -> dict[int, list[tuple[int, ...]]]:
        """Rows by how many positions to run; where they are few, those of all sizes together."""
        sizes = {row: self._positions_needed(row, source) for row, source in sources.items()}
        shortest = min((self._tower.end(list(row)) + 1 for row in sizes), default=0)
        largest = max(sizes.values(), default=0)
        if len(sizes) <= _FEW and largest <= min(shortest, 8):
            return {largest: list(sizes)}
        batches: dict[int, list[tuple[int, ...]]] = {}
        for row, size in sizes.items():
            batches.setdefault(size, []).append(row)
        return batches

    def _positions_needed(self, row: tuple[int, ...], source: int) -> int:
        """How many positions to run, rounded up to 2, 4, 8, … so that few batches hold them all."""
        end = self._tower.end(list(row))
        needed = end + 1 - min(_common(row, self._rows[source]), end)
        return min(max(2, 1 << (needed - 1).bit_length()), end + 1)

    def _run(self, size: int, rows: list[tuple[int, ...]], sources: list[int]) -> Tensor:
        """Unit vectors (m, d) from the last `size` positions of each row."""
        begin = [self._tower.end(list(row)) + 1 - size for row in rows]
        ids = [row[first : first + size] for row, first in zip(rows, begin, strict=True)]
        start = torch.tensor(begin, device=self._device)  # (m,)
        before = Before(self._before, sources, start)
        found = self._tower.features(torch.tensor(ids, device=self._device), start, before)
        return normalize(found.float(), dim=-1)


def _common(row: tuple[int, ...], prefix: tuple[int, ...]) -> int:
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
