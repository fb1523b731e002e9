"""The nearest words: which ones are left out, and the cache of their vectors."""

import numpy as np
import pytest
from helpers import HashEncoder, hash_calculator

from zcalc.algebra import unit
from zcalc.errors import ZcalcError
from zcalc.ranking import Ranking
from zcalc.storage import cache_folder
from zcalc.wordlists import Entry, read_texts
from zcalc.words import StoredTexts, stems

WORD_CAT = unit(HashEncoder().texts(["cat"])[0])  # (64,)


def stored(*texts: str) -> StoredTexts:
    return StoredTexts([Entry(text) for text in texts], HashEncoder())


@pytest.mark.parametrize(
    ("operand", "excluded", "remaining"),
    [
        ("tea", ["tea", "teas", "Tea", "a tea", "the teas"], ["tea cup", "teapot", "cup of tea"]),
        ("a photo of a dog", ["dog", "dogs", "photos", "photo"], ["dog house", "photographer"]),
        ("man", ["man", "men"], ["woman", "fireman"]),
        ("wolves", ["wolf", "wolves"], ["werewolf"]),
        ("policeman", ["policemen"], ["police"]),
        ("fire engine", ["fire", "engines", "fire engines", "fire-engine"], ["fire truck"]),
        ("berry", ["berries"], ["strawberry"]),
        ("red_wine", ["red wine", "wines"], ["wine glass"]),
        ("the", ["the"], ["dog"]),
    ],
)
def test_operands_and_their_inflections_are_left_out(
    operand: str, excluded: list[str], remaining: list[str]
) -> None:
    words = stored(*excluded, *remaining)
    target = unit(HashEncoder().texts([operand])[0])  # (d,)
    assert {word.text for word in words.nearest(target, 99, [operand])} == set(remaining)
    assert len(words.nearest(target, 99)) == len(excluded) + len(remaining)


def test_empty_operands_leave_nothing_out() -> None:
    assert stems("!?") == frozenset()
    assert len(stored("dog", "cat").nearest(np.ones(64), 9, ["", "!"])) == 2


def test_nearest_first_and_at_most_k() -> None:
    words = stored("dog", "dog house", "house", "cat")
    nearest = words.nearest(unit(HashEncoder().texts(["dog"])[0]), 3)
    assert [word.text for word in nearest][:2] == ["dog", "dog house"] and len(nearest) == 3
    assert nearest[0].score == pytest.approx(1, abs=1e-5)


def test_vectors_are_cached_and_a_damaged_cache_is_rebuilt() -> None:
    texts = ("one", "two", "three")
    first, second = stored(*texts), stored(*texts)
    files = set(cache_folder("texts").glob("*"))
    expected = first.vectors
    (file,) = set(cache_folder("texts").glob("*")) - files
    intact = file.read_bytes()
    assert np.array_equal(second.vectors, expected) and second._encoder.batches == []
    flipped = intact[:-3] + bytes([intact[-3] ^ 1]) + intact[-2:]
    for data in (b"", intact[:50], intact[:-1], flipped):
        file.write_bytes(data)
        rebuilt = stored(*texts)
        assert np.array_equal(rebuilt.vectors, expected) and rebuilt._encoder.batches
        assert np.array_equal(stored(*texts).vectors, expected)


def test_texts_longer_than_the_context_are_dropped() -> None:
    words = stored("a cat", "word " * 33, "a dog")
    assert words.texts == ("a cat", "a dog") and words.vectors.shape == (2, 64)
    assert len(words.nearest(unit(np.ones(64)), 9)) == 2


def test_a_vocabulary_of_texts_that_are_all_too_long_is_an_error() -> None:
    words = stored("word " * 33, "many " * 40)
    with pytest.raises(ZcalcError, match="Every entry of the vocabulary is too long") as error:
        _ = words.vectors
    assert "32 tokens" in error.value.hint


def test_an_entry_is_the_mean_of_its_templates() -> None:
    entries = [Entry("cat"), Entry("Katze", language="de"), Entry("chat", language="fr")]
    templates = {"en": ("a photo of a {}.", "{}"), "de": ("ein Foto von {}",)}
    encoder = HashEncoder()
    words = StoredTexts(entries, encoder, templates=templates)
    filled = unit(encoder.texts(["a photo of a cat.", "cat", "ein Foto von Katze", "chat"]))
    expected = unit(np.stack([filled[0] + filled[1], filled[2], filled[3]]))
    assert words.vectors == pytest.approx(expected, abs=1e-6)
    glossed = StoredTexts(
        [Entry("cat", 0, "a pet")], encoder, Ranking(glossed=0.5), {"en": templates["en"]}
    )
    gloss = unit(encoder.texts(["cat: a pet"]))
    assert glossed.vectors == pytest.approx(unit(expected[:1] + 0.5 * gloss), abs=1e-6)


