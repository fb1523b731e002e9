"""`python -m tools.words`: write zcalc/data/words, everyday words in seven languages.

The words are the names and keywords of emoji of people, animals, food, places, activities and
objects, and the names of countries, both of Unicode CLDR: chosen by people for every language, and
concrete. The files in `drop` list those that are no word for a picture. Words are ordered by their
frequency (wordfreq); rare words and further inflections of a word are left out.
"""

import argparse
import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.mini import sources
from tools.mini.flags import FLAGS
from zcalc.words import stems

ROOT = Path(__file__).parents[2]
VARIANTS = {"es": ("es-419", "es-MX", "es-US"), "pt": ("pt-PT",)}  # of a language, added to it
LANGUAGES = {
    "de": "German", "es": "Spanish", "fr": "French", "it": "Italian", "ja": "Japanese",
    "pt": "Portuguese", "zh": "Chinese",
}  # fmt: skip
PACKAGES = {  # npm: version and SHA-256 of the tarball
    "cldr-annotations-full": (
        "48.2.0",
        "28576e51225deb51e3ddd734b0f824a0079682cb5d8c27faa9f68149317a14d1",
    ),
    "cldr-localenames-full": (
        "48.2.0",
        "7f2ac7fd3b5d90f56ad127f9ed5ae67b58b3e556818f55530b9f47bb81bcde57",
    ),
    "emojibase-data": (
        "17.0.0",
        "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a",
    ),
}
HEADER = """\
# language: {language}
# Everyday words in {name}: names and keywords of emoji, and names of countries.
# Unicode CLDR 48.2, Copyright 2004-2026 Unicode, Inc.; Unicode License v3, LICENSE-Unicode.txt.
# Chosen, and ordered by frequency, by tools/words.
"""
GROUPS = {"animals-nature", "food-drink", "travel-places", "activities", "objects"}
SUBGROUPS = {
    "person", "person-role", "person-fantasy", "person-activity", "person-sport",
    "person-resting", "family", "body-parts",
}  # fmt: skip
PLACES = {
    *(flag.code.upper() for flag in FLAGS),
    "002",
    "003",
    "005",
    "009",
    "142",
    "150",
}  # fmt: skip  (the countries whose flags are drawn, and by UN M49 the continents)
UNSPACED = {"ja", "zh"}  # written without spaces
RAREST, RAREST_NAME = 2.0, 3.0  # zipf frequency
# The ending of an infinitive, and of a form in the past that nouns lack.
VERBS = {
    "es": (("ar", "aba"), ("er", "ía"), ("ir", "ía"), ("arse", "aba")),
    "fr": (("er", "ait"), ("ir", "issait"), ("ir", "ait"), ("oir", "ait")),
    "it": (("are", "ava"), ("ere", "eva"), ("ire", "iva"), ("arsi", "ava"), ("ersi", "eva")),
    "pt": (("ar", "ava"), ("er", "ia"), ("ir", "ia")),
}
# Of two-word names, those of a sign for a man or a woman say nothing new.
SEXES = {
    "frau", "mann", "person", "femme", "femmes", "homme", "hommes", "personne", "hombre", "hombres",
    "mujer", "mujeres", "persona", "personas", "donna", "donne", "uomo", "uomini", "persone",
    "homem", "homens", "mulher", "mulheres", "pessoa", "pessoas",
}  # fmt: skip


