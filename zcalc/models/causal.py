"""Texts that begin alike: a causal text tower reads their common beginning once.

In a causal tower no position looks ahead, so a beginning's keys and values don't depend on what
follows it, and a text's embedding, read at its end token, needs only the positions after it.
"""

from collections.abc import Callable, Sequence
from itertools import takewhile
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
        start = torch.zeros(len(ids), dtype=torch.long, device=ids.device)
        return self._run(ids, start, None)[1]

    def features(self, ids: Tensor, start: Tensor, before: Read | None) -> Tensor:
        """Raw embeddings (n, d), read at the last of ids (n, s), which begin at `start` (n,).

        Every row sees the first `start` positions of its own row in `before`.
        """
        pooled = self._norm(self._run(ids, start, before)[0])  # (n, width)
        if self._projection is None:
            return pooled
        if isinstance(self._projection, torch.nn.Linear):
            return self._projection(pooled)
        return pooled @ self._projection

    def _run(self, ids: Tensor, start: Tensor, before: Read | None) -> tuple[Tensor, Read]:
        """The output at the last of ids (n, width), and every layer's keys and values of them."""
        own = torch.arange(ids.shape[1], device=ids.device)  # (s,)
        dtype = self._blocks[0].attn.in_proj_weight.dtype
        x = self._embedding(ids).to(dtype) + self._positions[start[:, None] + own].to(dtype)
        mask = (own <= own[:, None]).expand(len(ids), 1, -1, -1)  # (n, 1, s, s): what is seen
        if before is not None:
            earlier = torch.arange(before[0][0].shape[2], device=ids.device)  # (c,)
            seen = (earlier < start[:, None])[:, None, None].expand(-1, -1, len(own), -1)
            mask = torch.cat([seen, mask], dim=-1)  # (n, 1, s, c + s)
        cache = []
        for i, block in enumerate(self._blocks):
            needed = 1 if i == len(self._blocks) - 1 else len(own)
            x, pair = _block(block, x, mask, before[i] if before else None, needed)
            cache.append(pair)
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
        before = self.read(ids[:, :2])
        ours = self.features(ids[:, 2 : len(row)], torch.tensor([2], device=ids.device), before)
        theirs = model.encode_text(ids)
        return bool((normalize(ours.float()) - normalize(theirs.float())).norm() < _CLOSE)


def _block(
    block: Any, x: Tensor, mask: Tensor, before: Pair | None, needed: int
) -> tuple[Tensor, Pair]:
    """One block on x (n, s, width): its output at the last `needed`, and x's keys and values."""
    attention = block.attn
    projected = linear(block.ln_1(x), attention.in_proj_weight, attention.in_proj_bias)
    heads = projected.unflatten(-1, (3, attention.num_heads, -1))  # (n, s, 3, heads, w)
    query, keys, values = heads.permute(2, 0, 3, 1, 4)  # each (n, heads, s, w)
    own = keys, values
    if before is not None:
        keys = torch.cat([before[0], keys], dim=2)  # (n, heads, c + s, w)
        values = torch.cat([before[1], values], dim=2)
    query, mask = query[:, :, -needed:], mask[:, :, -needed:]
    mixed = scaled_dot_product_attention(query, keys, values, attn_mask=mask)
    x = x[:, -needed:] + block.ls_1(attention.out_proj(mixed.transpose(1, 2).flatten(2)))
    return x + block.ls_2(block.mlp(block.ln_2(x))), own


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
        self._rows = [row[: context - 1] for row in tokenize(prefixes)]
        longest = max(map(len, self._rows))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in self._rows])  # (a, n)
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
        batches: dict[int, list[tuple[int, ...]]] = {}
        for row in places:
            if len(row) <= self._context:
                batches.setdefault(self._positions_needed(row, first[row]), []).append(row)
        found = None
        for size, batch in batches.items():
            for begin in range(0, len(batch), _ROWS):
                part = batch[begin : begin + _ROWS]
                made = self._run(size, part, [first[row] for row in part])  # (m, d)
                if found is None:
                    found = made.new_full((len(places), made.shape[1]), torch.nan)
                found[[places[row] for row in part]] = made
        if found is None:
            return torch.full((len(texts), 1), torch.nan, device=self._device)
        return found[[places[row] for row in rows]]

    def _positions_needed(self, row: tuple[int, ...], source: int) -> int:
        """How many positions to run, rounded up to 2, 4, 8, … so that few batches hold them all."""
        pairs = zip(row, self._rows[source], strict=False)
        end = self._tower.end(list(row))
        common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        needed = end + 1 - min(common, end)
        return min(max(2, 1 << (needed - 1).bit_length()), end + 1)

    def _run(self, size: int, rows: list[tuple[int, ...]], sources: list[int]) -> Tensor:
        """Unit vectors (m, d) from the last `size` positions of each row."""
        start = [self._tower.end(list(row)) + 1 - size for row in rows]
        ids = [row[begin : begin + size] for row, begin in zip(rows, start, strict=True)]
        seen = max(start)
        one = len(set(sources)) == 1  # then its keys and values needn't be copied for every row
        picked = sources[:1] if one else sources
        before = [
            tuple(x[picked, :, :seen].expand(len(ids), -1, -1, -1) for x in pair)
            for pair in self._before
        ]
        found = self._tower.features(
            torch.tensor(ids, device=self._device), torch.tensor(start, device=self._device), before
        )
        return normalize(found.float(), dim=-1)


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
