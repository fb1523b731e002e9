"""CLIP beam search without gradients: the language model and the target both propose tokens."""

from collections.abc import Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from zcalc.decode.caption import Caption
from zcalc.decode.protocols import CausalLM, TextEncoder
from zcalc.decode.reading import autocast, begin, next_logits, select
from zcalc.decode.run import Group, Run, Target
from zcalc.decode.scoring import Candidates
from zcalc.decode.settings import SearchSettings
from zcalc.decode.vocabulary import Vocabulary
from zcalc.progress import track
from zcalc.shipped import kept_vectors
from zcalc.storage import digest

_BATCH = 256  # words between two moves of the progress bar
_Words = tuple[Tensor, Tensor]  # ids (w,) of the tokens that start a word, unit vectors (w, d)
_words: WeakKeyDictionary[Any, WeakKeyDictionary[Any, _Words]] = WeakKeyDictionary()


def search(
    target: Target,
    encoder: TextEncoder,
    lm: CausalLM,
    settings: SearchSettings | None = None,
) -> Iterator[Caption]:
    """Decode a point (d,) or objective into a sentence; yields the captions so far at every token.

    A token's score is log p + weight · log softmax(score / temperature), the softmax taken over
    the language model's likeliest tokens and the tokens whose own text is nearest to the target.
    No word but function words is written twice: the target would ask for the same one again.
    Beams compete by mean score a token. Raises ZcalcError as `zerocap` does.
    """
    for (caption,) in search_each([target], encoder, lm, settings):
        yield caption


def search_each(
    targets: Sequence[Target],
    encoder: TextEncoder,
    lm: CausalLM,
    settings: SearchSettings | None = None,
) -> Iterator[list[Caption]]:
    """`search` for several targets at once; yields all their captions at every token."""
    settings = settings or SearchSettings()
    run = Run.prepare(targets, encoder, lm, settings, "search")
    proposed = _proposals(run, encoder, settings)  # (t, m)
    banned = run.vocabulary.forbidden | run.vocabulary.unwritable  # (V,)
    group = Group.start(len(targets), lm.device)
    past = select(begin(lm, run.vocabulary.prompt), [0] * len(targets))
    for step in range(settings.max_tokens):
        contexts = group.contexts(run.vocabulary.prompt)  # (a, n)
        with torch.no_grad(), autocast(settings, lm.device):
            logits, past = next_logits(lm, contexts[:, -1], past)  # (a, V)
        plain = logits.log_softmax(-1)  # (a, V)
        allowed = plain.masked_fill(banned, -torch.inf)
        if settings.clip_weight:
            allowed = allowed.masked_fill(run.vocabulary.said(contexts), -torch.inf)
        if step == 0:  # a caption has at least one word
            allowed[:, run.vocabulary.ends] = -torch.inf
        score = run.candidates(group, contexts) if settings.clip_weight else None
        with autocast(settings, lm.device):
            scores = guide(settings, allowed, proposed[group.owners], score)  # (a, V)
        choices = run.choices(settings.trace, plain, scores, score)
        ends = run.vocabulary.ends  # (e,)
        group, parents = group.extend(scores, plain, settings.beams, ends, choices)
        past = select(past, parents)
        captions = run.captions(group, last=step + 1 == settings.max_tokens)
        yield captions
        if all(caption.finished for caption in captions):
            return


def guide(
    settings: SearchSettings, allowed: Tensor, proposed: Tensor, score: Candidates | None
) -> Tensor:
    """Scores (a, V) of the next tokens: -inf outside the candidates of both sides."""
    top = allowed.topk(min(settings.candidates, allowed.shape[1])).indices  # (a, k)
    chosen = torch.cat([top, proposed], dim=1)  # (a, k + m)
    if score is None:
        return torch.full_like(allowed, -torch.inf).scatter(1, chosen, allowed.gather(1, chosen))
    barred = allowed.gather(1, chosen).isinf()  # (a, k + m): not worth scoring
    chosen = torch.where(barred, top[:, :1], chosen)  # the likeliest again instead
    found = torch.full_like(allowed, -torch.inf).scatter(1, chosen, score(chosen))  # (a, V)
    pull = (found / settings.clip_temperature).log_softmax(-1)  # (a, V)
    pull = pull.nan_to_num(nan=-torch.inf, neginf=-torch.inf)  # NaN where nothing fits
    return allowed + settings.clip_weight * pull


def _proposals(run: Run, encoder: TextEncoder, settings: SearchSettings) -> Tensor:
    """Ids (t, m) that always are candidates: the end, and the words nearest to each target."""
    ends = run.vocabulary.ends.expand(len(run.score.objectives), -1)  # (t, e)
    if not (settings.proposals and settings.clip_weight):
        return ends
    ids, vectors = _word_vectors(run.vocabulary, encoder)  # (w,), (w, d)
    if not len(ids):
        return ends
    words = [run.vocabulary.pieces[i].strip() for i in ids.tolist()]
    k = min(settings.proposals, len(ids))
    found = [target(vectors, words).topk(k).indices for target in run.score.objectives]
    return torch.cat([ends, ids[torch.stack(found).to(ids.device)]], dim=1)


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
    """The words' unit vectors (w, d), made once for each pair."""
    if not words:
        return torch.empty(0, 0)
    about = {"model": encoder.identity, "texts": digest("\n".join(words))}
    rows = kept_vectors("tokens", len(words), lambda: _embedded(words, encoder), **about)
    return torch.from_numpy(rows)


def _embedded(words: list[str], encoder: TextEncoder) -> np.ndarray:
    parts = [words[i : i + _BATCH] for i in range(0, len(words), _BATCH)]
    label = "Embedding the language model's words, once for this pair"
    whole = encoder.continuations([""])
    made = [whole.vectors([0] * len(part), part).cpu() for part in track(parts, label)]
    return torch.cat(made).numpy()  # (w, d)
