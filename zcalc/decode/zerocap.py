"""ZeroCap: gradient steps on the language model's cached keys and values, toward a CLIP target.

Tewel et al., "ZeroCap: Zero-Shot Image-to-Text Generation for Visual-Semantic Arithmetic", CVPR
2022 (arXiv 2111.14447). This is the plain version: it reads like the algorithm, recomputes what it
could keep, and is the oracle for faster ones. Where the paper and the authors' released code
(github.com/YoadTew/zero-shot-image-to-text, `model/ZeroCLIP.py`) differ, it follows the code:

- Update of the context (Section 3.2): the paper divides the gradient by its squared norm, the code
  by the norm to the power 0.9, for each layer's keys and values of each beam apart.
- Language term (Section 3.2): cross-entropy with the unshifted distribution in the paper, in the
  code the divergence KL(shifted ‖ unshifted).
- Only in the code: the factors on single tokens' logits (`edit_special_tokens`), the fusion of the
  shifted with the unshifted distribution, and its normalisation over all beams at once (`fuse`).

Kept apart from the code on purpose: the model's end of text ends a beam as "." does; special tokens
are never written; ended beams are not run on; the best caption by CLIP is measured with its prompt.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from zcalc.decode.beam import Beams
from zcalc.decode.caption import Caption
from zcalc.decode.protocols import Cache, CausalLM, TextEncoder
from zcalc.decode.run import Run
from zcalc.decode.settings import ZeroCapSettings
from zcalc.decode.vocabulary import Vocabulary
from zcalc.errors import ZcalcError


def zerocap(
    target: np.ndarray,
    encoder: TextEncoder,
    lm: CausalLM,
    settings: ZeroCapSettings | None = None,
) -> Iterator[Caption]:
    """Decode a point (d,) of CLIP space into a sentence; yields the captions so far at every token.

    Beams compete by mean log-probability a token. Raises ZcalcError for a target with NaN or of the
    wrong width, a prompt that leaves no room, or a language model without the end token or cache.
    """
    settings = settings or ZeroCapSettings()
    run = Run.prepare(target, encoder, lm, settings, "zerocap")
    beams = Beams.start(lm.device)
    for step in range(settings.max_tokens):
        contexts = beams.contexts(run.vocabulary.prompt)  # (a, n)
        logits, past = read(lm, contexts)  # (a, V)
        plain = logits.log_softmax(-1)  # (a, V)
        if settings.guided:
            past = shift(run, settings, contexts, past, plain)
            with torch.no_grad():
                logits = next_logits(lm, contexts, past)  # (a, V)
        logits = edit_special_tokens(logits, contexts, step, run.vocabulary, settings)
        log_probs = logits.log_softmax(-1)  # (a, V)
        if settings.guided:
            log_probs = fuse(log_probs, plain, settings.fusion, ended=int(beams.ended.sum()))
        beams = beams.extend(log_probs, plain, settings.beams, run.vocabulary.ends)
        caption = run.caption(beams, last=step + 1 == settings.max_tokens)
        yield caption
        if caption.finished:
            return


def read(lm: CausalLM, contexts: Tensor) -> tuple[Tensor, Cache]:
    """Plain next-token logits (a, V), and the cache of all but the last token."""
    with torch.no_grad():
        out = lm.model(contexts, use_cache=True)
    layers = getattr(out.past_key_values, "layers", [])
    if not layers or any(getattr(layer, "keys", None) is None for layer in layers):
        raise ZcalcError(
            f"{type(lm.model).__name__} keeps no cache of keys and values, which zerocap shifts.",
            "Use another decoder (search or retrieve) or another language model.",
        )
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


def shift(
    run: Run, settings: ZeroCapSettings, contexts: Tensor, past: Cache, plain: Tensor
) -> Cache:
    """The cache after `steps` gradient steps on the loss, every beam for itself.

    Every position of every layer moves (the code's window mask is all ones).
    """
    delta = [(torch.zeros_like(keys), torch.zeros_like(values)) for keys, values in past]
    for _ in range(settings.steps):
        leaves = [tensor.requires_grad_() for pair in delta for tensor in pair]
        logits = next_logits(run.lm, contexts, _add(past, delta))  # (a, V)
        loss = guidance_loss(run, settings, contexts, logits.log_softmax(-1), plain)
        grads = torch.autograd.grad(loss, leaves)
        moved = [
            (leaf - settings.step_size * _scaled(grad, settings.grad_norm_factor)).detach()
            for leaf, grad in zip(leaves, grads, strict=True)
        ]
        delta = list(zip(moved[::2], moved[1::2], strict=True))
    return _add(past, delta)


def guidance_loss(
    run: Run, settings: ZeroCapSettings, contexts: Tensor, log_probs: Tensor, plain: Tensor
) -> Tensor:
    """CLIP loss plus weighted language loss, summed over beams (Section 3.2); a scalar.

    CLIP loss: cross-entropy with the softmax of cosine / temperature over the likeliest tokens.
    Language loss: KL(shifted ‖ unshifted).
    """
    k = min(settings.candidates, log_probs.shape[1])
    top = log_probs.topk(k, dim=-1)  # (a, k)
    texts = run.continuations(contexts, top.indices.tolist())
    cosines = run.score(texts).view(-1, k).to(log_probs.device)  # (a, k)
    wanted = (cosines / settings.clip_temperature).softmax(-1)  # (a, k)
    clip_loss = -(wanted * top.values).sum()
    language_loss = (log_probs.exp() * (log_probs - plain)).sum()
    return settings.clip_weight * clip_loss + settings.ce_weight * language_loss


def edit_special_tokens(
    logits: Tensor, contexts: Tensor, step: int, vocabulary: Vocabulary, settings: ZeroCapSettings
) -> Tensor:
    """Raw logits (a, V) with single tokens weakened or strengthened, as the released code does.

    The last four tokens of the context are weakened by `repetition_penalty`, forbidden tokens by
    `forbidden_factor`, and the end token by `first_end_factor` at the first step; at every later
    one it is strengthened by `end_factor`.
    """
    seen = torch.zeros_like(logits, dtype=torch.bool).scatter(1, contexts[:, -4:], True)
    is_end = torch.arange(logits.shape[1], device=logits.device) == vocabulary.end  # (V,)
    logits = weaken(logits, seen, settings.repetition_penalty)
    logits = weaken(
        logits, is_end, settings.first_end_factor if step == 0 else 1 / settings.end_factor
    )
    logits = weaken(logits, vocabulary.forbidden, settings.forbidden_factor)
    return logits.masked_fill(vocabulary.unwritable, -torch.inf)


def weaken(logits: Tensor, mask: Tensor, factor: float) -> Tensor:
    """Masked logits divided by the factor where positive, multiplied where negative."""
    return logits.where(~mask, torch.where(logits > 0, logits / factor, logits * factor))


def fuse(shifted: Tensor, plain: Tensor, fusion: float, ended: int) -> Tensor:
    """Log of shifted^fusion · plain^(1 - fusion) (a, V), normalised over all beams together.

    The released code divides by the sum over the whole batch, so every beam's token costs about
    log(beams) more once there are several: a mean over fewer tokens (an ended beam) gains a little.
    A beam that has ended counts in that sum as 1.
    """
    fused = fusion * shifted + (1 - fusion) * plain  # (a, V)
    return fused - (fused.exp().sum() + ended).log()


def _add(past: Cache, delta: Cache) -> Cache:
    return [(k + dk, v + dv) for (k, v), (dk, dv) in zip(past, delta, strict=True)]


def _scaled(grad: Tensor, power: float) -> Tensor:
    """A gradient (a, heads, n, width) over its norm, to the power given, beam by beam."""
    norm = grad.flatten(1).norm(dim=1) + 1e-15  # (a,)
    return grad / norm.pow(power)[:, None, None, None]
