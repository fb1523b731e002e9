"""Queries, sets, edits, classes, parts, differences, crops and relevance, on real pictures."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import save_tiny_clip
from PIL import Image as PILImage
from typer.testing import CliRunner

import zcalc
from zcalc.algebra import unit
from zcalc.analysis.difference import auroc, separators
from zcalc.analysis.parts import parts
from zcalc.calculator import Calculator
from zcalc.cli import app
from zcalc.compound import Compound, PictureVectors, Spread, compound
from zcalc.errors import ZcalcError
from zcalc.index.compound_search import CompoundSearch
from zcalc.index.query import Local
from zcalc.index.store import Index
from zcalc.index.table import Entry
from zcalc.language import LanguageError

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def calc() -> Calculator:
    return zcalc.load("mini")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn pictures in two folders: red and blue ones of several sizes."""
    root = tmp_path_factory.mktemp("photos")
    for folder, colour in (("red", (220, 30, 30)), ("blue", (30, 40, 220))):
        (root / folder).mkdir()
        for i in range(6):
            picture = PILImage.new("RGB", (64 + i, 64), (240, 240, 240))
            picture.paste(colour, (8 + 2 * i, 8, 48 + i, 40 + 2 * i))
            picture.save(root / folder / f"{folder}_{i}.png")
    return root


# --- queries --------------------------------------------------------------------------------------


def random_rows(count: int, dim: int = 32, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(count, dim)) + 0.3)


def test_a_spread_gives_mean_and_deviation_of_cosines_with_any_point() -> None:
    rows, point = random_rows(500), random_rows(1, seed=1)[0]
    spread = Spread.of([rows[:200], rows[200:]])
    cosines = rows @ point
    assert spread.moments(point) == pytest.approx((cosines.mean(), cosines.std()), abs=1e-9)


def test_scores_multiply_take_the_largest_and_leave_out() -> None:
    rows, (a, b, c) = random_rows(200), random_rows(3, seed=1)
    spread = Spread.of([rows])
    p, q, r = (spread.probabilities(rows, point) for point in (a, b, c))
    assert np.allclose(Compound("both", (a, b, c)).scores(rows, spread), p * q * r)
    assert np.allclose(Compound("either", (a, b)).scores(rows, spread), np.maximum(p, q))
    assert np.allclose(Compound("butnot", (a, b)).scores(rows, spread), p * (1 - q))
    nested = Compound("both", (a, Compound("either", (b, c))))
    assert np.allclose(nested.scores(rows, spread), p * np.maximum(q, r))


def test_3cosmul_ranks_as_levy_and_goldberg_have_it() -> None:
    rows, (a, b, c) = random_rows(200), random_rows(3, seed=1)
    shifted = [(1 + rows @ point) / 2 for point in (a, b, c)]
    expected = shifted[1] * shifted[2] / (shifted[0] + 0.001)
    scores = Compound("mul", (a, b, c)).scores(rows, Spread.of([rows]))
    assert np.argsort(-scores).tolist() == np.argsort(-expected).tolist()


def test_a_query_finds_what_all_of_an_index_would_give() -> None:
    """Recall at 10 against brute force on 100,000 vectors."""
    rng = np.random.default_rng(0)
    centres = unit(rng.normal(size=(300, 64)))
    rows = unit(centres[rng.integers(300, size=100_000)] + 0.9 * rng.normal(size=(100_000, 64)) / 8)
    entries = [Entry(str(i), f"/{i}", 0, 0, "") for i in range(len(rows))]
    index = Index.of("model", rows.astype(np.float32), entries)
    found, wanted = 0, 0
    for i in range(20):
        a, b = (unit(centres[j] + 0.3 * rng.normal(size=64) / 8) for j in rng.integers(300, size=2))
        query = Compound("both", (a, b)) if i % 2 else Compound("butnot", (a, b))
        exact = np.argsort(-query.scores(rows, index.spread))[:10]
        _, got = CompoundSearch(Local(index), query, index.spread).find(a, 10)
        found, wanted = found + len(set(got.tolist()) & set(exact.tolist())), wanted + 10
    assert found / wanted >= 0.98


def test_both_ranks_pictures_and_words_near_all_parts(calc: Calculator) -> None:
    query = calc('both("a flag", "red and white")')
    names = [hit.name for hit in query.nearest(5)]
    assert all(name.endswith("_flag") for name in names)
    scores = [hit.score for hit in query.nearest(5)]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] <= scores[0] <= 1
    words = {word.text for word in calc('both("animal", "sea")').words(20)}
    assert words & {"shark", "whale", "dolphin", "fish", "seal", "octopus", "sea lion"}


