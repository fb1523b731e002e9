"""An encoder that open_clip loads: its model, tokenizer and image transform."""

import json
from collections.abc import Callable, Sequence
from copy import copy
from functools import cached_property
from threading import Lock
from typing import Any

import regex
import torch
from PIL import Image
from tokenizers import Tokenizer
from torch import Tensor

from zcalc.errors import ZcalcError
from zcalc.models import compat, loading, tokenizer, tower  # noqa: F401  (before open_clip)
from zcalc.models.causal import CausalTower
from zcalc.models.checkpoint import Checkpoint
from zcalc.models.cleaning import clean_whitespace, is_plain

import open_clip  # isort: skip
from open_clip.hf_configs import arch_dict  # isort: skip
from open_clip.hf_model import HFTextEncoder  # isort: skip
from open_clip.transformer import ResidualAttentionBlock  # isort: skip
from timm.models import register_model  # isort: skip
from torchvision.transforms import Compose, ToTensor  # isort: skip

_CLEAN = {  # open_clip's cleaning functions without ftfy and HTML unescaping
    "_clean_whitespace": clean_whitespace,
    "_clean_lower": lambda text: clean_whitespace(text).lower(),
    "_clean_canonicalize": lambda text: open_clip.tokenizer.canonicalize_text(text.strip()),
}


@register_model
def zcalc_class_mixture(num_classes: int = 384, **_timm: Any) -> tower.ClassMixture:
    """The image tower of `mini`, by the name under which open_clip finds it; timm calls this."""
    return tower.ClassMixture(num_classes)


class OpenClip:
    """A model of open_clip in float32, its weights frozen, with tokenizer and image transform.

    `device` is where it runs, `dim` the length of an embedding.
    """

    def __init__(self, checkpoint: Checkpoint, device: torch.device) -> None:
        _check_text_tower(checkpoint)
        model, _, transform = open_clip.create_model_and_transforms(
            checkpoint.name, device=device, **checkpoint.arguments
        )
        self.resize, self.normalize = _halves(transform)
        self.model: Any = model.eval().requires_grad_(False)
        self._tokenizer = OpenClipTokenizer(_tokenizer(checkpoint, _vocabulary(model)))
        self.tokenizer: tokenizer.TextTokenizer = self._tokenizer
        self.device, self.dim = device, int(checkpoint.config["embed_dim"])
        self.logit_scale: Tensor = model.logit_scale.detach()
        bias = getattr(model, "logit_bias", None)
        self.logit_bias: Tensor | None = None if bias is None else bias.detach()
        with torch.no_grad():
            self.encode_text(self.tokenizer(["a cat"]).to(device))  # a fault shows itself now

    @property
    def causal_tower(self) -> CausalTower | None:
        """The text tower, if it is causal and reads the tokenizer's ids unchanged."""
        inner = self._tokenizer.inner
        unchanged = not getattr(inner, "tokenizer_mode", "")
        unchanged &= not getattr(inner, "strip_sep_token", False)
        return causal_tower(self.model) if unchanged else None

    def encode_image(self, pixels: Tensor) -> Tensor:
        """Raw embeddings (n, d) of normalized pixels (n, 3, h, w)."""
        return self.model.encode_image(pixels)

    def encode_text(self, ids: Tensor) -> Tensor:
        """Raw embeddings (n, d) of token ids (n, context)."""
        return encode_text(self.model, ids)


class OpenClipTokenizer:
    """A tokenizer of open_clip as a `TextTokenizer`; special tokens in a text are text."""

    def __init__(self, tokenizer: Any) -> None:
        self.inner, self._lock = tokenizer, Lock()
        self.context_length = int(tokenizer.context_length)
        tokenizer.clean_fn = quick_clean(tokenizer.clean_fn)
        hf = getattr(tokenizer, "tokenizer", None)
        if isinstance(tokenizer, open_clip.SimpleTokenizer):
            _read_special_tokens_as_text(tokenizer)
        elif hf is not None:
            hf.split_special_tokens = True
        unknown = getattr(hf, "unk_token_id", None)
        others = {getattr(hf, f"{kind}_token_id", None) for kind in ("bos", "eos", "pad")}
        self.unknown: int | None = None if unknown in others else unknown
        self.special = frozenset[int](getattr(hf, "all_special_ids", ()))

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Token ids (n, context) of texts, cut at the end or padded."""
        with self._lock:  # tokenizers of transformers switch truncation and padding on and off
            return self.inner(list(texts))

    def rows(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of texts, from the start token to the end token, neither cut nor padded."""
        clip = self.inner
        if isinstance(clip, open_clip.SimpleTokenizer):
            return [[clip.sot_token_id, *clip.encode(text), clip.eot_token_id] for text in texts]
        cleaned = [clip.clean_fn(text) for text in texts]
        if self._backend is None:
            return clip.tokenizer(cleaned, verbose=False).input_ids
        return [row.ids for row in self._backend.encode_batch_fast(cleaned)]

    @cached_property
    def _backend(self) -> Tokenizer | None:
        """A copy of the fast tokenizer, if there is one, without truncation and padding."""
        backend = getattr(self.inner.tokenizer, "backend_tokenizer", None)
        if not isinstance(backend, Tokenizer):
            return None
        return tokenizer.plain(Tokenizer.from_str(backend.to_str()))


def quick_clean(clean: Callable[[str], str]) -> Callable[[str], str]:
    """open_clip's cleaning function, skipping ftfy and HTML unescaping where they do nothing."""
    after = _CLEAN.get(clean.__name__)
    if after is None:
        return clean
    return lambda text: (after if is_plain(text) else clean)(text)


