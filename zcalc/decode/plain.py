"""The plain transcription of ZeroCap: slow, and the oracle for `zerocap`.

It reads like the algorithm and keeps nothing: the language model reads every context whole, and
CLIP every candidate sentence, padded to its full context, for each beam, token and gradient step,
as the authors' released code does (github.com/YoadTew/zero-shot-image-to-text,
`model/ZeroCLIP.py`). Where the paper (arXiv 2111.14447) and the code differ, it follows the code:

- Update of the context (Section 3.2): the paper divides the gradient by its squared norm, the code
  by the norm to the power 0.9, for each layer's keys and values of each beam apart.
- Language term (Section 3.2): cross-entropy with the unshifted distribution in the paper, in the
  code the divergence KL(shifted ‖ unshifted).
- Only in the code: the factors on single tokens' logits (`edit_special_tokens`), the fusion of the
  shifted with the unshifted distribution, and its normalisation over all beams at once (`fuse`).

Kept apart from the code on purpose: the model's end of text ends a beam as "." does; special tokens
are never written; ended beams are not run on; candidates too long for CLIP are skipped; the best
caption by CLIP is measured with its prompt.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from zcalc.decode.beam import Beams
from zcalc.decode.caption import Beam, Caption
from zcalc.decode.protocols import Cache, CausalLM
from zcalc.decode.settings import ZeroCapSettings
from zcalc.decode.vocabulary import Vocabulary
from zcalc.decode.zerocap import edit_special_tokens, fuse


def zerocap(
    target: np.ndarray, encoder: Any, lm: CausalLM, settings: ZeroCapSettings | None = None
) -> Iterator[Caption]:
    """Decode a point (d,) of CLIP space into a sentence; yields the captions so far at every token.

    `encoder` is a `models.encoder.Encoder`.
    """
    settings = settings or ZeroCapSettings()
    vocabulary = Vocabulary(lm, settings)
    beams = Beams.start(lm.device)
    for step in range(settings.max_tokens):
        contexts = beams.contexts(vocabulary.prompt)  # (a, n)
        logits, past = read(lm, contexts)  # (a, V)
        plain = logits.log_softmax(-1)  # (a, V)
        if settings.guided:
            past = shift(lm, vocabulary, settings, contexts, past, plain, (target, encoder))
            with torch.no_grad():
                logits = next_logits(lm, contexts, past)  # (a, V)
        logits = edit_special_tokens(logits, contexts, step, vocabulary, settings)
        log_probs = logits.log_softmax(-1)  # (a, V)
        if settings.guided:
            log_probs = fuse(log_probs, plain, settings.fusion, ended=int(beams.ended.sum()))
        beams = beams.extend(log_probs, plain, settings.beams, vocabulary.ends)
        last = step + 1 == settings.max_tokens or bool(beams.ended.all())
        yield caption(vocabulary, beams, target, encoder, last)
        if last:
            return


def read(lm: CausalLM, contexts: Tensor) -> tuple[Tensor, Cache]:
    """Plain next-token logits (a, V), and the cache of all but the last token."""
    with torch.no_grad():
        out = lm.model(contexts, use_cache=True)
    layers = out.past_key_values.layers
    past = [(layer.keys[:, :, :-1], layer.values[:, :, :-1]) for layer in layers]
    return out.logits[:, -1].float(), past


def next_logits(lm: CausalLM, contexts: Tensor, past: Cache) -> Tensor:
    """Next-token logits (a, V) when the last token sees this cache."""
    from transformers import DynamicCache

    cache = DynamicCache()
    for layer, (keys, values) in enumerate(past):
        cache.update(keys, values, layer)
    out = lm.model(contexts[:, -1:], past_key_values=cache, use_cache=True)
    return out.logits[:, -1].float()


def shift(  # noqa: PLR0913, PLR0917
    lm: CausalLM,
    vocabulary: Vocabulary,
    settings: ZeroCapSettings,
    contexts: Tensor,
    past: Cache,
    plain: Tensor,
    goal: tuple[np.ndarray, Any],
) -> Cache:
    """The cache after `steps` gradient steps on the loss, every beam for itself.

    Every position of every layer moves (the code's window mask is all ones).
    """
    delta = [(torch.zeros_like(keys), torch.zeros_like(values)) for keys, values in past]
    for _ in range(settings.steps):
        leaves = [tensor.requires_grad_() for pair in delta for tensor in pair]
        log_probs = next_logits(lm, contexts, _add(past, delta)).log_softmax(-1)  # (a, V)
        k = min(settings.candidates, log_probs.shape[1])
        top = log_probs.topk(k, dim=-1)  # (a, k)
        texts = continuations(vocabulary, contexts, top.indices)
        scores = cosines(texts, *goal).view(-1, k).to(log_probs.device)  # (a, k)
        wanted = (scores / settings.clip_temperature).softmax(-1)  # (a, k)
        loss = settings.clip_weight * -(wanted.nan_to_num(0) * top.values).sum()
        loss = loss + settings.ce_weight * (log_probs.exp() * (log_probs - plain)).sum()
        grads = torch.autograd.grad(loss, leaves)
        moved = [
            (leaf - settings.step_size * _scaled(grad, settings.grad_norm_factor)).detach()
            for leaf, grad in zip(leaves, grads, strict=True)
        ]
        delta = list(zip(moved[::2], moved[1::2], strict=True))
    return _add(past, delta)


def continuations(vocabulary: Vocabulary, contexts: Tensor, tokens: Tensor) -> list[str]:
    """The texts of every context (a, n) followed by each of its tokens (a, k)."""
    return [
        vocabulary.text(context) + vocabulary.pieces[token]
        for context, row in zip(contexts.tolist(), tokens.tolist(), strict=True)
        for token in row
    ]


@torch.no_grad()
def cosines(texts: list[str], target: np.ndarray, encoder: Any) -> Tensor:
    """Cosines (n,) of whole texts with the target (d,); -inf for one too long."""
    point = normalize(torch.as_tensor(target, dtype=torch.float32), dim=0).to(encoder.device)
    ids = encoder.tokenize(texts).to(encoder.device)  # (n, context)
    features = [encoder.model.encode_text(part) for part in ids.split(512)]
    found = normalize(torch.cat(features).float(), dim=-1) @ point  # (n,)
    long = [encoder.token_count(text) > encoder.context_length for text in texts]
    return found.masked_fill(torch.tensor(long, device=found.device), -torch.inf)


def caption(
    vocabulary: Vocabulary, beams: Beams, target: np.ndarray, encoder: Any, last: bool
) -> Caption:
    """What the beams say so far."""
    sequences = beams.sequences()
    texts = [vocabulary.text([*vocabulary.prompt.tolist(), *tokens]) for tokens in sequences]
    clips = cosines(texts, target, encoder).clamp(-1).tolist()
    logprobs = (beams.logprobs / beams.lengths).tolist()
    found = [Beam(*each) for each in zip(texts, clips, logprobs, sequences, strict=True)]
    return Caption.of(found, "plain", last)


def _add(past: Cache, delta: Cache) -> Cache:
    return [(k + dk, v + dv) for (k, v), (dk, dv) in zip(past, delta, strict=True)]


def _scaled(grad: Tensor, power: float) -> Tensor:
    """A gradient (a, heads, n, width) over its norm, to the power given, beam by beam."""
    norm = grad.flatten(1).norm(dim=1) + 1e-15  # (a,)
    return grad / norm.pow(power)[:, None, None, None]
