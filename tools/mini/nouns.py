"""Which nouns a caption is written about, and which entries `words` knows."""

import re
from dataclasses import dataclass
from pathlib import Path

from tools.mini import sources, wordnet

UNKIND = re.compile(r"offensive|slur|derogat|disparag|vulgar|obscene|taboo|contempt|coitus|genital")
GROUPS = {5: "animal", 13: "food", 15: "place", 17: "place", 18: "person", 19: "place", 20: "plant"}
# Artifacts that one stands in rather than holds: their glosses begin like this.
PLACE = re.compile(
    r"^(an? |the )?(\w+ ){0,2}(building|room|house|place|road|street|structure|area|shop|store)\b"
)
RAREST = 2.9  # zipf frequency: about one word in 1.3 million


@dataclass(frozen=True)
class Noun:
    """A noun a photograph can show, and the kind of scene it belongs in."""

    word: str
    group: str  # animal, artifact, food, person, place, plant
    zipf: float
    share: float  # of the word's uses in tagged text, those as a noun


def visible_nouns(work: Path) -> list[Noun]:
    """Common nouns whose first meaning can be seen, and every ImageNet class; frequent first."""
    from wordfreq import zipf_frequency

    folder = sources.wordnet_folder(work)
    synset = {s.offset: s for s in wordnet.synsets(folder)}
    counts = wordnet.sense_counts(folder)
    names = {w.lower() for s in synset.values() for w in s.words if w[:1].isupper()}
    found = {}
    for lemma, offset in wordnet.first_senses(folder).items():
        sense, zipf = synset[offset], zipf_frequency(lemma, "en")
        plain = re.fullmatch(r"[a-z]{2,}( [a-z]{2,}){0,2}", lemma)
        common = counts[lemma]["1"] >= 1 and zipf >= RAREST if " " in lemma else zipf >= RAREST
        if not plain or lemma in names or not common or sense.file not in wordnet.VISIBLE:
            continue
        if sense.instance or UNKIND.search(sense.gloss):
            continue
        found[lemma] = Noun(lemma, _group(sense), zipf, wordnet.noun_share(counts[lemma]))
    for index, name in enumerate(sources.class_names(work)):
        group = "animal" if index < 398 else "food" if 924 <= index < 970 else "artifact"
        word = re.sub(r"\s*\(.*?\)", "", name)
        if len(word.split()) <= 3:  # a few names are whole definitions
            found.setdefault(word, Noun(word, group, zipf_frequency(word, "en"), 1.0))
    return sorted(found.values(), key=lambda n: -n.zipf)


def _group(sense: wordnet.Synset) -> str:
    if sense.file == 6:
        return "place" if PLACE.match(sense.gloss) else "artifact"
    return GROUPS.get(sense.file, "artifact")
