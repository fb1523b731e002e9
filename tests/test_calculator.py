"""The calculator: from an expression to a vector, its nearest pictures and a caption."""

import subprocess
import sys
import threading
from pathlib import Path

import helpers
import numpy as np
import pytest
from helpers import hash_calculator, save_photo

import zcalc
from zcalc.algebra import unit
from zcalc.errors import ZcalcError
from zcalc.language import LanguageError


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("red", "green", "blue"):
        save_photo(tmp_path / "photos" / f"{name}.png", name)
    return tmp_path / "photos"


def test_importing_zcalc_is_light() -> None:
    heavy = "torch", "faiss", "ipywidgets", "transformers", "open_clip", "rich", "typer"
    code = f"import sys, zcalc.calculator, zcalc; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert len(zcalc.__all__) <= 5


def test_pictures_and_texts_are_embedded_in_one_batch_each(photos: Path) -> None:
    calc = hash_calculator([photos])
    calc('img(red) + img(green) - img(red) / 2 + "tea" - txt("tea") * 2 + "cup"')
    assert calc.models.encoder.batches == [("texts", 2), ("images", 2)]


def test_a_vector_computed_by_hand(photos: Path) -> None:
    calc = hash_calculator([photos])
    tea, cup = unit(calc.models.encoder.texts(["tea", "cup"]))
    result = calc('2 * "tea" - "cup"')
    np.testing.assert_allclose(result.vector, unit(2 * tea - cup), atol=1e-6)
    assert result.norm == pytest.approx(np.linalg.norm(2 * tea - cup), abs=1e-6)
    assert (result.vector.dtype, result.vector.shape) == (np.float32, (64,))


def test_raw_sums_without_normalising(photos: Path) -> None:
    calc = hash_calculator([photos], normalize=False)
    tea, cup = calc.models.encoder.texts(["tea", "a long text about a cup"])
    result = calc('"tea" - "a long text about a cup"')
    assert result.norm == pytest.approx(np.linalg.norm(tea - cup), rel=1e-6)
    np.testing.assert_allclose(result.vector, unit(tea - cup), atol=1e-6)


def test_python_operators_build_the_same_tree(photos: Path) -> None:
    calc = hash_calculator([photos])
    red, tea, cup = calc.img("red"), calc.txt("tea"), calc.txt("cup")
    for result, text in (
        (red - tea + cup, 'img(red) - "tea" + "cup"'),
        (red - (tea + cup), 'img(red) - ("tea" + "cup")'),
        (2 * red - tea * 3, '2 * img(red) - "tea" * 3'),
        (-red + tea / 4, '-img(red) + "tea" / 4'),
        (0.5 * (red - tea), '0.5 * (img(red) - "tea")'),
        (-2 * red + (tea - cup), '-2 * img(red) + "tea" - "cup"'),
        (np.float32(0.5) * tea, '0.5 * "tea"'),
    ):
        assert result.tree == calc(text).tree and repr(result) == f"({text})"
    assert calc.models.encoder.batches[0] == ("texts", 2), "operators alone embed nothing"


def test_operators_refuse_what_the_language_refuses(photos: Path) -> None:
    calc = hash_calculator([photos])
    red = calc.img("red")
    with pytest.raises(LanguageError, match="Cannot multiply two embeddings"):
        _ = red * red
    with pytest.raises(LanguageError, match="zero"):
        _ = red / 0
    with pytest.raises(LanguageError, match="number"):
        _ = red + 1
    with pytest.raises(TypeError):
        _ = red + "tea"
    with pytest.raises(ZcalcError, match="finite"):
        _ = red * float("nan")
    with pytest.raises(ZcalcError, match="different calculators"):
        _ = red + hash_calculator([photos]).txt("tea")


@pytest.mark.parametrize("text", ["", "  # only a comment", '"tea" +', 'img(red) * "tea"', "3"])
def test_errors_come_before_any_embedding(photos: Path, text: str) -> None:
    calc = hash_calculator([photos])
    with pytest.raises(LanguageError):
        calc(text)
    assert calc.models.encoder.batches == []


def test_an_expression_that_cancels_out(photos: Path) -> None:
    with pytest.raises(ZcalcError, match="cancels out"):
        hash_calculator([photos])('img(red) - img("red.png")')