def test_butnot_leaves_out_and_either_takes_any(calc: Calculator) -> None:
    def found(program: str) -> set[str]:
        return {hit.name for hit in calc(program).nearest(8)}

    drinks = found('either("coffee", "tea", "wine")')
    assert {"coffee", "tea", "wine"} <= drinks
    assert "coffee" not in found('butnot(either("coffee", "tea", "wine"), "coffee")')


def test_a_query_is_decoded_by_every_kind_of_decoder(calc: Calculator) -> None:
    query = calc('both(img(cat), "a garden")')
    for method in ("search", "prefix", "retrieve"):
        caption = query.caption(method, beams=2)
        assert caption.text
        assert np.isfinite(caption.clip)
    short = query.caption("zerocap", beams=1, max_tokens=3, steps=1)
    assert short.finished
    with pytest.raises(ZcalcError, match="no mode"):
        query.caption(mode="scores")
    (compared,) = query.compare("retrieve").rows
    assert compared.mode == "vectors"


def test_a_query_of_hundreds_of_pictures_is_refused() -> None:
    rows = random_rows(257)
    with pytest.raises(ZcalcError, match="257 pictures and texts is too large"):
        compound("either", [PictureVectors(rows, 0)])
    assert len(list(compound("both", [PictureVectors(rows[:256], 0)]).points())) == 256


def test_python_builds_the_same_queries_as_the_language(calc: Calculator) -> None:
    cat, red = calc.img("cat"), calc.txt("red")
    assert cat.both(red).expr == 'both(img(cat), "red")'
    assert cat.butnot(red).expr == 'butnot(img(cat), "red")'
    assert cat.either(red).nearest(2) == calc('either(img(cat), "red")').nearest(2)
    mul = calc.txt("man").analogy(calc.txt("king"), calc.txt("woman"), how="mul")
    assert mul.words(1)[0].text == "queen"
    with pytest.raises(LanguageError, match="Cannot add or subtract a query"):
        cat + cat.both(red)


def test_a_sum_of_picture_and_text_suggests_the_query_where_that_helps(
    calc: Calculator, tmp_path: Path
) -> None:
    clip = tmp_path / "clip"
    save_tiny_clip(clip, dim=32)
    other = zcalc.load(clip=str(clip), lm="mini")
    (remark,) = other('img(cat) + "snow"').remarks
    assert remark.endswith('both(img(cat), "snow")')
    for program in ('img(cat) - "snow"', 'img(cat) + "a photo"', '"cat" + "snow"'):
        assert not other(program).remarks
    assert not any("both" in remark for remark in calc('img(cat) + "snow"').remarks)


# --- algebra --------------------------------------------------------------------------------------


def test_an_edit_changes_one_thing_by_lambda(calc: Calculator) -> None:
    cat, dog = calc.txt("a cat").vector, calc.txt("a dog").vector
    picture = calc.img("cat").vector
    result = calc('edit(img(cat), "a cat", "a dog", by=0.5)')
    assert np.allclose(result.vector, unit(picture + 0.5 * (dog - cat)), atol=1e-6)
    default = calc('edit(3 * img(cat), 2 * "a cat", "a dog")')
    assert np.allclose(default.vector, unit(picture + dog - cat), atol=1e-6)
    assert calc.img("cat").edit(calc.txt("a cat"), calc.txt("a dog"), 0.5).expr == (
        'edit(img(cat), "a cat", "a dog", 0.5)'
    )


def test_rej_takes_out_all_that_several_embeddings_span(calc: Calculator) -> None:
    result = calc('rej(img(astronaut), "a woman", "a helmet", "a woman" + "a helmet")')
    for text in ("a woman", "a helmet"):
        assert abs(float(result.vector @ calc.txt(text).vector)) < 1e-6
    parts_sum = sum(term.norm * term.cosine for term in result.terms)
    assert parts_sum == pytest.approx(result.norm, abs=1e-6)


def test_the_odd_one_has_the_lowest_cosine_with_the_mean(calc: Calculator) -> None:
    assert calc.odd_one("cat", "dog", "horse", "airplane") == "airplane"
    rocket = calc.img("rocket")
    assert calc.odd_one("breakfast", rocket, "lunch") is rocket
    with pytest.raises(ZcalcError, match="three or more"):
        calc.odd_one("a", "b")


# --- sets -----------------------------------------------------------------------------------------


