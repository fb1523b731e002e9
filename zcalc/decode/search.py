"""CLIP beam search without gradients: the language model and the target both propose tokens."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from zcalc.decode.beam import Beams
from zcalc.decode.caption import Caption
from zcalc.decode.protocols import CausalLM, TextEncoder
from zcalc.decode.run import Run, log_probabilities
from zcalc.decode.scoring import text_vectors
from zcalc.decode.settings import SearchSettings
from zcalc.decode.vocabulary import Vocabulary
from zcalc.progress import track
from zcalc.storage import cache_folder, digest, pack, unpack, write_atomically

_BATCH = 256  # words between two moves of the progress bar
_Words = tuple[Tensor, Tensor]  # ids (w,) of the tokens that start a word, unit vectors (w, d)
_words: WeakKeyDictionary[Any, WeakKeyDictionary[Any, _Words]] = WeakKeyDictionary()


def search(
    target: np.ndarray,
    encoder: TextEncoder,
    lm: CausalLM,
    settings: SearchSettings | None = None,
) -> Iterator[Caption]:
    """Decode a point (d,) of CLIP space into a sentence; yields the captions so far at every token.

    A token's score is log p + weight · log softmax(cosine / temperature), the softmax taken over
    the language model's likeliest tokens and the tokens whose own text is nearest to the target.
    No word but function words is written twice: the target would ask for the same one again.
    Beams compete by mean score a token. Raises ZcalcError as `zerocap` does.
    """
    settings = settings or SearchSettings()
    run = Run.prepare(target, encoder, lm, settings, "search")
    proposed = _proposals(run, encoder, settings)  # (m,)
    banned = run.vocabulary.forbidden | run.vocabulary.unwritable  # (V,)
    beams = Beams.start(lm.device)
    for step in range(settings.max_tokens):
        contexts = beams.contexts(run.vocabulary.prompt)  # (a, n)
        plain = log_probabilities(lm, contexts)  # (a, V)
        allowed = plain.masked_fill(banned, -torch.inf)
        if settings.clip_weight:
            allowed = allowed.masked_fill(run.vocabulary.said(contexts), -torch.inf)
        if step == 0:  # a caption has at least one word
            allowed[:, run.vocabulary.ends] = -torch.inf
        scores = guide(run, settings, contexts, allowed, proposed)  # (a, V)
        beams = beams.extend(scores, plain, settings.beams, run.vocabulary.ends)
        caption = run.caption(beams, last=step + 1 == settings.max_tokens)
        yield caption
        if caption.finished:
            return


def guide(
    run: Run, settings: SearchSettings, contexts: Tensor, allowed: Tensor, proposed: Tensor
) -> Tensor:
    """Scores (a, V) of the next tokens: -inf outside the candidates of both sides."""
    top = allowed.topk(min(settings.candidates, allowed.shape[1])).indices  # (a, k)
    chosen = torch.zeros_like(allowed, dtype=torch.bool).scatter(1, top, True)
    chosen[:, proposed] = True
    chosen &= allowed.isfinite()
    if not settings.clip_weight:
        return allowed.masked_fill(~chosen, -torch.inf)
    candidates = [row.nonzero()[:, 0].tolist() for row in chosen]
    cosines = torch.full_like(allowed, -torch.inf)  # (a, V)
    found = run.score(run.continuations(contexts, candidates))
    cosines[chosen] = found.to(cosines.device)
    pull = (cosines / settings.clip_temperature).log_softmax(-1)  # (a, V)
    return (allowed + settings.clip_weight * pull).masked_fill(~chosen, -torch.inf)


def _proposals(run: Run, encoder: TextEncoder, settings: SearchSettings) -> Tensor:
    """Ids (m,) that always are candidates: the end, and the words nearest to the target."""
    if not (settings.proposals and settings.clip_weight):
        return run.vocabulary.ends
    ids, vectors = _word_vectors(run.vocabulary, encoder)
    if not len(ids):
        return run.vocabulary.ends
    nearest = run.score.nearest(vectors, settings.proposals).to(ids.device)  # (m,)
    return torch.cat([run.vocabulary.ends, ids[nearest]])


def _word_vectors(vocabulary: Vocabulary, encoder: TextEncoder) -> _Words:
    """Tokens that start a word, and their own texts' vectors; computed once for each pair."""
    known = _words.setdefault(encoder, WeakKeyDictionary())
    tokenizer = vocabulary.lm.tokenizer
    if tokenizer not in known:
        starts = {
            i: piece.strip()
            for i, piece in enumerate(vocabulary.pieces)
            if piece[:1].isspace() and len(piece) > 3 and piece.strip().isalpha()
        }
        ids = torch.tensor(list(starts), device=vocabulary.lm.device, dtype=torch.long)  # (w,)
        known[tokenizer] = (ids, _kept_vectors(list(starts.values()), encoder))
    return known[tokenizer]


def _kept_vectors(words: list[str], encoder: TextEncoder) -> Tensor:
    """The words' unit vectors (w, d), from the cache folder where it has them."""
    if not words:
        return torch.empty(0, 0)
    about = {"model": encoder.identity, "texts": digest("\n".join(words))}
    file = cache_folder("tokens", f"{digest(str(about))[:16]}.safetensors")
    rows = unpack(file.read_bytes(), **about) if file.is_file() else None
    if rows is not None and len(rows) == len(words):
        return torch.from_numpy(rows)
    parts = [words[i : i + _BATCH] for i in range(0, len(words), _BATCH)]
    label = "Embedding the language model's words, once for this pair"
    vectors = torch.cat([text_vectors(part, encoder).cpu() for part in track(parts, label)])
    with suppress(OSError):  # without a cache they are computed again next time
        write_atomically(file, pack(vectors.numpy(), **about))
    return vectors
