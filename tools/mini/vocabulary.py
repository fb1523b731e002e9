"""What `words` answers with: the nouns, names and adjectives that a person would say."""

import re
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from pathlib import Path

from tools.mini import drawings, sources, wordnet
from tools.mini.flags import FLAGS
from tools.mini.lists import word_list
from tools.mini.nouns import MOSTLY_NOUN, UNKIND, Visible, common_senses

ADJECTIVES = word_list("adjectives")
# Names that WordNet lacks or hides behind a capital; landmarks, religions, feasts.
NAMES = word_list("names")
# Given names that WordNet also has as rare things, so that frequency misleads.
GIVEN = frozenset(word_list("given_names"))
# Names of drawings that are descriptions, not words.
FORM = re.compile(r"^(man|woman|person|boy|girl|male|female) .|face|with|hand$|'s")
LIKELY = 3.0  # zipf frequency of a thing one can see; of other nouns one more


def vocabulary(work: Path, embed: Callable) -> list[str]:
    """Entries, the frequent ones first."""
    from wordfreq import zipf_frequency

    kept: dict[str, str] = {}
    for word in [*_nouns(work, embed), *ADJECTIVES, *_places(work), *NAMES, *names(work)]:
        kept.setdefault(word.lower(), word)
    found = sorted(kept.values(), key=lambda word: -zipf_frequency(word, "en"))
    return list(_without_variants(found))


def names(work: Path) -> list[str]:
    """Countries and peoples, ImageNet's classes, and the plain names of what drawings show."""
    from wordfreq import zipf_frequency

    countries = [name for flag in FLAGS for name in (flag.country, flag.people)]
    classes = [re.sub(r"\s*\(.*?\)", "", name) for name in sources.class_names(work)]
    drawn = [concept.name for concept in drawings.concepts(work)]
    return [
        *countries,
        *(name for name in classes if len(name.split()) <= 3),  # a few are whole definitions
        *(
            name
            for name in drawn
            if zipf_frequency(name, "en") >= 2.8
            and len(name.split()) <= 2
            and not FORM.search(name)
        ),
    ]


def _nouns(work: Path, embed: Callable) -> Iterator[str]:
    """Common nouns and short phrases of WordNet; what can't be seen must be commoner."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
    from wordfreq import zipf_frequency

    folder = sources.wordnet_folder(work)
    everything = {s.offset: s for s in wordnet.synsets(folder)}
    counts, first = wordnet.sense_counts(folder), wordnet.first_senses(folder)
    names = {w.lower() for s in everything.values() for w in s.words if w[:1].isupper()}
    senses = common_senses(work, rarest=2.6)
    visible, rude = Visible(senses, embed), sources.rude_words(work)
    for lemma, sense in senses.items():
        zipf = zipf_frequency(lemma, "en")
        seen = sense.file in wordnet.VISIBLE and visible(lemma) >= 0.5
        if " " in lemma:
            common = zipf >= LIKELY and sense.file in wordnet.VISIBLE and visible(lemma) >= 0.8
        else:
            common = zipf >= (LIKELY if seen or sense.file == 18 else LIKELY + 0.9)
            common |= seen and zipf >= 2.6 and counts[lemma]["1"] >= 1
        unfit = len(lemma) < 3 or lemma in GIVEN or lemma in ENGLISH_STOP_WORDS
        unfit |= lemma in names or lemma in rude
        plural = lemma.endswith("s") and (lemma[:-1] in first or lemma[:-2] in first)
        rarer = any(zipf_frequency(w, "en") > zipf + 1.2 for w in sense.words) and zipf < 3.4
        noun = wordnet.noun_share(counts[lemma]) >= MOSTLY_NOUN
        if common and noun and not (unfit or plural or rarer or UNKIND.search(sense.gloss)):
            yield lemma


def _places(work: Path) -> Iterator[str]:
    """Well-known places and peoples of WordNet, as they are written; no everyday words."""
    from wordfreq import zipf_frequency

    folder, rude = sources.wordnet_folder(work), sources.rude_words(work)
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
        known = re.search(r"native|inhabitant|capital|country|republic|city|continent", sense.gloss)
        fit = re.fullmatch(r"[A-Z][a-z]{3,}", word) and word.lower() not in everyday | rude
        named_after = sense.file == 15 and word in people and "country" not in sense.gloss
        if fit and known and not named_after and zipf_frequency(word, "en") >= rarest:
            yield word


def _without_variants(words: list[str]) -> Iterator[str]:
    """Each spelling once, the more frequent one: "color" and not "colour", "cat" and not "cats"."""
    from zcalc.words import stems

    seen: set[frozenset[str]] = set()
    folded: dict[str, list[str]] = {}
    for word in words:
        key = re.sub(r"[aeiouyszh\W]", "", word.lower())[:12]  # colour, yoghurt, organise
        alike = any(SequenceMatcher(None, word, w).ratio() > 0.9 for w in folded.get(key, ()))
        known = stems(word) in seen or (len(word) > 5 and alike)
        seen.add(stems(word))
        folded.setdefault(key, []).append(word)
        if not known:
            yield word


def described(work: Path, entries: list[str], words: int = 20) -> Iterator[str]:
    """Each entry with its kind and definition behind tabs, as far as WordNet knows it.

    The kind is the number of the lexicographer's file of its most frequent meaning (of its last
    word's, for a compound WordNet lacks), the definition that meaning's first clause, cut.
    """
    synsets = wordnet.synsets(sources.wordnet_folder(work))
    by_offset = {sense.offset: sense for sense in synsets}
    by_word = {word.lower(): sense for sense in reversed(synsets) for word in sense.words}
    first = wordnet.first_senses(sources.wordnet_folder(work))
    for entry in entries:
        word = entry.lower()
        sense = by_offset.get(first.get(word, "")) or by_word.get(word)
        kind = sense or by_offset.get(first.get(word.split()[-1], ""))
        clause = re.sub(r"\(.*?\)", "", sense.gloss).split(";")[0].split() if sense else []
        found = [entry, str(kind.file) if kind else "", " ".join(clause[:words])]
        yield "\t".join(found).rstrip("\t")