def test_a_set_uses_the_vectors_of_the_index(calc: Calculator) -> None:
    flags = calc('imgs("*_flag")')
    names = [picture.name for picture in flags.pictures]
    assert len(flags) == len(names) > 100
    assert all(name.endswith("_flag") for name in names)
    rows = calc.searchable.take(np.array([calc.image_index.row_named(name) for name in names]))
    assert np.allclose(flags.vectors, unit(rows.astype(float)), atol=1e-7)
    mean = calc('mean(imgs("*_flag"))')
    assert np.allclose(mean.vector, unit(flags.vectors.sum(axis=0)), atol=1e-5)
    both = calc('mean(imgs("*_flag"), "a flag")')
    expected = unit(flags.vectors.sum(axis=0) + calc.txt("a flag").vector)
    assert np.allclose(both.vector, expected, atol=1e-5)


def test_a_set_is_by_folder_and_by_condition(photos: Path, tmp_path: Path) -> None:
    calc = zcalc.load("mini", images=photos)
    assert [p.name for p in calc.imgs("red/*").pictures] == [f"red_{i}" for i in range(6)]
    assert len(calc.imgs(f"{photos.name}/blue/*")) == 6
    assert len(calc.imgs("*_3")) == 2
    assert len(calc.imgs("red/*", where="name > 'red_3'")) == 2
    near = [hit.name for hit in calc('"blue" |> nearest(4, among=imgs("red/*"))').answer().images]
    assert len(near) == 4
    assert all(name.startswith("red_") for name in near)
    first = calc("reds = imgs('red/*')\nmean(reds) |> nearest(3, among=reds)")[1]
    assert {hit.name for hit in first.answer().images} <= {f"red_{i}" for i in range(6)}


def test_taking_out_a_set_takes_out_each_picture(photos: Path) -> None:
    calc = zcalc.load("mini", images=photos)
    left = calc('rej("a red square", imgs("red/*"))')
    assert np.abs(calc.imgs("red/*").vectors @ left.vector).max() < 1e-5
    names = [term.name for term in left.terms]
    assert names == ['"a red square"', "taken out by a set"]
    assert sum(t.norm * t.cosine for t in left.terms) == pytest.approx(left.norm, abs=1e-6)


@pytest.mark.parametrize(
    ("program", "message", "hint"),
    [
        ('imgs("*_flg")', "has no pictures", '"'),
        ('imgs("*", most=3)', "the limit is 3", "most="),
        ('imgs("*", most=2 * 10)', "the limit is 20", "most="),
        ('imgs("*_flag", where="name = 1 / 0")', "has no pictures|invalid", ""),
        ('imgs(where="year > 3")', "no column 'year'", "columns are"),
    ],
)
def test_an_unusable_set_is_an_error_at_its_place(
    calc: Calculator, program: str, message: str, hint: str
) -> None:
    with pytest.raises(LanguageError, match=message) as caught:
        calc(f'"a" - mean({program})')
    assert caught.value.column == len('"a" - mean(') + 1
    assert hint in str(caught.value)


def test_an_empty_set_is_found_before_any_model_is_loaded() -> None:
    fresh = zcalc.calculator.Calculator.create("mini")
    with pytest.raises(LanguageError, match="has no pictures"):
        fresh('mean(imgs("nothing/*"))')
    assert "encoder" not in vars(fresh.models)


def test_raw_sums_have_no_sets() -> None:
    raw = zcalc.load("mini", normalize=False)
    with pytest.raises(LanguageError, match="length 1"):
        raw('mean(imgs("*_flag"))')


# --- classes --------------------------------------------------------------------------------------


def test_probabilities_are_those_of_open_clip_itself(tmp_path: Path) -> None:
    clip = tmp_path / "clip"
    save_tiny_clip(clip, dim=32)
    calc = zcalc.load(clip=str(clip), lm="mini")
    classes = ["a cat", "a dog", "a rocket"]
    encoder = calc.models.encoder
    model, tokenizer = encoder.clip.model, encoder.clip.tokenizer
    pixels = torch.from_numpy(encoder.prepare(calc.img("cat").operand_pictures.popitem()[1].open()))
    with torch.no_grad():
        image = model.encode_image(encoder.normalize(pixels[None]))
        text = model.encode_text(tokenizer(classes))
        image /= image.norm(dim=-1, keepdim=True)
        text /= text.norm(dim=-1, keepdim=True)
        expected = (model.logit_scale.exp() * image @ text.T).softmax(dim=-1)[0]
    found = dict(calc.img("cat").label(classes).probabilities)
    for name, probability in zip(classes, expected.tolist(), strict=True):
        assert found[name] == pytest.approx(probability, abs=1e-5)


