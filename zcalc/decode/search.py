"""CLIP-guided beam search without gradients; language model and target both propose tokens."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from zcalc.decode.caption import Caption
from zcalc.decode.keywords import Keywords
from zcalc.decode.kv_cache import autocast, next_logits, prefill, select
from zcalc.decode.objective import Objective
from zcalc.decode.protocols import Cache, CausalLM, TextEncoder
from zcalc.decode.run import Group, Run, Target
from zcalc.decode.scoring import Candidates
from zcalc.decode.settings import PrefixSettings, SearchSettings
from zcalc.decode.vocabulary import Vocabulary, positions
from zcalc.errors import ZcalcError
from zcalc.models.prefix import PrefixModel
from zcalc.models.torch_state import in_clean_state
from zcalc.progress import track
from zcalc.storage import digest
from zcalc.vector_cache import cached_vectors

_BATCH = 256  # words per update of the progress bar
NearestWords = Callable[[Objective, int], Sequence[str]]
_Words = tuple[Tensor, Tensor]  # ids (w,) of the tokens that start a word, unit vectors (w, d)
_words: WeakKeyDictionary[Any, WeakKeyDictionary[Any, _Words]] = WeakKeyDictionary()


def search(
    target: Target,
    encoder: TextEncoder,
    lm: CausalLM,
    settings: SearchSettings | None = None,
) -> Iterator[Caption]:
    """Decode a point (d,) or objective into a sentence, yielding the caption so far at each token.

    A token's score is log p + weight · log softmax(score / temperature), with the softmax over the
    language model's likeliest tokens and the tokens whose own text is nearest to the target. Only
    function words may repeat; otherwise the target would favour the same word again. Beams compete
    by mean score per token. Raises ZcalcError as `zerocap` does.
    """
    for (caption,) in search_each([target], encoder, lm, settings):
        yield caption


@in_clean_state
def search_each(  # noqa: PLR0913, PLR0917
    targets: Sequence[Target],
    encoder: TextEncoder,
    lm: CausalLM,
    settings: SearchSettings | None = None,
    prefix: PrefixModel | None = None,
    words: NearestWords | None = None,
) -> Iterator[list[Caption]]:
    """`search` for several targets at once, yielding all captions so far at each token.

    With a `prefix` model, the language model writes after each target's prefix vectors. `words`
    finds the nearest words of a target, for `settings.keywords`.
    """
    settings = settings or SearchSettings()
    method = "prefix" if isinstance(settings, PrefixSettings) else "search"
    run = Run.prepare(targets, encoder, lm, settings, method)
    proposals = _proposals(run, encoder, settings)  # (t, m)
    banned = run.vocabulary.forbidden | run.vocabulary.unwritable  # (V,)
    group = Group.start(len(targets), lm.device)
    past = _begin(run, settings, prefix)
    keywords = _keywords(run, settings, words)
    for step in range(settings.max_tokens):
        contexts = group.contexts(run.vocabulary.prompt)  # (a, n)
        with torch.no_grad(), autocast(settings, lm.device):
            logits, past = next_logits(lm, contexts[:, -1], past)  # (a, V)
        plain = logits.log_softmax(-1)  # (a, V)
        allowed = plain.masked_fill(banned, -torch.inf)
        if settings.clip_weight or prefix:
            allowed = allowed.masked_fill(run.vocabulary.used_words(contexts), -torch.inf)
        if step == 0:  # a caption has at least one word
            allowed[:, run.vocabulary.ends] = -torch.inf
        score = run.candidates(group, contexts) if settings.clip_weight else None
        with autocast(settings, lm.device):
            scores = guide(settings, allowed, proposals[group.owners], score)  # (a, V)
        if keywords is not None:
            keywords.add(scores, allowed, contexts[:, len(run.vocabulary.prompt) :], group.owners)
        choices = run.choices(settings.trace, plain, scores, score)
        group, parents = group.extend(scores, plain, run, choices)
        past = select(past, parents)
        captions = run.captions(group, step + 1 == settings.max_tokens, keywords)
        yield captions
        if all(caption.finished for caption in captions):
            return


def guide(
    settings: SearchSettings, allowed: Tensor, proposals: Tensor, score: Candidates | None
) -> Tensor:
    """Scores (a, V) of the next tokens; -inf unless language model or target proposes them."""
    top = allowed.topk(min(settings.candidates, allowed.shape[1])).indices  # (a, k)
    tokens = torch.cat([top, proposals], dim=1)  # (a, k + m)
    if score is None:
        return torch.full_like(allowed, -torch.inf).scatter(1, tokens, allowed.gather(1, tokens))
    banned = allowed.gather(1, tokens).isinf()  # (a, k + m): not worth scoring
    tokens = torch.where(banned, top[:, :1], tokens)  # a repeat of the likeliest costs nothing
    scores = torch.full_like(allowed, -torch.inf).scatter(1, tokens, score(tokens))  # (a, V)
    clip = (scores / settings.clip_temperature).log_softmax(-1)  # (a, V)
    clip = clip.nan_to_num(nan=-torch.inf, neginf=-torch.inf)  # NaN if every text is too long
    return allowed + settings.clip_weight * clip


def _begin(run: Run, settings: SearchSettings, prefix: PrefixModel | None) -> Cache:
    """The KV cache of each target's prefix and prompt."""
    prompt, targets = run.vocabulary.prompt, run.score.objectives
    if prefix is None:
        return select(prefill(run.lm, prompt), [0] * len(targets))
    points = torch.stack([_point(target) for target in targets])  # (t, d)
    _check_room(run.lm, prefix.length + len(prompt), settings.max_tokens)
    vectors = prefix.vectors(points, settings.memory_temperature, settings.projection)
    return prefill(run.lm, prompt, vectors)


