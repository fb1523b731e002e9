"""Ad hoc operands: pictures and embeddings added from Python."""

from pathlib import Path

import numpy as np
import pytest
from helpers import hash_calculator, save_photo
from PIL import Image

from zcalc.calculator import Calculator
from zcalc.errors import ZcalcError
from zcalc.language import image, unparse
from zcalc.show.card import card_html, card_text


@pytest.fixture
def calc(tmp_path: Path) -> Calculator:
    for name in ("red", "green", "blue"):
        save_photo(tmp_path / "photos" / f"{name}.png", name)
    return hash_calculator([tmp_path / "photos"])


def test_a_pil_picture_is_an_operand(calc: Calculator) -> None:
    name = calc.add_picture(Image.new("RGB", (3000, 20), "red"), "pasted")
    assert name == "pasted"
    result = calc('img(pasted) + "tea"')
    np.testing.assert_allclose(calc("img(pasted)").vector, calc("img(red)").vector, atol=1e-6)
    assert card_html(result.answer()).count("<figure><img") == 4  # itself, and three neighbours
    assert "img(pasted)" in card_text(result.answer())
    assert "pasted)" in calc.complete("img(pas").options
    assert {hit.name for hit in result.nearest(9)} == {"red", "green", "blue"}


def test_names_are_unique_and_the_same_picture_is_added_once(calc: Calculator) -> None:
    red, lime = Image.new("RGB", (9, 9), "red"), Image.new("RGB", (9, 9), "lime")
    assert calc.add_picture(red, "mine") == "mine"
    assert calc.add_picture(lime, "mine") == "mine_2"
    assert calc.add_picture(red.copy(), "mine") == "mine"
    assert calc.add_picture(lime, "red") == "red_2", "the gallery has a red"
    assert calc.add_picture(lime) == "picture"
    changed = red.copy()
    calc.add_picture(changed, "later")
    changed.paste("blue", (0, 0, 9, 9))
    np.testing.assert_allclose(calc("img(later)").vector, calc("img(red)").vector, atol=1e-6)


@pytest.mark.parametrize(
    "name",
    ["a b", "q\"uo'te", "<b>x</b>", "\\", "猫", "x" * 300, "a/b.png", "http://x/y", "\n", ""],
)
def test_any_name_can_be_used(calc: Calculator, name: str) -> None:
    unique = calc.add_picture(Image.new("RGB", (5, 5), "lime"), name)
    result = calc(f'{unparse(image(unique))} - "tea"')
    assert [p.name for p in result.operand_pictures.values()] == [unique]
    assert "<b>x" not in card_html(result.answer())


def test_a_path_is_read_once_and_left_out_of_its_own_results(
    calc: Calculator, tmp_path: Path
) -> None:
    file = save_photo(tmp_path / "elsewhere" / "photo.png", "navy")
    name = calc.add_picture(file)
    file.unlink()
    assert name == "photo" and calc("img(photo)").norm == pytest.approx(1)
    inside = calc.add_picture(tmp_path / "photos" / "red.png", "again")
    assert "red" not in [hit.name for hit in calc(f"img({inside})").nearest(3)]


def test_anything_but_a_picture_is_refused(calc: Calculator, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    for wrong in (tmp_path / "text.png", tmp_path / "missing.png", "red.png", 3, None):
        with pytest.raises(ZcalcError):
            calc.add_picture(wrong)  # type: ignore[arg-type]
    with pytest.raises(ZcalcError, match="has 0 × 5 pixels"):
        calc.add_picture(Image.new("RGB", (0, 5)))


def test_an_embedding_is_an_operand(calc: Calculator) -> None:
    tea = calc('"tea"').vector
    name = calc.add_vector(3 * tea, "mine")
    np.testing.assert_allclose(calc(f"img({name})").vector, tea, atol=1e-6)
    both = calc('img(mine) - 0.5 * "tea"')
    assert both.norm == pytest.approx(0.5, abs=1e-6)
    assert '<span class="text">mine</span>' in card_html(both.answer())
    assert calc.add_vector(3 * tea, "mine") == "mine"
    assert calc.add_vector(tea, "mine") == "mine_2"


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (np.ones(63), r"have shape \(64,\), not \(63,\)"),
        (np.ones((1, 64)), r"have shape \(64,\), not \(1, 64\)"),
        (np.zeros(64), "zero"),
        (np.full(64, np.nan), "NaN or infinity"),
        (np.full(64, np.inf), "NaN or infinity"),
        (np.ones(64, complex), "complex"),
        (np.array(["a"] * 64), "array of"),
    ],
)
def test_an_invalid_embedding_is_refused(
    calc: Calculator, vector: np.ndarray, message: str
) -> None:
    with pytest.raises(ZcalcError, match=message):
        calc.add_vector(vector, "mine")
