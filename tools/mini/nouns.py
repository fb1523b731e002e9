"""Which nouns a caption is written about: common, kind, and such that a photograph shows them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools.mini import sources, wordnet

UNKIND = re.compile(
    r"offensive|slur|derogat|disparag|vulgar|obscene|taboo|contempt|coitus|genital|sexual|prostitut"
    r"|prejudice|hatred|execut|torture|murder|kills"
)
GROUPS = {5: "animal", 13: "food", 15: "place", 17: "place", 18: "person", 19: "place", 20: "plant"}
# Artifacts that one stands in rather than holds: their glosses begin like this.
PLACE = re.compile(
    r"^(an? |the )?(\w+ ){0,2}(building|room|house|place|road|street|structure|area|shop|store)\b"
)
MOSTLY_NOUN = 0.4  # share of a word's tagged uses
RAREST = 2.9  # zipf frequency: about one word in 1.3 million
# Lexicographer files whose nouns can't be seen: acts, attributes, thoughts, words, feelings, ...
UNSEEN = {4, 7, 9, 10, 12, 16, 21, 22, 23, 24, 26, 28}
SEEN = {5, 6, 13, 20}
# Kinds of people by what they do or are to each other, and kinds that nobody is called kindly.
KIND = (
    "worker", "adult", "relative", "child", "entertainer", "leader", "professional", "athlete",
    "creator", "ruler", "serviceman", "traveler", "religious person", "woman", "man", "performer",
    "scientist", "student", "craftsman", "aristocrat", "friend", "player", "spouse", "juvenile",
)  # fmt: skip
MEAN = (
    "unpleasant person", "wrongdoer", "bad person", "unfortunate", "simpleton", "deviant",
    "bad hat", "scoundrel", "debauchee", "addict", "prostitute", "libertine", "coward", "bigot",
    "prisoner", "killer", "abnormal", "slave", "adulterer", "disputant",
)  # fmt: skip


@dataclass(frozen=True)
class Noun:
    """A noun a photograph can show, and the kind of scene it belongs in."""

    word: str
    group: str  # animal, artifact, food, person, place, plant
    zipf: float
    share: float  # of the word's uses in tagged text, those as a noun


class Visible:
    """Whether a photograph can show a noun's first meaning.

    A logistic regression over the teacher's embeddings of "word: gloss", fitted on WordNet's own
    files: animals, things, food and plants against acts, thoughts, feelings and the like.
    """

    def __init__(self, senses: dict[str, wordnet.Synset], embed: Callable) -> None:
        from sklearn.linear_model import LogisticRegression

        rows = embed([f"{word}: {sense.gloss}" for word, sense in senses.items()])  # (n, d)
        files = np.array([sense.file for sense in senses.values()])
        known = np.isin(files, list(SEEN | UNSEEN))
        model = LogisticRegression(max_iter=1000, class_weight="balanced")
        model.fit(rows[known], np.isin(files[known], list(SEEN)))
        self.probability = dict(zip(senses, model.predict_proba(rows)[:, 1], strict=True))

    def __call__(self, word: str) -> float:
        """Probability in 0..1."""
        return float(self.probability.get(word, 1.0))


def common_senses(work: Path, rarest: float = RAREST) -> dict[str, wordnet.Synset]:
    """Lower-case lemmas that are common enough, with their most frequent meaning."""
    from wordfreq import zipf_frequency

    folder = sources.wordnet_folder(work)
    synset = {s.offset: s for s in wordnet.synsets(folder)}
    counts = wordnet.sense_counts(folder)
    found = {}
    for lemma, offset in wordnet.first_senses(folder).items():
        zipf = zipf_frequency(lemma, "en")
        known = zipf >= rarest and (" " not in lemma or counts[lemma]["1"] >= 1)
        if known and re.fullmatch(r"[a-z]{2,}( [a-z]{2,}){0,2}", lemma):
            found[lemma] = synset[offset]
    return found


def visible_nouns(work: Path, embed: Callable) -> list[Noun]:
    """Common nouns whose first meaning can be seen, and every ImageNet class; frequent first."""
    from wordfreq import zipf_frequency

    folder = sources.wordnet_folder(work)
    everything = {s.offset: s for s in wordnet.synsets(folder)}
    counts, first = wordnet.sense_counts(folder), wordnet.first_senses(folder)
    names = {w.lower() for s in everything.values() for w in s.words if w[:1].isupper()}
    senses = common_senses(work)
    visible, rude = Visible(senses, embed), sources.rude_words(work)
    kinds = _offsets(KIND, first), _offsets(MEAN, first)
    found = {}
    for lemma, sense in senses.items():
        zipf = zipf_frequency(lemma, "en")
        if sense.file == 18:
            fit = zipf >= 3.1 and _kindly_called(sense, everything, *kinds)
        else:
            seen = sense.file in wordnet.VISIBLE and visible(lemma) >= 0.5
            fit = seen and (sense.file not in (8, 27) or zipf >= 3.6)
        unfit = lemma in names or lemma in rude or sense.instance or UNKIND.search(sense.gloss)
        if not fit or unfit:
            continue
        share = wordnet.noun_share(counts[lemma])
        found[lemma] = Noun(lemma, _group(sense), zipf, share)
    for index, name in enumerate(sources.class_names(work)):
        group = "animal" if index < 398 else "food" if 924 <= index < 970 else "artifact"
        word = re.sub(r"\s*\(.*?\)", "", name)
        if len(word.split()) <= 3:  # a few names are whole definitions
            found.setdefault(word, Noun(word, group, zipf_frequency(word, "en"), 1.0))
    return sorted(found.values(), key=lambda n: -n.zipf)


def _offsets(words: tuple[str, ...], first: dict[str, str]) -> set[str]:
    return {first[word] for word in words if word in first}


def _kindly_called(sense: wordnet.Synset, all_: dict, kind: set[str], mean: set[str]) -> bool:
    """Whether a person's hypernyms say what they do, and nothing that hurts."""
    above, new = set(), {sense.offset}
    while new:
        above |= new
        new = {h for o in new if o in all_ for h in all_[o].hypernyms} - above
    return bool(above & kind) and not above & mean


def _group(sense: wordnet.Synset) -> str:
    if sense.file == 6:
        return "place" if PLACE.match(sense.gloss) else "artifact"
    return GROUPS.get(sense.file, "artifact")
