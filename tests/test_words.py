"""The nearest words: which ones are left out, and the cache of their vectors."""

import numpy as np
import pytest
from helpers import HashEncoder, hash_calculator

from zcalc.algebra import unit
from zcalc.storage import cache_folder
from zcalc.words import StoredTexts, read_texts, stems


def stored(*texts: str) -> StoredTexts:
    return StoredTexts("vocabulary.tsv", HashEncoder(), texts)


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