def _keywords(run: Run, settings: SearchSettings, words: NearestWords | None) -> Keywords | None:
    """The nearest words of each target, if they are to be named."""
    if not (settings.keyword_bonus and settings.keywords and words):
        return None
    nearest = [words(target, settings.keywords) for target in run.score.objectives]
    inside = run.vocabulary.inside_words
    return Keywords(run.lm.tokenizer, nearest, settings.keyword_bonus, inside)


def _point(target: Objective) -> Tensor:
    direction = getattr(target, "direction", None)
    if not isinstance(direction, Tensor):
        raise ZcalcError(
            "A prefix decoder reads a point, and this target has none: it only scores texts.",
            "Decode it with zerocap, or with search without a prefix.",
        )
    return direction


def _check_room(lm: CausalLM, used: int, max_tokens: int) -> None:
    """Raise ZcalcError unless prefix, prompt and caption fit into the model's positions."""
    room = positions(lm)
    if room is not None and used + max_tokens > room:
        raise ZcalcError(
            f"Prefix and prompt take {used} of the language model's {room} positions, which "
            f"leaves too few for {max_tokens} tokens.",
            "Shorten the prompt or lower max_tokens.",
        )


def _proposals(run: Run, encoder: TextEncoder, settings: SearchSettings) -> Tensor:
    """Ids (t, m) that are always candidates: end tokens, and the words nearest to each target."""
    ends = run.vocabulary.ends.expand(len(run.score.objectives), -1)  # (t, e)
    if not (settings.proposals and settings.clip_weight):
        return ends
    ids, vectors = _word_vectors(run.vocabulary, encoder)  # (w,), (w, d)
    if not len(ids):
        return ends
    words = [run.vocabulary.pieces[i].strip() for i in ids.tolist()]
    k = min(settings.proposals, len(ids))
    nearest = [target(vectors, words).topk(k).indices for target in run.score.objectives]
    return torch.cat([ends, ids[torch.stack(nearest).to(ids.device)]], dim=1)


def _word_vectors(vocabulary: Vocabulary, encoder: TextEncoder) -> _Words:
    """The tokens that start a word, and the vectors of their texts; cached per pair of models."""
    cached = _words.setdefault(encoder, WeakKeyDictionary())
    tokenizer = vocabulary.lm.tokenizer
    if tokenizer not in cached:
        starts = {
            i: piece.strip()
            for i, piece in enumerate(vocabulary.pieces)
            if piece[:1].isspace() and len(piece) > 3 and piece.strip().isalpha()
        }
        ids = torch.tensor(list(starts), device=vocabulary.lm.device, dtype=torch.long)  # (w,)
        cached[tokenizer] = (ids, _embed_words(list(starts.values()), encoder))
    return cached[tokenizer]


def _embed_words(words: list[str], encoder: TextEncoder) -> Tensor:
    """Unit vectors (w, d) of words, cached on disk."""
    if not words:
        return torch.empty(0, 0)

    def embed() -> np.ndarray:
        batches = [words[i : i + _BATCH] for i in range(0, len(words), _BATCH)]
        label = "Embedding the language model's words (once per pair of models)"
        whole = encoder.continuations([""])
        rows = [whole.vectors([0] * len(batch), batch).cpu() for batch in track(batches, label)]
        return torch.cat(rows).numpy()  # (w, d)

    metadata = {"model": encoder.identity, "texts": digest("\n".join(words))}
    return torch.from_numpy(cached_vectors("tokens", len(words), embed, **metadata))
