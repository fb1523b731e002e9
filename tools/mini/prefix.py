"""The prefix decoder of `mini`: its language model learns to read points, too."""

import copy
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tools.mini import decoder_corpus as corpus
from tools.mini.decoder_corpus import HABIT, Captioned
from tools.mini.decoder_points import Points
from tools.mini.language_model import CONTEXT, fix_articles
from tools.mini.progress import progress
from zcalc.decode.training import Trainer, TrainingSettings, perplexity, sentence, token_rows
from zcalc.decode.training_run import clustered
from zcalc.models.prefix import Memory, PrefixModel, Projector

LENGTH, LONGEST, MEMORY, HELD_OUT = 4, 32, 4096, 1000
PLAIN, SAMPLES, BATCH = 0.3, 24_000, 400  # the rest of the batches have a prefix
PER_CLASS, PER_ENTRY, PER_NOUN = 12, 7, 3  # captions in which a noun replaces another


def captions(  # noqa: PLR0913, PLR0917
    human: list[str],
    ours: list[str],
    groups: dict[str, str],
    classes: set[str],
    entries: set[str],
    embed: Callable[[list[str]], Tensor],
) -> tuple[list[Captioned], list[str]]:
    """The training captions, people's twice, and held-out ones of people's."""
    people = [caption for caption in human if len(caption.split()) <= 22]
    random.Random(0).shuffle(people)
    held_out, people = people[:HELD_OUT], people[HELD_OUT:]

    def each(noun: str) -> int:
        if noun in classes:
            return PER_CLASS
        return PER_ENTRY if noun in entries else PER_NOUN

    swapped = corpus.swaps(people, groups, lambda texts: embed(texts).numpy(), each)
    written = corpus.people_wrote(people, groups)
    others = corpus.people_wrote(corpus.without_prompt(ours), groups)
    return [*written, *written, *swapped, *others], [sentence(text) for text in held_out]


@torch.inference_mode()
def samples(lm: Any, tokenizer: Any) -> list[str]:
    """What the language model writes by itself, which it is to keep writing without a prefix."""
    torch.manual_seed(0)
    prompt = torch.tensor([[tokenizer.bos_token_id, *tokenizer("Image of a").input_ids]])
    texts: list[str] = []
    for _ in progress(range(SAMPLES // BATCH), "samples", 0, SAMPLES // BATCH):
        rows = lm.generate(
            prompt.repeat(BATCH, 1),
            do_sample=True,
            top_p=0.95,
            max_new_tokens=18,
            pad_token_id=tokenizer.eos_token_id,
        )
        texts += tokenizer.batch_decode(rows, skip_special_tokens=True)
    return [fix_articles(t) for t in texts if t.endswith(".") and not HABIT.search(t)]


def train(  # noqa: PLR0913, PLR0917
    lm: Any,
    tokenizer: Any,
    rows: list[Captioned],
    held_out: list[str],
    nouns: dict[str, Tensor],
    mean: Tensor,
    embed: Callable[[list[str]], Tensor],
    steps: int,
    work: Path,
) -> PrefixModel:
    """Train language model and projector; `nouns` are rows (d,) as pictures have them."""
    texts = list(dict.fromkeys(caption.text for caption in rows))
    number = {text: i for i, text in enumerate(texts)}
    vectors = embed(texts)  # (n, d)
    points = Points(
        rows,
        vectors[[number[caption.text] for caption in rows]],
        list(nouns),
        torch.stack(list(nouns.values())),
        mean,
    )
    begin = [tokenizer.bos_token_id]
    ids = token_rows([caption.text for caption in rows], tokenizer, LONGEST, begin)
    without = token_rows(samples(lm, tokenizer), tokenizer, LONGEST, begin)
    torch.manual_seed(0)
    projector = Projector(vectors.shape[1], lm.config.n_embd, LENGTH)
    settings = TrainingSettings(steps=steps, plain=PLAIN)
    teacher = copy.deepcopy(lm).eval().requires_grad_(False)
    checkpoint = work / "prefix.pt"
    trainer = Trainer(lm, projector, ids, points, settings, checkpoint, without, teacher)
    left = range(trainer.step, steps)
    for _ in progress(zip(left, trainer(), strict=True), "prefix decoder", trainer.step, steps):
        pass
    held = token_rows(held_out[:256], tokenizer, CONTEXT - LENGTH, begin)
    value = perplexity(lm, projector.eval(), held, embed(held_out[:256]))
    about = {"captions": len(texts), "steps": steps, "perplexity": round(value, 2)}
    print(f"      held-out perplexity {value:.2f}")
    return PrefixModel(projector, Memory(clustered(vectors, MEMORY)), "", about)