def test_a_model_with_a_bias_judges_each_class_by_itself(tmp_path: Path) -> None:
    clip = tmp_path / "clip"
    save_tiny_clip(clip, dim=32)
    calc = zcalc.load(clip=str(clip), lm="mini")
    model = calc.models.encoder.clip
    model.logit_bias = torch.tensor(-2.0)
    cosine = float(calc('cos(img(cat), "a cat")'))
    found = dict(calc.img("cat").label(["a cat", "a dog"]).probabilities)
    scale = float(model.logit_scale.exp())
    assert found["a cat"] == pytest.approx(1 / (1 + np.exp(2.0 - scale * cosine)), abs=1e-6)


def test_a_set_has_a_row_for_each_picture_and_goes_to_csv(tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    command = ["label", 'imgs("*a*")', "a flag", "an animal", "--csv", str(file)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    with file.open() as lines:
        rows = list(csv.DictReader(lines))
    by_name = {row["picture"]: row for row in rows}
    assert by_name["cat"]["class"] == "an animal"
    assert by_name["us_flag" if "us_flag" in by_name else "ca_flag"]["class"] == "a flag"
    total = float(by_name["cat"]["a flag"]) + float(by_name["cat"]["an animal"])
    assert total == pytest.approx(1, abs=1e-5)
    printed = CliRunner().invoke(app, ["label", "img(cat)", "cat", "dog", "--json"])
    labels = json.loads(printed.output)["labels"]
    assert [one["text"] for one in labels] == ["cat", "dog"]


@pytest.mark.parametrize("arguments", [["img(cat)", "cat"], ["img(cat)", "cat", "cat"]])
def test_one_class_is_no_choice(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, ["label", *arguments])
    assert result.exit_code == 1
    assert "two different classes" in result.stderr


# --- parts ----------------------------------------------------------------------------------------


def test_parts_evaluate_back_to_within_the_residual(calc: Calculator) -> None:
    for program in ("img(coffee)", 'img(cat) - "cat" + "dog"', '"a red car"'):
        found = calc(program).parts(6)
        assert 1 <= len(found.terms) <= 6
        again = calc(found.expr).vector
        centred = calc(f"center({program})").vector
        cosine = float(again @ centred)
        assert np.sqrt(1 - cosine**2) == pytest.approx(found.residual, abs=1e-3)
        assert sum(term.share for term in found.terms) == pytest.approx(1, abs=1e-6)


def test_more_parts_explain_more_and_a_sum_of_words_is_found_again() -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(200, 50)))
    texts = [f"w{i}" for i in range(200)]
    target = unit(0.8 * vectors[3] - 0.5 * vectors[90] + 0.2 * vectors[7])
    found = parts(target, texts, vectors, 3)
    assert {term.text for term in found.terms} == {"w3", "w90", "w7"}
    assert found.terms[1].weight < 0
    assert found.residual < 0.02
    residuals = [parts(target, texts, vectors, k).residual for k in (1, 2, 3)]
    assert residuals == sorted(residuals, reverse=True)


def test_more_parts_than_words_are_refused_before_any_model_is_loaded() -> None:
    fresh = Calculator.create("mini")
    with pytest.raises(LanguageError, match="fewer than 90,000"):
        fresh('"a" |> parts(90000)')
    assert "encoder" not in vars(fresh.models)


# --- differences ----------------------------------------------------------------------------------


def test_the_auroc_counts_pairs() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(7, 3)).round(1), rng.normal(size=(9, 3)).round(1)
    pairs = (a[:, None] > b[None]) + 0.5 * (a[:, None] == b[None])
    assert np.allclose(auroc(a, b), pairs.mean(axis=(0, 1)))


def test_what_tells_two_folders_apart_is_their_colour(photos: Path) -> None:
    calc = zcalc.load("mini", images=photos)
    phrases = photos.parent / "phrases.txt"
    phrases.write_text("red\nblue\na cat\ngreen\n")
    program = f'diff(imgs("red/*"), imgs("blue/*")) |> words(4, among="{phrases}")'
    found = calc(program).answer().diff
    assert found is not None
    assert found[0].text == "red"
    by_text = {one.text: one.auroc for one in found}
    assert by_text["red"] > 0.9
    reversed_ = calc.imgs("blue/*").diff(calc.imgs("red/*")).words(4, among=str(phrases))
    assert {one.text: pytest.approx(1 - one.auroc) for one in reversed_} == by_text
    assert all(one.low <= one.auroc <= one.high for one in found)
    strips = calc(program).answer().strips
    assert [(strip.name, strip.count) for strip in strips] == [
        ('imgs("red/*")', 6),
        ('imgs("blue/*")', 6),
    ]


