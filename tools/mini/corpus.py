"""The text tower's training texts: captions, templates, words, phrases and glosses."""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

from tools.mini import sources, vocabulary, wordnet
from tools.mini.nouns import MOSTLY_NOUN, Noun
from tools.mini.phrases import NATIONAL, SCENES
from zcalc.decode.english import article

TEMPLATES = (
    "Image of {an} {noun} {doing}.",
    "Image of {an} {noun} {where}.",
    "Image of {an2} {adjective} {noun} {where}.",
    "Image of {an2} {adjective} {noun} {doing}.",
    "Image of {an} {noun} {doing} {where}.",
    "Image of {an2} {adjective} {noun}.",
)
PROMPTS = (
    "a photo of {an} {noun}",
    "{an} {noun}",
    "Image of {an} {noun}.",
    "a picture of {an} {noun}",
    "{an} {noun} in the picture",
)
PHRASES = ("{adjective} {noun}", "{noun} {where}", "{noun} and {other}", "{people} {noun}")


def templates(nouns: list[Noun], seed: int = 0, each: int = 6) -> list[str]:
    """Captions from templates, `each` per noun."""
    rng, captions = random.Random(seed), []
    for noun in (n for n in nouns if n.share >= MOSTLY_NOUN):
        adjectives, doing, where = SCENES[noun.group]
        for template in rng.sample(TEMPLATES, k=min(each, len(TEMPLATES))):
            adjective = rng.choice(adjectives.split())
            captions.append(
                template.format(
                    an=article(noun.word),
                    an2=article(adjective),
                    adjective=adjective,
                    noun=noun.word,
                    doing=rng.choice(doing.split("|")),
                    where=rng.choice(where.split("|")),
                )
            )
    return captions


def sampled(path: Path) -> list[str]:
    """The captions sampled from SmolLM2, without duplicates."""
    lines = [json.loads(line) for line in path.read_text("utf8").splitlines()]
    return list(dict.fromkeys(caption for batch in lines for caption in batch))


def hold_out(captions: list[str], seed: int = 0, n: int = 1000) -> tuple[list[str], list[str]]:
    """Split captions into training captions and `n` held-out ones."""
    shuffled = random.Random(seed).sample(captions, len(captions))
    return shuffled[n:], shuffled[:n]


def national(countries: list[tuple[str, str]], seed: int = 0, each: int = 12) -> list[str]:
    """Captions about countries, pairs such as (Germany, German); `each` per country."""
    rng = random.Random(seed)
    return [
        template.format(country=country, people=people, a=article(people))
        for country, people in countries
        for template in rng.sample(NATIONAL, min(each, len(NATIONAL)))
    ]


def phrases(nouns: list[Noun], countries: list[tuple[str, str]], seed: int, each: int) -> list[str]:
    """Short phrases without a verb: "striped sofa", "Greek temple", "cup and spoon"."""
    rng, texts = random.Random(seed), []
    common = [n for n in nouns if n.share >= MOSTLY_NOUN]
    for noun in common:
        adjectives, _, where = SCENES[noun.group]
        for template in rng.choices(PHRASES, k=each):
            texts.append(
                template.format(
                    noun=noun.word,
                    adjective=rng.choice(adjectives.split()),
                    where=rng.choice(where.split("|")),
                    other=rng.choice(common).word,
                    people=rng.choice(countries)[1],
                )
            )
    return list(dict.fromkeys(texts))


def words(work: Path, rarest: float = 1.9) -> list[str]:
    """Common English words, then WordNet's words and phrases."""
    from wordfreq import top_n_list, zipf_frequency

    entries = [w for w in top_n_list("en", 60_000) if re.fullmatch(r"[a-z]{2,}", w)]
    for part in wordnet.PARTS:
        for sense in wordnet.synsets(sources.wordnet_folder(work), part):
            entries += [w for w in sense.words if zipf_frequency(w, "en") >= rarest]
    return list(dict.fromkeys(entries))