def test_templates_are_part_of_the_cache_key() -> None:
    entries = [Entry("a unicorn")]
    plain = StoredTexts(entries, HashEncoder())
    one = StoredTexts(entries, HashEncoder(), templates={"en": ("a photo of {}",)})
    other = StoredTexts(entries, HashEncoder(), templates={"en": ("a drawing of {}",)})
    unused = StoredTexts(entries, HashEncoder(), templates={"de": ("ein Foto von {}",)})
    rows = [texts.vectors for texts in (plain, one, other)]
    assert len({row.tobytes() for row in rows}) == 3
    assert np.array_equal(unused.vectors, rows[0]) and unused._encoder.batches == []


@pytest.mark.parametrize("templates", [{}, {"en": ("a photo of a {}", "art of the {}")}])
@pytest.mark.parametrize("ranking", [Ranking(), Ranking(common=0.02), Ranking(glossed=0.8)])
def test_the_score_is_the_cosine_and_the_rank_what_words_are_ordered_by(
    ranking: Ranking, templates: dict
) -> None:
    entries = [
        Entry("cat", 5, "a pet"),
        Entry("dog", 5, "a loyal pet"),
        Entry("cart"),
        Entry("cot"),
    ]
    encoder = HashEncoder()
    words = StoredTexts(entries, encoder, ranking, templates).nearest(WORD_CAT, 4)
    cosines = unit(encoder.texts([word.text for word in words])) @ WORD_CAT
    assert [word.score for word in words] == pytest.approx(cosines, abs=1e-6)
    plain = ranking == Ranking() and not templates
    ranks = [word.score if plain else word.rank for word in words]
    assert plain is all(word.rank is None for word in words)
    assert ranks == sorted(ranks, reverse=True)


@pytest.mark.parametrize(
    ("language", "operand", "repeated", "others"),
    [
        ("de", "eine Katze", ["Katzen", "Katze"], ["Kater", "Katzenbaum"]),
        ("de", "die Straße", ["Straßen", "STRASSE"], ["Straßenbahn"]),
        ("fr", "les chevaux", ["cheval"], ["cheveux"]),
        ("es", "un león", ["leones", "León"], ["leopardo"]),
        ("zh", "一杯咖啡", ["咖啡", "杯"], ["黑咖啡", "茶"]),
        ("ja", "お茶とコーヒー", ["お茶", "コーヒー"], ["紅茶"]),
        ("th", "แมวดำ", ["แมว"], ["หมา"]),
        ("hi", "दिन", ["दिन"], ["दान"]),
        ("ru", "красные кошки", ["кошка", "красный"], ["кот"]),
        ("xx", "Ĉevalo", ["ĉevalo"], ["ĉevaloj"]),
        ("en", "a ☕ please", ["☕"], ["🍵"]),
    ],
)
def test_words_of_many_languages_are_left_out(
    language: str, operand: str, repeated: list[str], others: list[str]
) -> None:
    entries = [Entry(text, language=language) for text in [*repeated, *others]]
    words = StoredTexts(entries, HashEncoder())
    kept = {word.text for word in words.nearest(WORD_CAT, 9, [operand])}
    assert kept == set(others)


def test_the_cache_depends_on_model_and_texts() -> None:
    one, two, other = stored("a cat"), stored("a dog"), stored("a cat")
    other._encoder.identity = "hash-2"
    _ = one.vectors, two.vectors, other.vectors
    assert not np.array_equal(one.vectors, two.vectors)
    assert two._encoder.batches and other._encoder.batches


def test_an_unwritable_cache_is_not_an_error(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("ZCALC_CACHE", str(tmp_path / "file"))
    assert stored("a cow", "a hen").vectors.shape == (2, 64)


def test_the_package_texts_are_clean_and_distinct() -> None:
    for name in ("vocabulary.tsv", "captions.txt"):
        texts = read_texts(name)
        assert len(texts) == len(set(texts)) > 100
        parts = [part for text in texts for part in text.split("\t")]
        assert all(part == " ".join(part.split()) and part.isprintable() for part in parts)


def test_words_leave_out_texts_and_picture_names() -> None:
    result = hash_calculator()('img(coffee) - "cup" + "tea"')
    words = {word.text for word in result.words(20_000)}
    all_words = {word.text for word in result.words(20_000, keep_operands=True)}
    assert all_words - words >= {"coffee", "cup", "tea"}
    assert any(word.startswith("tea") for word in words)
