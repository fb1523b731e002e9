"""ZeroCap: gradient steps on the language model's cached keys and values, toward a CLIP target.

Tewel et al., "ZeroCap: Zero-Shot Image-to-Text Generation for Visual-Semantic Arithmetic", CVPR
2022 (arXiv 2111.14447). Writes the same tokens as the reference implementation (`reference.py`),
which lists the differences between the paper and the released code, but faster:

- A candidate's score in a context doesn't depend on the gradient step. It is computed once
  (`scoring.Candidates`), by running only the positions that it adds (`models/causal.py`).
- The unshifted cache doesn't depend on the shift. It grows by one position per token, and the first
  gradient step, before anything is shifted, also yields the unshifted distribution.
- All beams of all targets run in one batch.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor
from torch.linalg import vector_norm

from zcalc.decode.caption import Caption
from zcalc.decode.kv_cache import autocast, next_logits, prefill, select
from zcalc.decode.protocols import Cache, CausalLM, TextEncoder
from zcalc.decode.run import Group, Run, Target
from zcalc.decode.settings import ZeroCapSettings
from zcalc.decode.vocabulary import Vocabulary
from zcalc.models.torch_state import in_clean_state

Score = Callable[[Tensor], Tensor]  # each context's tokens (a, k) -> scores (a, k)


def zerocap(
    target: Target,
    encoder: TextEncoder,
    lm: CausalLM,
    settings: ZeroCapSettings | None = None,
) -> Iterator[Caption]:
    """Decode a point (d,) or objective into a sentence, yielding the caption so far at each token.

    Beams compete by mean log-probability per token. Raises ZcalcError for a target with NaN or the
    wrong dimension, a prompt that is too long, or a language model without end token or KV cache.
    """
    for (caption,) in zerocap_each([target], encoder, lm, settings):
        yield caption


@in_clean_state
def zerocap_each(
    targets: Sequence[Target],
    encoder: TextEncoder,
    lm: CausalLM,
    settings: ZeroCapSettings | None = None,
) -> Iterator[list[Caption]]:
    """`zerocap` for several targets at once, yielding all captions so far at each token."""
    settings = settings or ZeroCapSettings()
    run = Run.prepare(targets, encoder, lm, settings, "zerocap")
    group = Group.start(len(targets), lm.device)
    past = select(prefill(lm, run.vocabulary.prompt), [0] * len(targets))
    for step in range(settings.max_tokens):
        contexts = group.contexts(run.vocabulary.prompt)  # (a, n)
        score = run.candidates(group, contexts) if settings.guided else None
        with autocast(settings, lm.device):
            plain, logits, past = step_lm(lm, settings, contexts[:, -1], past, score)  # (a, V) each
        logits = edit_special_tokens(logits, contexts, step, run.vocabulary, settings)
        log_probs = logits.log_softmax(-1)  # (a, V)
        if settings.guided:
            log_probs = fuse_each(log_probs, plain, settings.fusion, group)
        choices = run.choices(settings.trace, plain, log_probs, score)
        group, parents = group.extend(log_probs, plain, run, choices)
        past = select(past, parents)
        captions = run.captions(group, last=step + 1 == settings.max_tokens)
        yield captions
        if all(caption.finished for caption in captions):
            return


def step_lm(
    lm: CausalLM, settings: ZeroCapSettings, last: Tensor, past: Cache, score: Score | None
) -> tuple[Tensor, Tensor, Cache]:
    """Unshifted log-probabilities (a, V), shifted logits (a, V), and the grown cache.

    `last` (a,) are the last tokens of the contexts, `past` is the cache of those before.
    """
    if score:
        return shift(lm, settings, last, past, score)
    with torch.no_grad():
        logits, grown = next_logits(lm, last, past)
    return logits.log_softmax(-1), logits, grown


def shift(
    lm: CausalLM, settings: ZeroCapSettings, last: Tensor, past: Cache, score: Score
) -> tuple[Tensor, Tensor, Cache]:
    """`step_lm` with the cache shifted by gradient steps on the loss, separately for each beam.

    Every position of every layer is shifted (the window mask of the released code is all ones).
    """
    shapes = [tensor.shape for pair in past for tensor in pair]  # each (a, heads, n, width)
    flat = torch.cat([tensor.flatten(1) for pair in past for tensor in pair], dim=1)  # (a, N)
    delta = torch.zeros_like(flat)
    for step in range(settings.steps):
        leaf = delta.requires_grad_()
        logits, with_last = next_logits(lm, last, _cache(flat + leaf, shapes))
        log_probs = logits.log_softmax(-1)  # (a, V)
        if step == 0:  # nothing is shifted yet
            plain, grown = log_probs.detach(), with_last
        loss = guidance_loss(settings, log_probs, plain, score)
        (grad,) = torch.autograd.grad(loss, leaf)
        scaled = _scaled(grad, shapes, settings.grad_norm_factor)
        delta = leaf.detach() - settings.step_size * scaled
    with torch.no_grad():
        logits, _ = next_logits(lm, last, _cache(flat + delta, shapes))
    return plain, logits, grown


def guidance_loss(
    settings: ZeroCapSettings, log_probs: Tensor, plain: Tensor, score: Score
) -> Tensor:
    """The weighted CLIP and language losses, summed over beams (Section 3.2); a scalar.

    CLIP loss: cross-entropy with the softmax of score / temperature over the likeliest tokens;
    tokens that make the text too long don't count. Language loss: KL(shifted ‖ unshifted).
    """
    top = log_probs.topk(min(settings.candidates, log_probs.shape[1]), dim=-1)  # (a, k)
    clip_probs = (score(top.indices) / settings.clip_temperature).softmax(-1)  # (a, k)
    clip_loss = -(clip_probs.nan_to_num(0) * top.values).sum()
    language_loss = (log_probs.exp() * (log_probs - plain)).sum()
    return settings.clip_weight * clip_loss + settings.ce_weight * language_loss


def edit_special_tokens(
    logits: Tensor, contexts: Tensor, step: int, vocabulary: Vocabulary, settings: ZeroCapSettings
) -> Tensor:
    """Logits (a, V) with single tokens weakened or strengthened, as in the released code.

    The last four tokens of the context are weakened by `repetition_penalty`, forbidden tokens by
    `forbidden_factor`, and the end token by `first_end_factor` at the first step; at later steps
    the end token is strengthened by `end_factor`. Unwritable tokens get -inf.
    """
    recent = torch.zeros_like(logits, dtype=torch.bool).scatter(1, contexts[:, -4:], True)
    is_end = torch.arange(logits.shape[1], device=logits.device) == vocabulary.end  # (V,)
    logits = weaken(logits, recent, settings.repetition_penalty)
    logits = weaken(
        logits, is_end, settings.first_end_factor if step == 0 else 1 / settings.end_factor
    )
    logits = weaken(logits, vocabulary.forbidden, settings.forbidden_factor)
    return logits.masked_fill(vocabulary.unwritable, -torch.inf)


def weaken(logits: Tensor, mask: Tensor, factor: float) -> Tensor:
    """Divide masked logits by the factor if positive, multiply them if negative."""
    return logits.where(~mask, torch.where(logits > 0, logits / factor, logits * factor))


def fuse(shifted: Tensor, plain: Tensor, fusion: float, ended: int) -> Tensor:
    """Log of shifted^fusion · plain^(1 - fusion) (a, V), normalised over all beams together.

    The released code divides by the sum over the whole batch, where an ended beam counts as 1. With
    several beams every token thus costs about log(beams) more, which slightly favours the mean over
    fewer tokens, of an ended beam.
    """
    fused = fusion * shifted + (1 - fusion) * plain  # (a, V)
    return fused - (fused.exp().sum() + ended).log()


def fuse_each(shifted: Tensor, plain: Tensor, fusion: float, group: Group) -> Tensor:
    """`fuse` for each target separately, (a, V)."""
    pairs = zip(group.parts(shifted), group.parts(plain), strict=True)
    return torch.cat(
        [fuse(part, p, fusion, ended=int(beams.ended.sum())) for (beams, part), (_, p) in pairs]
    )


def _cache(flat: Tensor, shapes: Sequence[torch.Size]) -> Cache:
    """A cache with tensors of these shapes (a, heads, n, width), from a flat tensor (a, N)."""
    parts = flat.split([shape[1:].numel() for shape in shapes], dim=1)
    tensors = [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]
    return list(zip(tensors[::2], tensors[1::2], strict=True))


def _scaled(grad: Tensor, shapes: Sequence[torch.Size], power: float) -> Tensor:
    """A flat gradient (a, N), each tensor of it divided by its norm to a power, beam by beam."""
    sizes = [shape[1:].numel() for shape in shapes]
    norms = torch.stack(
        [vector_norm(part, dim=1) for part in grad.split(sizes, dim=1)], 1
    )  # (a, 2L)
    repeats = torch.tensor(sizes, device=grad.device)
    return grad / (norms + 1e-15).pow(power).repeat_interleave(repeats, dim=1)