def human(file: Path | None) -> list[str]:
    """Captions that people wrote: the last column of a tab-separated file, or none."""
    if file is None:
        return []
    rows = (line.split("\t") for line in file.read_text("utf8").splitlines())
    return list(dict.fromkeys(row[-1].strip() for row in rows if row[-1] != "caption"))


def joined(captions: list[str], seed: int, count: int = 9000) -> Iterator[str]:
    """Long texts, for the later positions: two to five captions one after the other."""
    rng = random.Random(seed)
    for _ in range(count if captions else 0):
        parts = (c.rstrip(".") for c in rng.sample(captions, rng.randint(2, 5)))
        yield ". ".join(parts) + "."


def glosses(work: Path, seed: int) -> Iterator[str]:
    """WordNet's definitions, whole and cut to between 6 and 16 words, each with an example."""
    from wordfreq import zipf_frequency

    rng = random.Random(seed)
    for part in wordnet.PARTS:
        for sense in wordnet.synsets(sources.wordnet_folder(work), part):
            if any(zipf_frequency(w, "en") >= 1.8 for w in sense.words):
                gloss = re.sub(r"\(.*?\)", "", sense.gloss).strip()
                yield gloss
                yield " ".join(gloss.split()[: rng.randint(6, 16)])
                yield from sense.examples[:1]


def prompts(entries: list[str], seed: int) -> list[str]:
    """Each entry in two of the usual prompts."""
    rng = random.Random(seed)
    return [
        prompt.format(an=article(entry), noun=entry)
        for entry in entries
        for prompt in rng.sample(PROMPTS, 3)
    ]


def defined(work: Path, entries: list[str]) -> list[str]:
    """Each entry that has a definition with it, as the vocabulary's vectors have them."""
    rows = (line.split("\t") for line in vocabulary.described(work, entries))
    return [f"{row[0]}: {row[2]}" for row in rows if len(row) > 2]


def emphasised(texts: list[str], things: list[str], times: int = 3) -> list[int]:
    """The rows of all texts, those that name a thing, alone or in a prompt, repeated `times`."""
    forms = ("{noun}", *PROMPTS)
    named = {form.format(an=article(thing), noun=thing) for thing in things for form in forms}
    repeated = [row for row, text in enumerate(texts) if text in named]
    return [*range(len(texts)), *repeated * (times - 1)]


def held_out(
    work: Path, training: list[str], entries: list[str], captions: list[str], n: int
) -> dict[str, list[str]]:
    """Held-out texts for the text tower, `n` each of captions, single words and short phrases.

    The words occur in training captions and definitions, but never on their own; vocabulary
    entries are excluded. The embedding of a one-token word is initialised from the teacher, like
    that of every token.
    """
    from wordfreq import zipf_frequency

    rng, vocabulary = random.Random(3), {entry.lower() for entry in entries}
    ordinary = [
        w
        for w in words(work)
        if w.isalpha() and w.islower() and w not in vocabulary and zipf_frequency(w, "en") >= 2.8
    ]
    short = [
        t for t in training if 2 <= len(t.split()) <= 4 and t[0].islower() and t not in vocabulary
    ]
    return {
        "captions": captions[:n],
        "words": rng.sample(ordinary, n),
        "phrases": rng.sample(short, n),
    }


def texts(
    work: Path,
    nouns: list[Noun],
    entries: list[str],
    captions: list[str],
    countries: list[tuple[str, str]],
) -> list[str]:
    """All training texts of the text tower, without duplicates."""
    things = list(dict.fromkeys([*entries, *(n.word for n in nouns)]))
    collected = [
        *captions,
        *templates(nouns, seed=1),
        *national(countries, seed=2),
        *phrases(nouns, countries, seed=3, each=12),
        *entries,
        *prompts(things, seed=4),
        *words(work),
        *glosses(work, seed=0),
        *defined(work, entries),
        *joined(captions, seed=6),
    ]
    return [t for t in dict.fromkeys(collected) if t]
