"""The texts that the text tower learns from: captions, templates, words, phrases, glosses."""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

from tools.mini import sources, wordnet
from tools.mini.nouns import MOSTLY_NOUN, Noun
from tools.mini.phrases import NATIONAL, SCENES
from tools.mini.sample import article

TEMPLATES = (
    "Image of {an} {noun} {doing}.",
    "Image of {an} {noun} {where}.",
    "Image of {an2} {adjective} {noun} {where}.",
    "Image of {an2} {adjective} {noun} {doing}.",
    "Image of {an} {noun} {doing} {where}.",
    "Image of {an2} {adjective} {noun}.",
)
PROMPTS = ("a photo of {an} {noun}", "{an} {noun}", "Image of {an} {noun}", "a picture of {noun}")
PHRASES = ("{adjective} {noun}", "{noun} {where}", "{noun} and {other}", "{people} {noun}")


def templates(nouns: list[Noun], seed: int = 0, each: int = 6) -> list[str]:
    """Captions from templates: `each` of every noun."""
    draw, written = random.Random(seed), []
    for noun in (n for n in nouns if n.share >= MOSTLY_NOUN):
        adjectives, doing, where = SCENES[noun.group]
        for template in draw.sample(TEMPLATES, k=min(each, len(TEMPLATES))):
            adjective = draw.choice(adjectives.split())
            written.append(
                template.format(
                    an=article(noun.word),
                    an2=article(adjective),
                    adjective=adjective,
                    noun=noun.word,
                    doing=draw.choice(doing.split("|")),
                    where=draw.choice(where.split("|")),
                )
            )
    return written


def sampled(path: Path) -> list[str]:
    """The language model's captions, each once."""
    lines = [json.loads(line) for line in path.read_text("utf8").splitlines()]
    return list(dict.fromkeys(caption for batch in lines for caption in batch))


def hold_out(captions: list[str], seed: int = 0, n: int = 1000) -> tuple[list[str], list[str]]:
    """(training captions, n held-out captions that nothing is trained on)."""
    shuffled = random.Random(seed).sample(captions, len(captions))
    return shuffled[n:], shuffled[:n]


def national(countries: list[tuple[str, str]], seed: int = 0, each: int = 12) -> list[str]:
    """Captions about countries: (Germany, German) a pair; `each` of every country."""
    draw = random.Random(seed)
    return [
        template.format(country=country, people=people, a=article(people))
        for country, people in countries
        for template in draw.sample(NATIONAL, min(each, len(NATIONAL)))
    ]


def phrases(nouns: list[Noun], countries: list[tuple[str, str]], seed: int, each: int) -> list[str]:
    """Short phrases without a verb: "striped sofa", "Greek temple", "cup and spoon"."""
    draw, written = random.Random(seed), []
    common = [n for n in nouns if n.share >= MOSTLY_NOUN]
    for noun in common:
        adjectives, _, where = SCENES[noun.group]
        for template in draw.choices(PHRASES, k=each):
            written.append(
                template.format(
                    noun=noun.word,
                    adjective=draw.choice(adjectives.split()),
                    where=draw.choice(where.split("|")),
                    other=draw.choice(common).word,
                    people=draw.choice(countries)[1],
                )
            )
    return list(dict.fromkeys(written))


def words(work: Path, rarest: float = 1.9) -> list[str]:
    """Single words of English and WordNet's phrases, common ones first."""
    from wordfreq import top_n_list, zipf_frequency

    found = [w for w in top_n_list("en", 60_000) if re.fullmatch(r"[a-z]{2,}", w)]
    for part in wordnet.PARTS:
        for sense in wordnet.synsets(sources.wordnet_folder(work), part):
            found += [w for w in sense.words if zipf_frequency(w, "en") >= rarest]
    return list(dict.fromkeys(found))


def glosses(work: Path, seed: int) -> Iterator[str]:
    """WordNet's definitions, cut to 6 to 16 words, and an example of each."""
    from wordfreq import zipf_frequency

    draw = random.Random(seed)
    for part in wordnet.PARTS:
        for sense in wordnet.synsets(sources.wordnet_folder(work), part):
            if any(zipf_frequency(w, "en") >= 1.8 for w in sense.words):
                gloss = re.sub(r"\(.*?\)", "", sense.gloss).strip()
                yield " ".join(gloss.split()[: draw.randint(6, 16)])
                yield from sense.examples[:1]


def prompts(entries: list[str], seed: int) -> list[str]:
    """Each entry in two of the prompts that people put around a word."""
    draw = random.Random(seed)
    return [
        prompt.format(an=article(entry), noun=entry)
        for entry in entries
        for prompt in draw.sample(PROMPTS, 2)
    ]


def held_out(
    work: Path, taught: list[str], entries: list[str], captions: list[str], n: int
) -> dict[str, list[str]]:
    """`n` texts a kind that the text tower is never given: captions, single words, short phrases.

    The words do occur inside captions and definitions, but never alone; the entries of the
    vocabulary are not among them. Words that are one token have a row that started from the
    teacher, as every token's did.
    """
    from wordfreq import zipf_frequency

    draw, kept = random.Random(3), {entry.lower() for entry in entries}
    ordinary = [
        w
        for w in words(work)
        if w.isalpha() and w.islower() and w not in kept and zipf_frequency(w, "en") >= 2.8
    ]
    short = [t for t in taught if 2 <= len(t.split()) <= 4 and t[0].islower() and t not in kept]
    return {
        "captions": captions[:n],
        "words": draw.sample(ordinary, n),
        "phrases": draw.sample(short, n),
    }


def texts(
    work: Path,
    nouns: list[Noun],
    entries: list[str],
    captions: list[str],
    countries: list[tuple[str, str]],
) -> list[str]:
    """Everything the text tower is taught, each once."""
    found = [
        *captions,
        *templates(nouns, seed=1),
        *national(countries, seed=2),
        *phrases(nouns, countries, seed=3, each=12),
        *entries,
        *prompts(list(dict.fromkeys([*entries, *(n.word for n in nouns)])), seed=4),
        *words(work),
        *glosses(work, seed=0),
    ]
    return [t for t in dict.fromkeys(found) if t and len(t.split()) <= 18]
