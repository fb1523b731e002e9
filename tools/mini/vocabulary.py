"""The vocabulary of `words`: common nouns, names and adjectives."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

from tools.mini import drawings, sources, wordnet
from tools.mini.flags import FLAGS
from tools.mini.lists import definitions, word_list
from tools.mini.nouns import MOSTLY_NOUN, OFFENSIVE, common_senses
from zcalc.ranking import NAMED
from zcalc.words import stems

# Lists with definitions of our own, and the kind of their entries: a lexicographer file or NAMED.
DEFINED = {
    "animals": 5, "colours": 7, "figures": NAMED, "food": 13, "landmarks": 15, "landscapes": 17,
    "materials": 27, "objects": 6, "offices": 18, "people": 18, "places": 15, "plants": 20,
    "sports": 4,
}  # fmt: skip
ADJECTIVES = word_list("adjectives")
# Religions, languages, festivals and characters, which WordNet lacks or capitalises.
NAMES = word_list("names")
# Things that the rules below would miss, and compounds, whose frequencies are only estimates.
NOUNS = [*word_list("nouns"), *word_list("compounds")]
# What the rules would let in: brands, words that no picture shows, that hardly anybody knows or
# that describe an emoji.
REMOVED = frozenset(word.lower() for word in word_list("removed"))
# Given names that are also rare nouns in WordNet, so their frequency is misleading.
GIVEN = frozenset(word_list("given_names"))
# Names of drawings that are descriptions rather than words.
FORM = re.compile(r"^(man|woman|person|boy|girl|male|female) .|face|with|hand$|'s")
GEOGRAPHIC = re.compile(r"native|inhabitant|capital|country|republic|city|continent")
COMMON = 3.0  # minimum zipf frequency of a visible thing; 0.9 more for other nouns


def vocabulary(work: Path) -> list[str]:
    """The entries, most frequent first."""
    from wordfreq import zipf_frequency

    nations = [name for flag in FLAGS for name in (flag.country, flag.people)]
    defined = [entry for name in DEFINED for entry in definitions(name)]
    chosen = [*ADJECTIVES, *NAMES, *NOUNS, *nations, *defined]
    found = [*_nouns(work), *_places(work), *names(work)]
    spellings: dict[str, str] = {}
    for word in [*chosen, *(word for word in found if word.lower() not in REMOVED)]:
        spellings.setdefault(word.lower(), word)
    by_frequency = sorted(spellings.values(), key=lambda word: -zipf_frequency(word, "en"))
    return list(_without_variants(by_frequency, frozenset(chosen)))


def names(work: Path) -> list[str]:
    """ImageNet classes, and the one- or two-word names of drawings."""
    from wordfreq import zipf_frequency

    classes = [re.sub(r"\s*\(.*?\)", "", name) for name in sources.class_names(work)]
    drawn = [concept.name for concept in drawings.concepts(work)]
    return [
        *(name for name in classes if len(name.split()) <= 3),  # a few are whole definitions
        *(
            name
            for name in drawn
            if zipf_frequency(name, "en") >= 2.8
            and len(name.split()) <= 2
            and not FORM.search(name)
        ),
    ]


def _nouns(work: Path) -> Iterator[str]:
    """Common nouns of WordNet, single words; abstract ones need a higher frequency."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
    from wordfreq import zipf_frequency

    folder = sources.wordnet_folder(work)
    everything = {s.offset: s for s in wordnet.synsets(folder)}
    counts, first = wordnet.sense_counts(folder), wordnet.first_senses(folder)
    names = {w.lower() for s in everything.values() for w in s.words if w[:1].isupper()}
    senses = common_senses(work, rarest=2.6)
    profane = sources.profane_words(work)
    for lemma, sense in senses.items():
        zipf = zipf_frequency(lemma, "en")
        seen = sense.file in wordnet.VISIBLE
        common = zipf >= (COMMON if seen else COMMON + 0.9)
        common |= seen and zipf >= 2.6 and counts[lemma]["1"] >= 1
        unfit = len(lemma) < 3 or " " in lemma or lemma in GIVEN or lemma in ENGLISH_STOP_WORDS
        unfit |= lemma in names or lemma in profane
        plural = lemma.endswith("s") and (lemma[:-1] in first or lemma[:-2] in first)
        rarer = any(zipf_frequency(w, "en") > zipf + 1.2 for w in sense.words) and zipf < 3.4
        noun = wordnet.noun_share(counts[lemma]) >= MOSTLY_NOUN
        if common and noun and not (unfit or plural or rarer or OFFENSIVE.search(sense.gloss)):
            yield lemma


