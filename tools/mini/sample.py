"""Captions sampled from SmolLM2, which continues "Image of a NOUN" after a few examples."""

import json
import random
import re
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache, GgufConfig

from tools.mini.nouns import Noun
from tools.mini.phrases import SCENES
from tools.mini.progress import progress
from zcalc.decode.english import article

EXAMPLES = {
    "animal": """Image of a dog running along a sandy beach with a red ball.
Image of a horse standing in a green field near a fence.
Image of an owl sitting on a branch at night.
Image of a turtle swimming slowly in clear blue water.
Image of a kitten sleeping on a sofa next to a pillow.""",
    "artifact": """Image of a bicycle leaning against a brick wall.
Image of a lamp on a wooden table next to a book.
Image of an umbrella left open in the rain.
Image of a red truck parked in front of a house.
Image of a guitar hanging on the wall of a music shop.""",
    "food": """Image of a bowl of soup on a wooden table.
Image of an apple pie cooling on a kitchen window.
Image of a plate of pasta with cheese and tomato sauce.
Image of a sandwich cut in half next to a glass of milk.
Image of a basket of fresh bread at the market.""",
    "person": """Image of a nurse talking to an old man in a garden.
Image of a boy playing football with his friends in the park.
Image of an artist painting a portrait in her studio.
Image of a woman reading a newspaper in a cafe.
Image of a soldier standing in front of a gate.""",
    "place": """Image of a river flowing between green hills at sunset.
Image of a kitchen with white walls and a large window.
Image of an island with palm trees in the middle of the sea.
Image of a street full of people on a rainy evening.
Image of a church on a hill surrounded by trees.""",
    "plant": """Image of a rose growing beside a garden wall.
Image of a tall tree standing alone in a field.
Image of an orchid in a pot on a window sill.
Image of a fern growing on wet rocks near a waterfall.
Image of a bunch of tulips in a glass vase.""",
}
BATCH, LENGTH = 192, 18


class Writer:
    """SmolLM2 in bfloat16; each batch computes the KV cache of its examples once."""

    def __init__(self, gguf: Path, seed: int) -> None:
        folder, name = str(gguf.parent), gguf.name
        self.tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
        dense = GgufConfig(dequantize=True)
        self.model = AutoModelForCausalLM.from_pretrained(
            folder, gguf_file=name, dtype=torch.bfloat16, quantization_config=dense
        ).eval()
        self.random = torch.Generator().manual_seed(seed)

    @torch.inference_mode()
    def captions(self, group: str, nouns: list[str]) -> list[str]:
        """Sample one caption per noun, with top-p 0.9 at temperature 0.8."""
        examples = EXAMPLES[group].split("\n")
        random.Random(self.random.initial_seed() + len(nouns)).shuffle(examples)
        prefix = self.tokenizer("\n".join(examples) + "\n", return_tensors="pt").input_ids  # (1, p)
        starts = [f"Image of {article(noun)} {noun}" for noun in nouns]
        self.tokenizer.padding_side = "left"
        self.tokenizer.pad_token = self.tokenizer.pad_token or self.tokenizer.eos_token
        batch = self.tokenizer(starts, return_tensors="pt", padding=True)
        cache = DynamicCache()
        self.model(prefix, past_key_values=cache)
        cache.batch_repeat_interleave(len(nouns))
        mask = torch.cat([torch.ones(len(nouns), prefix.shape[1]), batch.attention_mask], 1).long()
        ids, sampled = batch.input_ids, []
        position = mask.cumsum(1)[:, prefix.shape[1] :] - 1
        for _ in range(LENGTH):
            out = self.model(ids, past_key_values=cache, attention_mask=mask, position_ids=position)
            ids = self._sample(out.logits[:, -1].float())  # (n, 1)
            sampled.append(ids)
            mask = torch.cat([mask, torch.ones_like(ids)], 1)
            position = position[:, -1:] + 1
        tails = self.tokenizer.batch_decode(torch.cat(sampled, 1))
        return [start + tail.split("\n")[0] for start, tail in zip(starts, tails, strict=True)]

    def _sample(self, logits: torch.Tensor) -> torch.Tensor:
        p, token = torch.topk((logits / 0.8).softmax(-1), 64)  # (n, 64)
        p[p.cumsum(-1) - p > 0.9] = 0
        return token.gather(1, torch.multinomial(p, 1, generator=self.random))


USABLE = re.compile(r"Image of an? [A-Za-z][A-Za-z' -]*(, [A-Za-z' -]+)?\.")
UNWANTED = re.compile(
    r"\b(image|photo|picture|captur|camera|caption|title|text|symboli|represent|depict)"
    r"|\b(I|you|we|my|your|our|killed|dead|sex)\b|\bnaked",
    re.IGNORECASE,
)


def usable(caption: str) -> bool:
    """Whether a sampled line is one short, concrete sentence that isn't about pictures."""
    words = caption.rstrip(".").split()
    body = caption[len("Image of a") :]
    repeats = any(words[i] == words[i + 1] for i in range(len(words) - 1))
    return (
        6 <= len(words) <= 15
        and bool(USABLE.fullmatch(caption))
        and not UNWANTED.search(body)
        and not repeats
    )


def plan(nouns: list[Noun], seed: int) -> list[tuple[str, list[str]]]:
    """Batches of (group, nouns): each noun once alone and once with an adjective of its group.

    Nouns of zipf frequency 3.2 and above are repeated once, those of 3.6 and above twice.
    """
    batches, rng = [], random.Random(seed)
    for rarest in (0.0, 3.2, 3.6):
        for described in (False, True):
            for group in EXAMPLES:
                adjectives = SCENES[group][0].split()
                words = [
                    f"{rng.choice(adjectives)} {n.word}" if described else n.word
                    for n in nouns
                    if n.group == group and n.zipf >= rarest
                ]
                batches += [(group, words[i : i + BATCH]) for i in range(0, len(words), BATCH)]
    rng.shuffle(batches)
    return batches


def write(gguf: Path, nouns: list[Noun], out: Path, seed: int = 0) -> None:
    """Sample captions into `out`, one JSON line per batch; an interrupted run resumes."""
    batches = plan(nouns, seed)
    done = len(out.read_text("utf8").splitlines()) if out.exists() else 0
    if done >= len(batches):
        return
    writer = Writer(gguf, seed + done)
    with out.open("a", encoding="utf8") as file:
        for group, words in progress(batches[done:], "captions", done, len(batches)):
            lines = [c.strip() for c in writer.captions(group, words)]
            file.write(json.dumps([c for c in lines if usable(c)]) + "\n")
            file.flush()
