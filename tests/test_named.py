"""Names of a program in a file."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers import hash_calculator, save_photo
from typer.testing import CliRunner

from zcalc.cli import app
from zcalc.errors import ZcalcError
from zcalc.named import load


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for colour in ("red", "green", "blue"):
        save_photo(tmp_path / "photos" / f"{colour}.png", colour)
    return tmp_path / "photos"


def test_loaded_names_mean_what_they_meant(photos: Path, tmp_path: Path) -> None:
    calc = hash_calculator([photos])
    calc('warm = img(red) - 0.3 * "cold"; n = 3; far = warm - "near"')
    expected = calc('2 * warm + "tea" - far')
    assert calc.save_names(tmp_path / "a.zvec") == 2
    again = hash_calculator([photos])
    again.load_names(tmp_path / "a.zvec")
    got = again('2 * warm + "tea" - far')
    np.testing.assert_allclose(got.vector, expected.vector, atol=1e-6)
    assert got.norm == pytest.approx(expected.norm, abs=1e-6)
    assert again.save_names(tmp_path / "b.zvec", ["far"]) == 1
    assert load(tmp_path / "b.zvec").names == ("far",)
    with pytest.raises(ZcalcError, match="No name stands for an embedding"):
        hash_calculator([photos]).save_names(tmp_path / "c.zvec")


def test_another_encoders_names_are_refused(photos: Path, tmp_path: Path) -> None:
    calc = hash_calculator([photos])
    calc("warm = img(red)")
    calc.save_names(tmp_path / "a.zvec")
    other = hash_calculator([photos])
    other.models.encoder.identity = "hash-2"
    with pytest.raises(ZcalcError, match="hash-1's, not hash-2's"):
        other.load_names(tmp_path / "a.zvec")


def test_damaged_files_are_refused(photos: Path, tmp_path: Path) -> None:
    calc = hash_calculator([photos])
    calc("warm = img(red)")
    calc.save_names(tmp_path / "a.zvec")
    data = (tmp_path / "a.zvec").read_bytes()
    rng = np.random.default_rng(0)
    for position in rng.integers(0, len(data), 60):
        flipped = bytearray(data)
        flipped[position] ^= 1 << int(rng.integers(8))
        (tmp_path / "b.zvec").write_bytes(flipped)
        try:
            assert load(tmp_path / "b.zvec").names
        except ZcalcError:
            continue  # a flip in the metadata may leave a name, or none
    for junk in (b"", b"hello", data[:50]):
        (tmp_path / "b.zvec").write_bytes(junk)
        with pytest.raises(ZcalcError, match="damaged or holds no"):
            load(tmp_path / "b.zvec")
    with pytest.raises(ZcalcError, match="Can't read"):
        load(tmp_path / "missing.zvec")


@pytest.mark.model
def test_the_option(tmp_path: Path) -> None:
    file = str(tmp_path / "n.zvec")

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, [*arguments, "--names", file])
        return done.exit_code, done.output

    assert run("words", '"x"')[0] == 1  # there is no file, and nothing to keep
    assert run("words", 'drink = img(coffee) - "coffee"')[0] == 0
    code, output = run("words", 'drink + "tea"', "-k", "3", "--json")
    direct = CliRunner().invoke(
        app, ["words", 'img(coffee) - "coffee" + "tea"', "-k", "3", "--json"]
    )
    words = [[w["text"] for w in json.loads(o)["words"]] for o in (output, direct.output)]
    assert code == 0 and words[0][0] == words[1][0] == "tea cup"
    assert run("nearest", "drink", "-k", "1")[0] == 0
    assert "drnk" in run("words", "drnk")[1]
