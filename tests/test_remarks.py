"""What people are told about an answer: cut texts, unknown texts, and answers that mean little."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from zcalc.answer import View
from zcalc.calculator import Calculator
from zcalc.gallery import Gallery
from zcalc.models import random_pairs
from zcalc.show import terminal
from zcalc.show.card import card_html, card_text
from zcalc.show.data import answer_data
from zcalc.show.sheet import sheet

LONG = "a dog runs on the beach and " * 30
FEW = View(words=3)


@pytest.fixture(scope="module")
def mini() -> Calculator:
    return Calculator.create("mini")


def test_a_text_longer_than_the_context_is_cut_at_the_end(mini: Calculator) -> None:
    encoder = mini.models.encoder
    with_other_end = LONG + "purple elephants"
    assert encoder.token_count(LONG) > encoder.context_length
    np.testing.assert_array_equal(*encoder.texts([LONG, with_other_end]))
    ids = encoder.tokenize([LONG])[0].tolist()
    assert (
        len(ids) == encoder.context_length and ids[-1] == encoder.clip.tokenizer.rows(["a"])[0][-1]
    )


def test_the_cut_is_remarked_on_with_both_lengths(mini: Calculator) -> None:
    encoder = mini.models.encoder
    (remark,) = mini.txt(LONG).answer(FEW).remarks
    assert f"{encoder.token_count(LONG)} tokens" in remark
    assert f"mini reads the first {encoder.context_length}." in remark
    assert len(remark) < 160


def test_texts_in_an_unknown_script_are_remarked_on_and_point_to_multilingual(
    mini: Calculator,
) -> None:
    answer = mini('"茶" + "a dog"').answer(FEW)
    (remark,) = answer.remarks
    assert "mini knows none of “茶”" in remark and "multilingual" in remark
    number = mini('cos("茶", "犬")').answer()
    assert len(number.remarks) == 2 and number.value == pytest.approx(1)
    for shown in (card_html(answer), card_text(answer), card_html(number), card_text(number)):
        assert "knows none of" in shown
    assert answer_data(answer)["notes"] == [remark]


def test_words_that_are_partly_unknown_are_named(mini: Calculator) -> None:
    assert mini.models.encoder.remark("a dog 犬") == "mini doesn't know “犬” in “a dog 犬”."
    assert mini.models.encoder.remark("a dog") is None
    assert mini.models.encoder.remark("") is None


def test_a_text_that_is_long_and_partly_unknown_has_both_remarks(mini: Calculator) -> None:
    remark = mini.models.encoder.remark(f"犬 {LONG}") or ""
    assert "tokens long" in remark and "doesn't know “犬”" in remark
    assert "knows none of" in (mini.models.encoder.remark("茶 " * 100) or "")


def test_the_caption_of_an_operand_is_remarked_on_if_it_counts(mini: Calculator) -> None:
    other, picture = mini.with_gallery(Gallery.samples()), Pillow.new("RGB", (32, 32), "red")
    name = other.add_picture(picture, "lantern", caption="提灯")
    (remark,) = other.img(name).answer(FEW).remarks
    assert "mini knows none of “提灯”" in remark
    plain = Calculator.create("mini", caption_share=0)
    plain.add_picture(picture, "lantern", caption="提灯")
    assert not plain.img("lantern").remarks


def test_remarks_are_in_the_terminal_the_sheet_and_the_lab(
    mini: Calculator, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = mini('"茶"').answer(View(pictures=2))
    assert '<p class="remark">mini knows none of “茶”' in sheet(unknown)
    terminal.print_answer(unknown)
    printed = capsys.readouterr()
    assert "knows none of" in printed.err and "knows none of" not in printed.out
    assert mini.lab('"茶"').results["remarks"] == list(unknown.remarks)
    assert mini.lab('cos("茶", "a dog")').results["remarks"] == list(unknown.remarks)
    assert mini.search('"茶"').results["remarks"] == list(unknown.remarks)


def test_remarks_are_escaped(mini: Calculator) -> None:
    page = card_html(mini('"<b>茶</b>茶 茶"').answer(FEW))
    assert "<b>" not in page and "&lt;b&gt;" in page


def test_an_answer_that_is_near_to_nothing_is_marked_as_weak(mini: Calculator) -> None:
    weak = mini('-"a dog" - "a house" - "a car"').answer(View(words=3, pictures=2))
    best = max(found.score for found in (*weak.words, *weak.images))
    assert best < mini.models.random_cosine
    assert weak.weak and f"the best cosine is {best:.2f}" in weak.remarks[-1]
    assert answer_data(weak)["weak"] is True
    near = mini('"a dog"').answer(View(words=3, pictures=2))
    assert not near.weak and not near.remarks and "weak" not in answer_data(near)


def test_centred_points_are_never_weak(mini: Calculator) -> None:
    centred = View(pictures=3, query={"center": True})
    low = [mini.txt(word).answer(centred) for word in ("object", "time", "reality")]
    assert any(answer.images[0].score < mini.models.random_cosine for answer in low)
    low += [mini('center(-"a dog" - "a house" - "a car")').answer(View(words=3, pictures=2))]
    assert not any(answer.weak or answer.remarks for answer in low)


def test_minis_random_cosine_is_the_measured_one(
    mini: Calculator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZCALC_CACHE", str(tmp_path))
    from zcalc.bench import random_pairs as measure

    report = measure(mini)
    rows = np.arange(len(report.metrics[0].values))
    mean = report.metrics[0].value(rows)
    assert mean == pytest.approx(mini.models.preset.random_cosine, abs=0.01)
    assert random_pairs.measured(mini.models.encoder.identity) == pytest.approx(mean, abs=1e-4)
    (file,) = tmp_path.glob("random_pairs/*.json")
    assert json.loads(file.read_text())["model"] == mini.models.encoder.identity
    file.write_text("damaged")
    assert random_pairs.measured(mini.models.encoder.identity) is None


def test_other_models_have_no_weak_answers_until_they_are_measured(
    mini: Calculator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZCALC_CACHE", str(tmp_path))
    folder = mini.models.preset.clip
    other = Calculator.create(clip=folder)
    nowhere = other('-"a dog" - "a house" - "a car"')
    assert other.models.random_cosine is None and not nowhere.answer(FEW).weak
    random_pairs.keep(other.models.encoder.identity, 0.2)
    assert nowhere.answer(FEW).weak