def _places(work: Path) -> Iterator[str]:
    """Well-known places and peoples of WordNet, capitalised; no everyday words."""
    from wordfreq import zipf_frequency

    folder, profane = sources.wordnet_folder(work), sources.profane_words(work)
    everyday = {w for part in wordnet.PARTS for s in wordnet.synsets(folder, part) for w in s.words}
    people = {
        name
        for sense in wordnet.synsets(folder)
        if sense.instance and sense.file == 18
        for word in sense.words
        for name in word.split()
    }
    for sense in wordnet.synsets(folder):
        word = sense.words[0]
        rarest = {15: 3.8 if sense.instance else 9.0, 18: 3.7}.get(sense.file, 9.0)
        geographic = GEOGRAPHIC.search(sense.gloss)
        fit = re.fullmatch(r"[A-Z][a-z]{3,}", word) and word.lower() not in everyday | profane
        named_after = sense.file == 15 and word in people and "country" not in sense.gloss
        if fit and geographic and not named_after and zipf_frequency(word, "en") >= rarest:
            yield word


def _without_variants(words: list[str], chosen: frozenset[str]) -> Iterator[str]:
    """Keep the most frequent form of each word: "color", not "colour", and "cat", not "cats".

    The `chosen` words are kept in any form.
    """
    seen: set[frozenset[str]] = set()
    folded: dict[str, list[str]] = {}
    for word in words:
        key = re.sub(r"[aeiouyszh\W]", "", word.lower())[:12]  # colour, yoghurt, organise
        similar = any(SequenceMatcher(None, word, w).ratio() > 0.9 for w in folded.get(key, ()))
        variant = stems(word) in seen or (len(word) > 5 and similar)
        seen.add(stems(word))
        folded.setdefault(key, []).append(word)
        if word in chosen or not variant:
            yield word


def described(work: Path, entries: list[str], words: int = 20) -> Iterator[str]:
    """Lines of entry, kind and definition, separated by tabs; what WordNet lacks is left empty.

    The kind is the lexicographer file number of the most frequent sense (for a compound that
    WordNet lacks, of its last word); the definition is the first clause of that sense's gloss, cut
    to `words` words. The lists in `DEFINED` come first.
    """
    own = {adjective: ("", "") for adjective in ADJECTIVES}
    own |= {flag.people: ("18", f"somebody or something from {flag.country}") for flag in FLAGS}
    own |= {
        entry: (str(kind), definition)
        for name, kind in DEFINED.items()
        for entry, definition in definitions(name).items()
    }
    synsets = wordnet.synsets(sources.wordnet_folder(work))
    by_offset = {sense.offset: sense for sense in synsets}
    by_word = {word.lower(): sense for sense in reversed(synsets) for word in sense.words}
    first = wordnet.first_senses(sources.wordnet_folder(work))
    for entry in entries:
        word = entry.lower()
        sense = by_offset.get(first.get(word, "")) or by_word.get(word)
        kind = sense or by_offset.get(first.get(word.split()[-1], ""))
        clause = re.sub(r"\(.*?\)", "", sense.gloss).split(";")[0].split() if sense else []
        found = (str(kind.file) if kind else "", " ".join(clause[:words]))
        yield "\t".join((entry, *own.get(entry, found))).rstrip("\t")