def main() -> None:
    """Write a list for each language."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / ".models-build", help="build folder")
    work = parser.parse_args().work
    fetch(work)
    sources.use(work)
    for language, name in LANGUAGES.items():
        words = list(word_list(work, language))
        text = HEADER.format(language=language, name=name) + "\n".join([*words, ""])
        (ROOT / "zcalc" / "data" / "words" / f"{language}.txt").write_text(text, "utf8")
        print(f"{language}: {len(words)} words, {len(text.encode()):,} bytes")


def fetch(work: Path) -> None:
    """Download CLDR and, with the other sources of `make models`, wordfreq, where missing."""
    sources.NPM.update(PACKAGES)
    if not (work / "packages" / "wordfreq").exists():
        sources.fetch(work)
    for package in PACKAGES:
        if not sources.npm_folder(work, package).exists():
            sources.fetch_npm(work, package)


def word_list(work: Path, language: str) -> Iterator[str]:
    """The words of a language, most frequent first, each in one form."""
    from wordfreq import get_frequency_dict

    frequencies = get_frequency_dict(language, "best")
    candidates = {word: RAREST for word in emoji_words(work, language)}
    candidates |= {name: RAREST_NAME for name in places(work, language)}
    dropped, seen = dropped_words(language), set[frozenset[str]]()
    names = {name.casefold() for name in places(work, language)}
    ranked = sorted(candidates, key=lambda word: (-zipf(word, frequencies), word))
    for word in ranked:
        is_known = zipf(word, frequencies) >= candidates[word]
        unfit = word in dropped or is_verb(word, language, frequencies)
        # A country's name in lower case, or a word that others write so, is the same word again.
        recased = candidates[word] == RAREST and word.casefold() in names
        if is_known and not (unfit or recased) and stems(word, language) not in seen:
            seen.add(stems(word, language))
            yield word


def emoji_words(work: Path, language: str) -> Iterator[str]:
    """The names and keywords of emoji that may be words: short, and of letters only."""
    shown = shown_emoji(work)
    documents = [cldr(work, "annotations", x) for x in (language, *VARIANTS.get(language, ()))]
    annotations = [document["annotations"]["annotations"].items() for document in documents]
    for emoji, texts in itertools.chain(*annotations):
        if emoji.replace("\ufe0f", "") not in shown:
            continue
        for word in {*texts.get("default", ()), *texts.get("tts", ())}:
            parts = word.split()
            if re.search(r"[^\w ’'-]|[\d_]", word) or len(parts) > 2:
                continue
            if language in UNSPACED:
                if len(word) <= 6 and not re.search("[A-Za-z]", word):
                    yield word
            elif language == "de" and not word[0].isupper():
                continue  # no noun
            elif len(parts) == 2:
                if word in texts.get("tts", ()) and not SEXES & set(word.casefold().split()):
                    yield word
            elif len(word) > 2:
                yield word


def shown_emoji(work: Path) -> set[str]:
    """The emoji that show something: no faces, gestures, symbols, clocks and flags."""
    folder = sources.npm_folder(work, "emojibase-data") / "package"
    names = json.loads((folder / "meta/groups.json").read_text("utf8"))
    emoji = json.loads((folder / "en/data.json").read_text("utf8"))
    kept = set()
    for one in emoji:
        group = names["groups"].get(str(one.get("group")))
        subgroup = names["subgroups"].get(str(one.get("subgroup")))
        if (group in GROUPS and subgroup != "time") or subgroup in SUBGROUPS:
            kept.add(one["emoji"].replace("\ufe0f", ""))
    return kept


def places(work: Path, language: str) -> set[str]:
    """The names of countries and continents."""
    document = cldr(work, "localenames", language)["main"][language]
    territories = document["localeDisplayNames"]["territories"]
    return {territories[code] for code in PLACES & territories.keys()}


def cldr(work: Path, part: str, language: str) -> dict:
    """A JSON document of CLDR."""
    folder = sources.npm_folder(work, f"cldr-{part}-full") / "package"
    path = (
        "annotations/{}/annotations.json" if part == "annotations" else "main/{}/territories.json"
    )
    return json.loads((folder / path.format(language)).read_text("utf8"))


def dropped_words(language: str) -> set[str]:
    """The words of a language to leave out."""
    text = (Path(__file__).parent / "drop" / f"{language}.txt").read_text("utf8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    separator = None if language in UNSPACED else ";"
    return {" ".join(word.split()) for line in lines for word in line.split(separator)}


def is_verb(word: str, language: str, frequencies: Mapping[str, float]) -> bool:
    """Whether a word is an infinitive whose past occurs."""
    return any(
        word.endswith(ending)
        and len(word) > len(ending) + 2
        and word[: -len(ending)] + past in frequencies
        for ending, past in VERBS.get(language, ())
    )


def zipf(word: str, frequencies: Mapping[str, float]) -> float:
    """The logarithm of a word's frequency in a billion words, 0 if unknown.

    Of several words, the frequency of all together is estimated as wordfreq does.
    """
    parts = [frequencies.get(part, 0.0) for part in word.casefold().split()]
    return math.log10(1 / sum(1 / part for part in parts)) + 9 if all(parts) else 0.0


if __name__ == "__main__":
    main()
