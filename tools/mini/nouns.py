"""Chooses the nouns that captions are written about: common, inoffensive and visible."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools.mini import sources, wordnet

OFFENSIVE = re.compile(
    r"offensive|slur|derogat|disparag|vulgar|obscene|taboo|contempt|coitus|genital|sexual|prostitut"
    r"|prejudice|hatred|execut|torture|murder|kills"
)
GROUPS = {5: "animal", 13: "food", 15: "place", 17: "place", 18: "person", 19: "place", 20: "plant"}
# Glosses of artifacts that are places (one stands in them) start like this.
PLACE = re.compile(
    r"^(an? |the )?(\w+ ){0,2}(building|room|house|place|road|street|structure|area|shop|store)\b"
)
MOSTLY_NOUN = 0.4  # minimum share of a word's tagged occurrences
RAREST = 2.9  # zipf frequency: about one word in 1.3 million
# Lexicographer files of abstract nouns: acts, attributes, cognition, communication, feelings, ...
ABSTRACT = {4, 7, 9, 10, 12, 16, 21, 22, 23, 24, 26, 28}
CONCRETE = {5, 6, 13, 20}
# Hypernyms of people by occupation or relation, and hypernyms of derogatory terms for people.
NEUTRAL = (
    "worker", "adult", "relative", "child", "entertainer", "leader", "professional", "athlete",
    "creator", "ruler", "serviceman", "traveler", "religious person", "woman", "man", "performer",
    "scientist", "student", "craftsman", "aristocrat", "friend", "player", "spouse", "juvenile",
)  # fmt: skip
DEROGATORY = (
    "unpleasant person", "wrongdoer", "bad person", "unfortunate", "simpleton", "deviant",
    "bad hat", "scoundrel", "debauchee", "addict", "prostitute", "libertine", "coward", "bigot",
    "prisoner", "killer", "abnormal", "slave", "adulterer", "disputant",
)  # fmt: skip


@dataclass(frozen=True)
class Noun:
    """A noun that a photograph can show, and the kind of scene it belongs in."""

    word: str
    group: str  # animal, artifact, food, person, place, plant
    zipf: float
    share: float  # of its occurrences in tagged text, those as a noun


class Visible:
    """Predicts whether a photograph can show the most frequent sense of a noun.

    A logistic regression on the teacher's embeddings of "word: gloss", fitted on WordNet's
    lexicographer files: animals, artifacts, food and plants against acts, cognition, feelings etc.
    """

    def __init__(self, senses: dict[str, wordnet.Synset], embed: Callable) -> None:
        from sklearn.linear_model import LogisticRegression

        rows = embed([f"{word}: {sense.gloss}" for word, sense in senses.items()])  # (n, d)
        files = np.array([sense.file for sense in senses.values()])
        labelled = np.isin(files, list(CONCRETE | ABSTRACT))
        model = LogisticRegression(max_iter=1000, class_weight="balanced")
        model.fit(rows[labelled], np.isin(files[labelled], list(CONCRETE)))
        self.probability = dict(zip(senses, model.predict_proba(rows)[:, 1], strict=True))

    def __call__(self, word: str) -> float:
        """The probability that it can."""
        return float(self.probability.get(word, 1.0))


def common_senses(work: Path, rarest: float = RAREST) -> dict[str, wordnet.Synset]:
    """Lower-case lemmas of zipf frequency `rarest` or more, with their most frequent sense."""
    from wordfreq import zipf_frequency

    folder = sources.wordnet_folder(work)
    synset = {s.offset: s for s in wordnet.synsets(folder)}
    counts = wordnet.sense_counts(folder)
    senses = {}
    for lemma, offset in wordnet.first_senses(folder).items():
        zipf = zipf_frequency(lemma, "en")
        common = zipf >= rarest and (" " not in lemma or counts[lemma]["1"] >= 1)
        if common and re.fullmatch(r"[a-z]{2,}( [a-z]{2,}){0,2}", lemma):
            senses[lemma] = synset[offset]
    return senses


def visible_nouns(work: Path, embed: Callable) -> list[Noun]:
    """Common nouns with a visible first sense, and all ImageNet classes; most frequent first."""
    from wordfreq import zipf_frequency

    folder = sources.wordnet_folder(work)
    everything = {s.offset: s for s in wordnet.synsets(folder)}
    counts, first = wordnet.sense_counts(folder), wordnet.first_senses(folder)
    names = {w.lower() for s in everything.values() for w in s.words if w[:1].isupper()}
    senses = common_senses(work)
    visible, profane = Visible(senses, embed), sources.profane_words(work)
    neutral, derogatory = _offsets(NEUTRAL, first), _offsets(DEROGATORY, first)
    result = {}
    for lemma, sense in senses.items():
        zipf = zipf_frequency(lemma, "en")
        if sense.file == 18:
            fit = zipf >= 3.1 and _inoffensive(sense, everything, neutral, derogatory)
        else:
            seen = sense.file in wordnet.VISIBLE and visible(lemma) >= 0.5
            fit = seen and (sense.file not in (8, 27) or zipf >= 3.6)
        unfit = lemma in names or lemma in profane or sense.instance
        unfit = unfit or OFFENSIVE.search(sense.gloss)
        if not fit or unfit:
            continue
        share = wordnet.noun_share(counts[lemma])
        result[lemma] = Noun(lemma, _group(sense), zipf, share)
    for index, name in enumerate(sources.class_names(work)):
        group = "animal" if index < 398 else "food" if 924 <= index < 970 else "artifact"
        word = re.sub(r"\s*\(.*?\)", "", name)
        if len(word.split()) <= 3:  # a few names are whole definitions
            result.setdefault(word, Noun(word, group, zipf_frequency(word, "en"), 1.0))
    return sorted(result.values(), key=lambda n: -n.zipf)


def _offsets(words: tuple[str, ...], first: dict[str, str]) -> set[str]:
    return {first[word] for word in words if word in first}


def _inoffensive(
    sense: wordnet.Synset,
    synsets: dict[str, wordnet.Synset],
    neutral: set[str],
    derogatory: set[str],
) -> bool:
    """Whether a person noun has a neutral hypernym and no derogatory one."""
    hypernyms, frontier = set(), {sense.offset}
    while frontier:
        hypernyms |= frontier
        frontier = {h for o in frontier if o in synsets for h in synsets[o].hypernyms} - hypernyms
    return bool(hypernyms & neutral) and not hypernyms & derogatory


def _group(sense: wordnet.Synset) -> str:
    if sense.file == 6:
        return "place" if PLACE.match(sense.gloss) else "artifact"
    return GROUPS.get(sense.file, "artifact")
