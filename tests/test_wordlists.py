"""Word lists: zcalc's own, and text files of anybody's."""

import os
import unicodedata
from pathlib import Path

import pytest
from helpers import hash_calculator

from zcalc import wordlists
from zcalc.calculator import Calculator
from zcalc.errors import ZcalcError
from zcalc.models.presets import PRESETS
from zcalc.vector_cache import FOLDER
from zcalc.wordlists import LISTS, Entry, parse_entries, word_list, word_lists

OWN = "\ufeff# birds\r\n\r\nrobin\r\n  eagle\ta large bird \t\r\nrobin\r\n"
OWN += "#language: DE\r\nAmsel\r\n茶\r\n"


def saved(folder: Path, text: str | bytes, name: str = "own.txt") -> Path:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    assert word_list(saved(tmp_path, OWN)) == (
        Entry("robin"),
        Entry("eagle", 0, "a large bird"),
        Entry("Amsel", language="de"),
        Entry("茶", language="de"),
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cat", Entry("cat")),
        ("cat\tan animal", Entry("cat", 0, "an animal")),
        ("cat\t5\tan animal", Entry("cat", 5, "an animal")),
        ("cat\t\tan animal", Entry("cat", 0, "an animal")),
        ("cat\t5", Entry("cat", 5)),
        ("cat\t123456\tfrequent", Entry("cat", 0, "frequent")),
        ("cat\tan animal\tmore\tcells", Entry("cat", 0, "an animal")),
        ("\tno word", None),
        ("a \x1b[31mred\x00  cat", Entry("a [31mred cat")),
        ("cafe\u0301", Entry("caf\u00e9")),
        ("👩\u200d🚀", Entry("👩\u200d🚀")),
    ],
)
def test_a_line(line: str, expected: Entry | None) -> None:
    assert parse_entries(line) == ((expected,) if expected else ())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no entries"),
        ("# only a comment\n\n", "has no entries"),
        ("Käse".encode("latin-1"), "not a text file in UTF-8"),
        ("cat\ndog".encode("utf-16"), "not a text file in UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00", "not a text file in UTF-8"),
        (b"\x00" * 99, "has no entries"),
    ],
)
def test_a_file_that_is_no_vocabulary(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(ZcalcError, match=message) as error:
        word_list(saved(tmp_path, content))
    assert "own.txt" in error.value.message and "one entry per line" in error.value.hint


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path, message in ((tmp_path / "none.txt", "No such file"), (tmp_path, "a folder")):
        with pytest.raises(ZcalcError, match=message) as error:
            Calculator.create(vocabulary=path)
        assert "de, fr" in error.value.hint
    with pytest.raises(ZcalcError, match="Can't read"):
        word_list("a\0b")


def test_far_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = saved(tmp_path, "\n".join(map(str, range(500))))
    monkeypatch.setattr(wordlists, "MAX_ENTRIES", 499)
    with pytest.raises(ZcalcError, match="500 entries; 499 is the most"):
        word_list(file)
    monkeypatch.setattr(wordlists, "MAX_BYTES", 1000)
    with pytest.raises(ZcalcError, match="more than 0 MB"):
        word_list(file)
    if Path("/dev/zero").exists():
        with pytest.raises(ZcalcError, match="more than"):
            word_list("/dev/zero")


def test_a_list_by_its_language_unless_there_is_such_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fr").mkdir()
    assert {"Katze", "Hund"} <= {entry.text for entry in word_list("de")}
    assert "chat" in {entry.text for entry in word_list(Path("fr"))}
    saved(tmp_path, "Tasse", "de")
    assert word_list("de") == (Entry("Tasse"),)


def test_lists_are_joined_without_repetitions(tmp_path: Path) -> None:
    first, second = saved(tmp_path, "hotel\ncat", "1"), saved(tmp_path, "Hotel\nHotel \nKatze", "2")
    assert [entry.text for entry in word_lists([first, second])] == ["hotel", "cat", "Katze"]
    assert [entry.text for entry in word_list(second)] == ["Hotel", "Katze"]


@pytest.mark.parametrize("language", LISTS)
def test_the_lists_of_the_package_are_clean(language: str) -> None:
    entries = word_list(language)
    assert 1500 <= len(entries) <= 8000 and {entry.language for entry in entries} == {language}
    for entry in entries:
        assert entry.text.isprintable() and entry.text == unicodedata.normalize("NFC", entry.text)
        assert not set(entry.text) & set(';,()\\|"<>')
    assert len({entry.text.casefold() for entry in entries}) == len(entries)


def test_the_lists_name_their_source_and_are_small() -> None:
    folder = FOLDER.parents[1] / "data" / "words"
    files = sorted(folder.glob("*.txt"))
    assert {file.stem for file in files} == {*LISTS} - {"en"} | {"LICENSE-Unicode"}
    for file in files:
        head = file.read_text("utf8").split("\n")[:4]
        assert "Unicode License v3" in head[2] or "UNICODE LICENSE V3" in head[0]
    assert sum(file.stat().st_size for file in files) < 300_000


def test_presets_name_their_lists() -> None:
    for name in ("mini", "paper", "small", "base", "large"):
        assert PRESETS[name].vocabulary == ("en",)
    assert set(PRESETS["multilingual"].vocabulary) == set(LISTS)
    assert set(PRESETS["multilingual"].templates) == set(LISTS)
    for preset in (PRESETS[name] for name in ("paper", "small", "base", "large", "multilingual")):
        assert all("{}" in t for templates in preset.templates.values() for t in templates)
    assert not PRESETS["mini"].templates


def test_a_calculator_with_a_vocabulary(tmp_path: Path) -> None:
    file = saved(tmp_path, "Tasse\nTee\ntea\nteapot\nKaffee")
    calc = hash_calculator(vocabulary=file)
    words = calc('"tea"').words(9)
    assert {word.text for word in words} == {"Tasse", "Tee", "teapot", "Kaffee"}
    assert [word.rank for word in words] == [None] * 4  # one operand, no definitions: the cosine
    scores = [word.score for word in words]
    assert scores == sorted(scores, reverse=True)
    for word in words:
        assert word.score == pytest.approx(float(calc(f'cos("tea", "{word.text}")')), abs=1e-6)
    file.write_text("changed")
    assert "Tasse" in calc.models.vocabulary.texts  # it was read at once


def test_the_vectors_of_a_vocabulary_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZCALC_CACHE", str(tmp_path / "cache"))
    for text, expected in (("cup\ntea", 1), ("# the same\ncup\ntea\n", 1), ("cup\npot", 2)):
        calc = hash_calculator(vocabulary=[os.fspath(saved(tmp_path, text))])
        assert calc('"a"').words(2)
        assert len(list((tmp_path / "cache/texts").iterdir())) == expected


@pytest.mark.parametrize("preset", ["paper", "multilingual"])
def test_presets_with_templates_rank_by_the_mean_of_their_sentences(
    preset: str, tmp_path: Path
) -> None:
    file = saved(tmp_path, "cup\ntea\n# language: de\nTasse\nTee")
    calc = hash_calculator(model=preset, vocabulary=file)
    words = {word.text: word for word in calc('"coffee"').words(9)}
    for word in words.values():
        cosine = float(calc(f'cos("coffee", "{word.text}")'))
        assert word.rank is not None and word.score == pytest.approx(cosine, abs=1e-6)
    assert words["cup"].rank != pytest.approx(words["cup"].score, abs=1e-3)
    in_german = preset == "multilingual"
    assert (words["Tasse"].rank == pytest.approx(words["Tasse"].score, abs=1e-6)) is not in_german