def causal_tower(model: Any) -> CausalTower | None:
    """The text tower of a model, or None if it is of another kind than CLIP's.

    Its mask, blocks and pooling must be CLIP's, and a text that is run in two parts must get the
    embedding that the model computes.
    """
    try:
        text_tower = CausalTower(model)
    except AttributeError:
        return None
    blocks: Any = text_tower.blocks
    standard = all(type(b) is ResidualAttentionBlock and b.attn.batch_first for b in blocks)
    agrees = standard and text_tower.is_causal() and text_tower.agrees_with(model)
    return text_tower if agrees else None


def encode_text(model: torch.nn.Module, ids: Tensor) -> Tensor:
    """Raw embeddings (n, d) of token ids (n, context) by an open_clip model.

    A text tower that doesn't attend to the padding, and reads the embedding before it, runs at the
    length of the longest text: causal ones and those of transformers. Others run at full length.
    """
    text_tower: Any = getattr(model, "text", model)
    if isinstance(text_tower, HFTextEncoder):
        longest = _longest(ids, text_tower.config.pad_token_id)
        return model.encode_text(ids[:, :longest])  # type: ignore[operator]
    mask: Any = getattr(text_tower, "attn_mask", None)  # (context, context), causal towers only
    pool = getattr(text_tower, "pool_type", None) or getattr(text_tower, "text_pool_type", None)
    whole = getattr(text_tower, "cls_emb", None) is not None or pool not in ("argmax", "eos")
    if mask is None or whole:
        return model.encode_text(ids)  # type: ignore[operator]
    if text_tower is model:  # CLIP itself: its texts end at the highest id, and the padding is "!"
        longest = int(ids.argmax(-1).max()) + 1 if pool == "argmax" else len(mask)
    else:
        longest = _longest(ids, text_tower.pad_id)
    shorter = copy(text_tower)  # shares the weights; nobody else sees the shorter mask
    shorter._buffers = {**text_tower._buffers, "attn_mask": mask[:longest, :longest]}
    if text_tower is model:
        rows = text_tower.get_parameter("positional_embedding")[:longest]
        positions = torch.nn.Parameter(rows, requires_grad=False)
        shorter._parameters = {**text_tower._parameters, "positional_embedding": positions}
        return shorter.encode_text(ids[:, :longest])
    view = copy(model)
    view._modules = {**model._modules, "text": shorter}
    return view.encode_text(ids[:, :longest])  # type: ignore[operator]


def _check_text_tower(checkpoint: Checkpoint) -> None:
    """Raise ZcalcError for a text tower of transformers that open_clip has no code for."""
    folder = checkpoint.config["text_cfg"].get("hf_model_name") and checkpoint.tokenizer
    if not folder:
        return
    kind = json.loads((folder / "config.json").read_bytes()).get("model_type")
    if kind not in arch_dict:
        raise ZcalcError(
            f"The text tower of {checkpoint.weights.parent} is of the kind {kind}, which open_clip "
            "can't build.",
            f"It builds {', '.join(arch_dict)} and CLIP's own. Choose an encoder with one of them.",
        )


def _longest(ids: Tensor, padding: int) -> int:
    """The length of the longest text among token ids (n, context)."""
    return int(ids.ne(padding).any(0).nonzero().max()) + 1


def _halves(transform: Compose) -> tuple[Callable[[Image.Image], Image.Image], Compose]:
    """The steps of an image transform before and after `ToTensor`."""
    steps = transform.transforms
    middle = next(i for i, step in enumerate(steps) if isinstance(step, ToTensor))
    return Compose(steps[:middle]), Compose(steps[middle + 1 :])


def _vocabulary(model: Any) -> int:
    """The number of token embeddings of a model's text tower."""
    text_tower = getattr(model, "text", model)
    if isinstance(text_tower, HFTextEncoder):
        return int(text_tower.config.vocab_size)
    return int(text_tower.token_embedding.num_embeddings)


def _tokenizer(checkpoint: Checkpoint, vocabulary: int) -> Any:
    """open_clip's tokenizer; raises ValueError if its ids exceed the model's vocabulary."""
    if checkpoint.tokenizer is None:
        return open_clip.get_tokenizer(checkpoint.name)
    text = checkpoint.config["text_cfg"]
    made = open_clip.tokenizer.HFTokenizer(
        str(checkpoint.tokenizer),
        context_length=text.get("context_length", open_clip.tokenizer.DEFAULT_CONTEXT_LENGTH),
        tokenizer_mode=text.get("tokenizer_mode"),
        **{**(text.get("tokenizer_kwargs") or {}), "trust_remote_code": False},
    )
    if made.strip_sep_token and made.tokenizer.sep_token_id is None:
        raise ValueError("its tokenizer has no separator token, which its configuration strips")
    if not loading.is_sound(made.tokenizer, vocabulary):
        raise ValueError("its tokenizer is damaged or belongs to another model")
    return made


def _read_special_tokens_as_text(tokenizer: Any) -> None:
    """Keep CLIP's tokenizer from reading its special tokens in a text."""
    special, pattern = ("<start_of_text>", "<end_of_text>"), tokenizer.pat.pattern
    for token in special:
        tokenizer.cache.pop(token, None)
    tokenizer.pat = regex.compile(pattern.removeprefix("|".join(special) + "|"), regex.IGNORECASE)
