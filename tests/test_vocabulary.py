"""The bundled vocabulary: what it has, what it leaves out, and that the build reproduces it."""

from importlib.resources import files
from pathlib import Path

import pytest

from tools.mini import sources, vocabulary
from tools.mini.lists import definitions, word_list
from zcalc.wordlists import parse_entries

WORK = Path(__file__).parents[1] / ".models-build"
TEXT = (files("zcalc") / "data" / "vocabulary.tsv").read_text(encoding="utf-8")
ENTRIES = {entry.text: entry for entry in parse_entries(TEXT)}
WORDS = {text.lower() for text in ENTRIES}


def test_size_and_letters() -> None:
    assert 6000 <= len(ENTRIES) <= 7500
    assert len(WORDS) == len(ENTRIES) == len(TEXT.splitlines())
    assert TEXT.isascii()
    assert all(len(entry.definition.split()) <= 20 for entry in ENTRIES.values())


@pytest.mark.parametrize("name", vocabulary.DEFINED)
def test_every_list_is_in_with_its_kind_and_definition(name: str) -> None:
    for text, definition in definitions(name).items():
        entry = ENTRIES[text]
        assert (entry.kind, entry.definition) == (vocabulary.DEFINED[name], definition)


def test_an_entry_is_in_one_list() -> None:
    listed = [text.lower() for name in vocabulary.DEFINED for text in definitions(name)]
    listed += [text.lower() for name in ("nouns", "compounds", "names") for text in word_list(name)]
    assert len(set(listed)) == len(listed)
    assert not vocabulary.REMOVED & set(listed)


@pytest.mark.parametrize(
    "words",
    [
        "president|chancellor|prime minister|monarch|senator|mayor|governor|minister|ambassador",
        "Obama|Angela Merkel|Gandhi|Albert Einstein|Charles Darwin|Mozart|Picasso|Cleopatra|Pele",
        "Germany|Turkey|France|French|Paris|Tokyo|Nairobi|Rio de Janeiro|Sydney|Cape Town",
        "sushi|ramen|taco|goulash|pierogi|biryani|kebab|paella|fondue|hamburger|apple|potato",
        "tennis|judo|archery|swimming|ice hockey|sumo|puppy|kitten|foal|calf|tadpole|lamb",
        "jungle|desert|ocean|savanna|tundra|wood|metal|glass|leather|silk|carpenter|stethoscope",
        "time|love|death|planet|palace|train|eye|net|horse|cat|dog|old man|old woman",
    ],
)
def test_what_people_expect(words: str) -> None:
    assert not {word.lower() for word in words.split("|")} - WORDS


def test_no_brands_no_oddities() -> None:
    brands = (
        "toyota|band-aid|barbie|lego|pokemon|ipod|crock pot|ford|twitter|macintosh|ford model t"
    )
    odd = (
        "aba|egyptian mau|clubs suit|tiger shark|sandbar|gold leaf|tea service|beef man|white heart"
    )
    assert not set(f"{brands}|{odd}".split("|")) & WORDS


def test_words_mean_what_a_picture_shows() -> None:
    kinds = {text: ENTRIES[text].kind for text in ("tiger", "whale", "cherry", "wrench", "donkey")}
    assert kinds == {"tiger": 5, "whale": 5, "cherry": 13, "wrench": 6, "donkey": 5}
    assert ENTRIES["Spanish"].kind == ENTRIES["German"].kind == 18
    assert not ENTRIES["sweet"].kind  # an adjective, not the phonetician Henry Sweet


@pytest.mark.heavy  # checks every entry for variants
def test_the_build_reproduces_the_file() -> None:
    if not sources.wordnet_folder(WORK).exists():
        pytest.skip("needs the sources of `make models`")
    sources.use(WORK)
    entries = vocabulary.vocabulary(WORK)
    assert list(vocabulary.described(WORK, entries)) == TEXT.splitlines()
