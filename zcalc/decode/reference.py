"""The reference implementation of ZeroCap: slow, and what `zerocap` must agree with token by token.

It follows the algorithm and caches nothing. For every beam, token and gradient step the language
model runs the whole context, and CLIP embeds every candidate sentence padded to its full context,
as in the authors' released code (github.com/YoadTew/zero-shot-image-to-text, `model/ZeroCLIP.py`).
Where the paper (arXiv 2111.14447) and the code differ, it follows the code:

- Context update (Section 3.2): the paper divides the gradient by its squared norm; the code divides
  it by its norm to the power 0.9, separately for the keys and values of each layer and beam.
- Language loss (Section 3.2): in the paper the cross-entropy with the unshifted distribution, in
  the code KL(shifted ‖ unshifted).
- In the code only: the factors on the logits of single tokens (`edit_special_tokens`), the fusion
  of the shifted and unshifted distributions, and its normalisation over all beams (`fuse`).

Deliberate differences from the code: the end-of-text token ends a beam, as "." does; special tokens
are never written; ended beams are not extended; candidates too long for CLIP are skipped; the CLIP
score of a caption includes its prompt.
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
    """Decode a point (d,) of CLIP space into a sentence, yielding the caption so far at each token.

    `encoder` is a `models.encoder.Encoder`.
    """
    settings = settings or ZeroCapSettings()
    vocabulary = Vocabulary(lm, settings)
    beams = Beams.start(lm.device)
    for step in range(settings.max_tokens):
        contexts = beams.contexts(vocabulary.prompt)  # (a, n)
        logits, past = forward(lm, contexts)  # (a, V)
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


def forward(lm: CausalLM, contexts: Tensor) -> tuple[Tensor, Cache]:
    """Unshifted next-token logits (a, V), and the cache of all but the last token."""
    with torch.no_grad():
        out = lm.model(contexts, use_cache=True)
    layers = out.past_key_values.layers
    past = [(layer.keys[:, :, :-1], layer.values[:, :, :-1]) for layer in layers]
    return out.logits[:, -1].float(), past


def next_logits(lm: CausalLM, contexts: Tensor, past: Cache) -> Tensor:
    """Next-token logits (a, V) of contexts, given the cache of all but their last token."""
    out = lm.model(contexts[:, -1:], past_key_values=lm.cache(past), use_cache=True)
    return out.logits[:, -1].float()


def shift(  # noqa: PLR0913, PLR0917
    lm: CausalLM,
    vocabulary: Vocabulary,
    settings: ZeroCapSettings,
    contexts: Tensor,
    past: Cache,
    plain: Tensor,
    objective: tuple[np.ndarray, Any],
) -> Cache:
    """The cache after `steps` gradient steps on the loss, separately for each beam.

    Every position of every layer is updated (the window mask of the code is all ones).
    """
    delta = [(torch.zeros_like(keys), torch.zeros_like(values)) for keys, values in past]
    for _ in range(settings.steps):
        leaves = [tensor.requires_grad_() for pair in delta for tensor in pair]
        log_probs = next_logits(lm, contexts, _add(past, delta)).log_softmax(-1)  # (a, V)
        k = min(settings.candidates, log_probs.shape[1])
        top = log_probs.topk(k, dim=-1)  # (a, k)
        texts = continuations(vocabulary, contexts, top.indices)
        scores = cosines(texts, *objective).view(-1, k).to(log_probs.device)  # (a, k)
        clip_probs = (scores / settings.clip_temperature).softmax(-1)  # (a, k)
        loss = settings.clip_weight * -(clip_probs.nan_to_num(0) * top.values).sum()
        loss = loss + settings.ce_weight * (log_probs.exp() * (log_probs - plain)).sum()
        grads = torch.autograd.grad(loss, leaves)
        updated = [
            (leaf - settings.step_size * _scaled(grad, settings.grad_norm_factor)).detach()
            for leaf, grad in zip(leaves, grads, strict=True)
        ]
        delta = list(zip(updated[::2], updated[1::2], strict=True))
    return _add(past, delta)


def continuations(vocabulary: Vocabulary, contexts: Tensor, tokens: Tensor) -> list[str]:
    """The text of each context (a, n) followed by each of its candidate tokens (a, k)."""
    return [
        vocabulary.text(context) + vocabulary.pieces[token]
        for context, row in zip(contexts.tolist(), tokens.tolist(), strict=True)
        for token in row
    ]


@torch.no_grad()
def cosines(texts: list[str], target: np.ndarray, encoder: Any) -> Tensor:
    """Cosines (n,) of whole texts with the target (d,); -inf for texts that are too long."""
    point = normalize(torch.as_tensor(target, dtype=torch.float32), dim=0).to(encoder.device)
    ids = encoder.tokenize(texts).to(encoder.device)  # (n, context)
    model = getattr(encoder.clip, "model", encoder.clip)  # open_clip's own, at full length
    features = [model.encode_text(part) for part in ids.split(512)]
    scores = normalize(torch.cat(features).float(), dim=-1) @ point  # (n,)
    too_long = [encoder.token_count(text) > encoder.context_length for text in texts]
    return scores.masked_fill(torch.tensor(too_long, device=scores.device), -torch.inf)


def caption(
    vocabulary: Vocabulary, beams: Beams, target: np.ndarray, encoder: Any, last: bool
) -> Caption:
    """The caption of the beams so far."""
    sequences = beams.sequences()
    texts = [vocabulary.text([*vocabulary.prompt.tolist(), *tokens]) for tokens in sequences]
    clips = cosines(texts, target, encoder).clamp(-1).tolist()
    logprobs = (beams.logprobs / beams.lengths).tolist()
    written = [Beam(*beam) for beam in zip(texts, clips, logprobs, sequences, strict=True)]
    return Caption.of(written, "reference", last)


def _add(past: Cache, delta: Cache) -> Cache:
    return [(k + dk, v + dv) for (k, v), (dk, dv) in zip(past, delta, strict=True)]


def _scaled(grad: Tensor, power: float) -> Tensor:
    """A gradient (a, heads, n, width) divided by its norm to a power, beam by beam."""
    norm = grad.flatten(1).norm(dim=1) + 1e-15  # (a,)
    return grad / norm.pow(power)[:, None, None, None]