def test_nearest_leaves_out_the_operands(photos: Path) -> None:
    calc = hash_calculator([photos])
    result = calc('img(red) + "tea" / 100')
    assert "red" not in {hit.name for hit in result.nearest(3)}
    first, *rest = result.nearest(3, keep_operands=True)
    assert (first.name, first.path, len(rest)) == ("red", str(photos / "red.png"), 2)
    assert len(result.nearest(1)) == 1


def test_the_index_of_a_gallery_is_cached(photos: Path) -> None:
    hash_calculator([photos])('"tea"').nearest(1)
    calc = hash_calculator([photos])
    calc('"tea"').nearest(1)
    assert ("images", 3) not in calc.models.encoder.batches


def test_an_index_instead_of_the_pictures(photos: Path, tmp_path: Path) -> None:
    report = hash_calculator().index(photos, tmp_path / "p.zidx")
    assert (report.added, report.skipped) == (3, ())
    calc = hash_calculator(index=tmp_path / "p.zidx")
    assert [hit.name for hit in calc('img(red) + "tea"').nearest(9)] == [
        hit.name for hit in hash_calculator([photos])('img(red) + "tea"').nearest(9)
    ]
    for file in photos.iterdir():
        file.unlink()
    photos.rmdir()
    orphaned = hash_calculator(index=tmp_path / "p.zidx")
    assert len(orphaned('"tea"').nearest(9)) == 3
    assert orphaned("img(red)").nearest(1, keep_operands=True)[0].name == "red"  # it is stored
    with pytest.raises(LanguageError, match="no longer exists"):
        orphaned("crop(img(red), 0, 0, 1, 0.5)")


def test_an_unknown_preset() -> None:
    with pytest.raises(ZcalcError, match="Unknown preset 'minni'") as error:
        zcalc.load("minni")
    assert "Did you mean 'mini'?" in error.value.hint


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> zcalc.Calculator:
    folder = tmp_path_factory.mktemp("models")
    helpers.save_tiny_clip(folder / "clip")
    helpers.save_tiny_gpt2(folder / "lm")
    return zcalc.load(clip=str(folder / "clip"), lm=str(folder / "lm"), seed=1)


def test_captions_with_real_loaders_and_tiny_weights(tiny: zcalc.Calculator) -> None:
    result = tiny('img(coffee) - "coffee" + "tea"')
    assert "language_model" not in vars(tiny.models), "loaded by the first caption only"
    captions = []
    settings = {"beams": 2, "max_tokens": 3, "steps": 1, "candidates": 8}
    caption = result.caption(on_token=captions.append, **settings)
    assert caption.method == "zerocap", "the decoder for custom encoders"
    assert len(captions) == 3 or captions[-1].finished
    assert caption.text.startswith("Image of a") and len(caption.beams) == 2
    assert result.caption(**settings) is caption
    searched = result.caption("search", beams=1, max_tokens=2, candidates=8, prompt="A")
    assert searched.method == "search" and searched.text.startswith("A")


def test_long_texts_are_cut_with_a_remark(tiny: zcalc.Calculator) -> None:
    long = "a very long text " * 20
    (remark,) = tiny(f'"{long}"').remarks
    assert "tokens long" in remark and "reads the first 16." in remark
    np.testing.assert_array_equal(*tiny.models.encoder.texts([long, long + "tea"]))


def test_unknown_decoders_and_settings(tiny: zcalc.Calculator) -> None:
    result = tiny('"tea"')
    with pytest.raises(ZcalcError, match="Unknown decoder 'magic'"):
        result.caption("magic")
    with pytest.raises(ZcalcError, match="no setting beam"):
        result.caption("zerocap", beam=3, temperatur=1)
    with pytest.raises(ZcalcError, match="no setting prompt"):
        result.caption("retrieve", prompt="A")
    with pytest.raises(ZcalcError, match="beams"):
        result.caption("zerocap", beams=0)


def test_an_interrupt_returns_the_caption_so_far(tiny: zcalc.Calculator) -> None:
    def interrupt(caption: object) -> None:
        raise KeyboardInterrupt

    caption = tiny('"coffee"').caption(on_token=interrupt, beams=1, steps=0, max_tokens=9)
    assert not caption.finished and len(caption.beams[0].tokens) == 1


def test_two_threads_may_share_a_calculator(photos: Path) -> None:
    calc = hash_calculator([photos])
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(calc('img(red) + "tea"').nearest(3)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and all(hits == results[0] for hits in results)