def test_the_sets_of_a_difference_may_be_named_in_any_order(photos: Path) -> None:
    calc = zcalc.load("mini", images=photos)
    named = calc('diff(b=imgs("blue/*"), a=imgs("red/*")) |> words(3)').answer()
    plain = calc('diff(imgs("red/*"), imgs("blue/*")) |> words(3)').answer()
    assert named.diff == plain.diff
    assert [strip.name for strip in named.strips] == ['imgs("red/*")', 'imgs("blue/*")']


def test_the_interval_allows_for_the_number_of_texts_tried() -> None:
    rows = random_rows(60)
    vectors = random_rows(400, seed=3)
    texts = [str(i) for i in range(400)]
    best = separators(rows[:30], rows[30:], texts, vectors, 1)[0]
    assert best.auroc > 0.6  # by chance, the best of 400
    assert best.low < 0.5  # but not beyond chance
    few = separators(rows[:30], rows[30:], texts[:2], vectors[:2], 2)
    many = separators(rows[:30], rows[30:], texts, vectors, 400)
    same = next(one for one in many if one.text == few[0].text)
    assert same.high - same.low > few[0].high - few[0].low


def test_a_set_of_one_has_no_difference(calc: Calculator) -> None:
    with pytest.raises(ZcalcError, match="two pictures or more"):
        calc('diff(imgs("cat"), imgs("*_flag")) |> words(3)').answer()


# --- parts of pictures ----------------------------------------------------------------------------


def test_a_crop_is_the_embedding_of_that_part(photos: Path) -> None:
    calc = zcalc.load("mini", images=photos)
    picture = PILImage.open(photos / "red/red_0.png").convert("RGB")
    part = picture.crop((0, 0, picture.width // 2, picture.height))
    expected = unit(calc.models.encoder.images([part]))[0]
    result = calc("crop(img(red_0), 0, 0, 0.5, 1)")
    assert np.allclose(result.vector, expected, atol=1e-5)
    named = calc("x = img(red_0); crop(x, left=0, top=0, right=0.5, bottom=1)")[1]
    assert np.allclose(named.vector, expected, atol=1e-5)
    assert calc.img("red_0").crop(0, 0, 0.5, 1).expr == "crop(img(red_0), 0, 0, 0.5, 1)"


def test_a_crop_leaves_out_the_caption_of_the_whole(calc: Calculator) -> None:
    (whole,) = calc("img(coffee)").operand_pictures.values()
    (part,) = calc("crop(img(coffee), 0, 0, 1, 1)").operand_pictures.values()
    assert whole.caption
    assert part.caption is None


def test_relevance_is_where_the_thing_is(tmp_path: Path, calc: Calculator) -> None:
    dog = calc.img("dog").operand_pictures.popitem()[1].open().resize((160, 160))
    scene = PILImage.new("RGB", (480, 480), (250, 250, 250))
    scene.paste(dog, (300, 300))
    scene.save(tmp_path / "scene.png")
    own = zcalc.load("mini", images=tmp_path)
    found = own.img("scene").relevance("a dog", grid=6)
    assert found.values.shape == (6, 6)
    row, column = np.unravel_index(found.values.argmax(), found.values.shape)
    assert row >= 3
    assert column >= 3
    answer = own('img(scene) |> relevance("a dog", grid=4)').answer()
    assert answer.plot is not None
    assert len(answer.plot.data()["relevance"]) == 4
    assert answer.plot.plot().axes[0].get_title().endswith("“a dog”")


def test_relevance_needs_a_picture_and_a_sensible_grid(calc: Calculator) -> None:
    with pytest.raises(LanguageError, match="needs a picture"):
        calc('img(cat) + "a" |> relevance("a dog")')
    with pytest.raises(ZcalcError, match="2 to 32"):
        calc.img("cat").relevance("a dog", grid=1)


# --- everywhere -----------------------------------------------------------------------------------


def test_json_and_card_have_the_new_parts(calc: Calculator) -> None:
    runner = CliRunner()
    for program, key in (
        ("img(coffee) |> parts(3)", "parts"),
        ('img(cat) |> label("cat", "dog")', "labels"),
        ('imgs("c*") |> label("cat", "dog")', "pictures"),
        ('diff(imgs("*_flag"), imgs("c*")) |> words(3)', "diff"),
        ('imgs("c*")', "sets"),
        ('both("cat", "red") |> words(2)', "words"),
    ):
        result = runner.invoke(app, ["eval", program, "--json"])
        assert result.exit_code == 0, result.output
        assert json.loads(result.output)[key]
        printed = runner.invoke(app, ["eval", program])
        assert printed.exit_code == 0, printed.output
        html = calc(program)._repr_mimebundle_()["text/html"]
        assert len(html) < 150_000
        assert "<script" not in html
