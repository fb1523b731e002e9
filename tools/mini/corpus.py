"""The texts that the two towers of words learn from: templates, captions, words, glosses."""

import json
import random
import re
from pathlib import Path

from tools.mini import sources, wordnet
from tools.mini.nouns import UNKIND, Noun
from tools.mini.sample import article

SCENES = {
    "animal": (
        "young old wild large small brown black white sleeping wet happy curious",
        "standing in the grass|sleeping on the ground|looking at the camera|drinking water from a "
        "river|walking along a path|eating from a bowl|hiding behind a rock|resting in the shade|"
        "playing in the snow|sitting on a branch|being held in two hands|crossing the road",
        "in the zoo|in a field|near the water|in the forest|on a farm|on a beach|in a garden|"
        "on a rock|in the desert|under a tree|in a cage|at night",
    ),
    "artifact": (
        "small large red blue green yellow old new broken modern wooden metal black white shiny",
        "lying on the floor|standing against a wall|hanging on a wall|left out in the rain|for "
        "sale in a shop|being used by a man|being held by a woman|next to a box|covered with "
        "dust|made of wood|on display in a museum|being repaired",
        "on a table|in a room|on a shelf|in the street|on a desk|in a workshop|in the kitchen|"
        "in the garden|on a white surface|in a box|in a shop window|on the grass",
    ),
    "food": (
        "fresh sweet hot cold large small homemade green red ripe sliced",
        "served on a white plate|cut into slices|cooking in a pan|ready to eat|with a cup of tea|"
        "served with rice|on a fork|being eaten by a child|topped with herbs|for sale at a stall",
        "on a plate|in a bowl|on a wooden table|at the market|in a restaurant|in the kitchen|"
        "on a cutting board|in a basket|on a picnic blanket|in a jar",
    ),
    "person": (
        "young old smiling tall tired happy busy famous proud kind",
        "talking to a child|reading a book|standing in front of a building|wearing a hat|walking a "
        "dog|sitting on a bench|speaking to a crowd|holding a cup of coffee|working at a desk|"
        "riding a bicycle|looking out of a window|smiling at a friend",
        "in the street|in an office|at home|on a stage|in a park|at a party|in a hospital|"
        "at the station|in a classroom|on the beach|in a kitchen|at a wedding",
    ),
    "place": (
        "small large old quiet busy empty beautiful green snowy sunny dark",
        "covered with snow|surrounded by trees|full of people|seen from above|with mountains "
        "behind it|next to a river|under a blue sky|with a small bridge|lit by lamps|after the "
        "rain",
        "at night|at sunset|in winter|in summer|in the morning|in the city|in the mountains|"
        "by the sea|in the countryside|in the fog",
    ),
    "plant": (
        "small tall green young wild blooming dry yellow beautiful",
        "growing in a pot|growing beside a wall|covered with flowers|standing alone in a field|"
        "with green leaves|after the rain|in full bloom|covered with snow|being watered by a woman",
        "in a garden|in the forest|on a window sill|in a vase|by the road|in a park|"
        "in a greenhouse|on a hill",
    ),
}
TEMPLATES = (
    "Image of {an} {noun} {doing}.",
    "Image of {an} {noun} {where}.",
    "Image of {an2} {adjective} {noun} {where}.",
    "Image of {an2} {adjective} {noun} {doing}.",
    "Image of {an} {noun} {doing} {where}.",
    "Image of {an2} {adjective} {noun}.",
)
MOSTLY_NOUN = 0.4
PROMPTS = ("a photo of {an} {noun}", "{an} {noun}", "Image of {an} {noun}", "a picture of {noun}")


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


def vocabulary(work: Path) -> list[str]:
    """What `words` answers with: common nouns and short phrases of WordNet, frequent first."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
    from wordfreq import zipf_frequency

    folder = sources.wordnet_folder(work)
    synset = {s.offset: s for s in wordnet.synsets(folder)}
    unfit = {
        w.lower()
        for s in synset.values()
        for w in s.words
        if w[:1].isupper() or UNKIND.search(s.gloss)
    }
    unfit |= ENGLISH_STOP_WORDS | {"might", "going", "way out"}
    first, counts, kept = wordnet.first_senses(folder), wordnet.sense_counts(folder), {}
    for lemma, offset in first.items():
        sense, zipf, count = synset[offset], zipf_frequency(lemma, "en"), counts[lemma]["1"]
        if not re.fullmatch(r"[a-z]{3,}( [a-z]{2,}){0,2}", lemma) or lemma in unfit:
            continue
        if wordnet.noun_share(counts[lemma]) < MOSTLY_NOUN:
            continue
        seen = sense.file in wordnet.VISIBLE
        if lemma.endswith("s") and lemma[:-1] in first and not seen:  # years, things
            continue
        single = zipf >= 3.0 or (zipf >= 2.2 and seen) or (zipf >= 2.4 and count >= 1)
        if single if " " not in lemma else (zipf >= 3.0 and count >= 1 and seen):
            kept[lemma] = zipf
    for name in sources.class_names(work):
        word = re.sub(r"\s*\(.*?\)", "", name).lower()
        if len(word.split()) <= 3:  # a few names are whole definitions
            kept.setdefault(word, zipf_frequency(word, "en"))
    return sorted(kept, key=lambda word: -kept[word])


def texts(work: Path, nouns: list[Noun], captions: list[str], seed: int = 0) -> list[str]:
    """Everything the text tower is taught: captions, prompts, words, glosses, each once."""
    from wordfreq import zipf_frequency

    draw, folder = random.Random(seed), sources.wordnet_folder(work)
    found = list(captions) + templates(nouns, seed + 1)
    words = vocabulary(work)
    known = {n.word: article(n.word) for n in nouns}
    for word in dict.fromkeys([*words, *known]):
        found.append(word)
        found += [p.format(an=article(word), noun=word) for p in draw.sample(PROMPTS, 2)]
    for part in ("noun", "verb", "adj", "adv"):
        for sense in wordnet.synsets(folder, part):
            common = [w for w in sense.words if zipf_frequency(w, "en") >= 1.8]
            if not common:
                continue
            found += common
            gloss = re.sub(r"\(.*?\)", "", sense.gloss).strip()
            found.append(" ".join(gloss.split()[: draw.randint(6, 16)]))
            found += sense.examples[:1]
    found += [re.sub(r"\s*\(.*?\)", "", n) for n in sources.class_names(work)] * 3
    return [t for t in dict.fromkeys(found) if t and len(t.split()) <= 18]
