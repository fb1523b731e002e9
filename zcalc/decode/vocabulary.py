"""The language model's tokens as text: pieces, prompt, end tokens, and banned tokens."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from zcalc.decode.english import FUNCTION_WORDS
from zcalc.decode.protocols import CausalLM
from zcalc.decode.settings import DecoderSettings
from zcalc.errors import ZcalcError

_pieces: WeakKeyDictionary[Any, tuple[str, ...]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of a language model under a decoder's settings.

    Raises ZcalcError if `settings.end_token` is not a single token of the model.
    """

    lm: CausalLM
    settings: DecoderSettings

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """The text of every token inside a sentence; empty for special tokens."""
        tokenizer = self.lm.tokenizer
        if tokenizer not in _pieces:
            _pieces[tokenizer] = _read_pieces(tokenizer)
        size = self.lm.model.config.get_text_config().vocab_size
        return (_pieces[tokenizer] + ("",) * size)[:size]

    @cached_property
    def end(self) -> int:
        """The id of the end token."""
        name = self.settings.end_token
        if name and name in self.pieces:
            return self.pieces.index(name)
        token = self.lm.tokenizer.get_vocab().get(name)
        if token is None or token >= len(self.pieces):
            raise ZcalcError(
                f"The end token {name!r} is not a single token of the language model.",
                "Set end_token to one of its tokens, such as its end-of-text token "
                f"{self.lm.tokenizer.eos_token!r}.",
            )
        return int(token)

    @cached_property
    def ends(self) -> Tensor:
        """Ids (e,) that end a caption: the end token and the model's end-of-text token.

        The end-of-text token has no text, so CLIP scores the caption without it. The released code
        writes "<|endoftext|>" into the text, which CLIP's tokenizer reads as the end of the text:
        the same embedding.
        """
        eos = self.lm.tokenizer.eos_token_id
        ids = {self.end} if eos is None else {self.end, eos}
        return torch.tensor(sorted(ids), device=self.lm.device)

    @cached_property
    def forbidden(self) -> Tensor:
        """Mask (V,) of the tokens whose text matches `settings.forbidden`."""
        pattern = re.compile(self.settings.forbidden)
        mask = [bool(piece and pattern.fullmatch(piece)) for piece in self.pieces]
        mask[self.end] = False
        return torch.tensor(mask, device=self.lm.device)

    @cached_property
    def unwritable(self) -> Tensor:
        """Mask (V,) of the ids without text that are no end tokens: special and unused ones."""
        mask = torch.tensor([not piece for piece in self.pieces], device=self.lm.device)
        mask[self.ends] = False
        return mask

    @cached_property
    def content_words(self) -> Tensor:
        """Mask (V,) of the tokens that start a word of 3 letters or more, except function words."""
        words = [piece[1:] if piece[:1].isspace() else "" for piece in self.pieces]
        content = [len(w) > 2 and w.isalpha() and w not in FUNCTION_WORDS for w in words]
        return torch.tensor(content, device=self.lm.device)

    @cached_property
    def inside_words(self) -> Tensor:
        """Mask (V,) of the tokens that continue a word."""
        return torch.tensor([piece[:1].isalnum() for piece in self.pieces], device=self.lm.device)

    def used_words(self, contexts: Tensor) -> Tensor:
        """Mask (a, V) of the content words that contexts (a, n) already contain."""
        empty = torch.zeros(len(contexts), len(self.pieces), dtype=torch.bool)
        used = empty.to(contexts.device).scatter(1, contexts, True)
        return used & self.content_words

    @cached_property
    def prompt(self) -> Tensor:
        """Ids (p,) of the prompt, after the begin tokens.

        Raises ZcalcError if it is empty or leaves fewer than `max_tokens` positions.
        """
        tokenizer, settings = self.lm.tokenizer, self.settings
        ids = begin_tokens(self.lm) + tokenizer.encode(settings.prompt, add_special_tokens=False)
        if not ids:
            raise ZcalcError("The prompt is empty.", "Start it with a word: prompt='Image of a'")
        room = positions(self.lm)
        if room is not None and len(ids) + settings.max_tokens > room:
            raise ZcalcError(
                f"The prompt takes {len(ids)} of the language model's {room} positions, which "
                f"leaves too few for {settings.max_tokens} tokens.",
                "Shorten the prompt or lower max_tokens.",
            )
        return torch.tensor(ids, device=self.lm.device)

    def text(self, ids: list[int]) -> str:
        """Token ids as text, without special tokens."""
        return str(
            self.lm.tokenizer.decode(
                ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )


def positions(lm: CausalLM) -> int | None:
    """How many positions a language model sees at once; None if that is not known.

    Beyond a sliding window, the first tokens would be forgotten in the middle of a caption.
    """
    config = lm.model.config.get_text_config()
    slides = getattr(config, "use_sliding_window", True)
    window = getattr(config, "sliding_window", None) if slides else None
    known = (getattr(config, "max_position_embeddings", None), window)
    return min((int(size) for size in known if size), default=None)


def begin_tokens(lm: CausalLM) -> list[int]:
    """The ids that every caption begins with.

    As in the released code of ZeroCap, GPT-2 has its beginning-of-text token and GPT-Neo none.
    Other models have what their tokenizer adds by itself.
    """
    tokenizer, kind = lm.tokenizer, lm.model.config.get_text_config().model_type
    if kind == "gpt2":
        return [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    if kind == "gpt_neo":
        return []
    plain = tokenizer.encode("a", add_special_tokens=False)
    whole = tokenizer.encode("a")
    starts = (i for i in range(len(whole)) if whole[i : i + len(plain)] == plain)
    return list(whole[: next(starts, 0)])


def _read_pieces(tokenizer: Any) -> tuple[str, ...]:
    """The text of every token after an anchor word, which preserves leading spaces."""
    anchor = tokenizer.encode("a", add_special_tokens=False)
    options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
    lead = len(tokenizer.decode(anchor, **options))
    texts = tokenizer.batch_decode([[*anchor, i] for i in range(len(tokenizer))], **options)
    return tuple(text[lead:] for text in texts)
