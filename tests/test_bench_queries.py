"""The benchmarks of queries, edits and the paper's relations."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from helpers import HashEncoder, hash_calculator
from PIL import Image
from typer.testing import CliRunner

from zcalc.bench.mixed import as_query, interval, read_queries
from zcalc.bench.paper_relations import PAPER, measure_relations
from zcalc.bench.simat import LAMBDAS, first_pictures, measure_simat, own_set, release
from zcalc.cli import app
from zcalc.errors import ZcalcError
from zcalc.language import check, unparse
from zcalc.language.signatures import Type


def test_the_small_set_has_enough_transformations_of_one_word() -> None:
    pictures, transformations = own_set()
    assert len(transformations) >= 150
    names = {i: picture.name for i, picture in enumerate(pictures)}
    for one in transformations:
        assert one.value != one.target
        assert one.picture not in one.right
    by_name = {(names[t.picture], t.value, t.target): names[min(t.right)] for t in transformations}
    assert by_name["old_man", "man", "woman"] == "old_woman"
    assert by_name["king", "man", "woman"] == "queen"
    splits = [t.split for t in transformations]
    assert abs(splits.count("dev") - splits.count("test")) <= 1
    cats = [t for t in transformations if t.value == "cat"]
    assert all(t.weight == pytest.approx(len(cats) ** -0.5) for t in cats)


def test_a_transformation_never_finds_its_own_picture() -> None:
    _, transformations = own_set()
    rows = np.eye(200)
    words = {w: np.eye(200)[199] for t in transformations for w in (t.value, t.target)}
    found = first_pictures(rows, transformations, words, 1.0)
    assert all(row != t.picture for row, t in zip(found, transformations, strict=True))


@pytest.fixture
def simat(tmp_path: Path) -> Path:
    """A release in SIMAT's layout: four crops, two captions, four transformations."""
    rows = [("10", "cat", 1), ("20", "dog", 0), ("30", "cat", 3), ("40", "dog", 2)]
    colours = {"cat": (200, 30, 30), "dog": (30, 30, 200)}
    for region, subject, _ in rows:
        folder = tmp_path / f"images/A {subject} sitting on a bed"
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), colours[subject]).save(folder / f"{region}.jpg")
    with (tmp_path / "triplets.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["region_id", "subj", "rel", "obj", "dataset_id"])
        writer.writerows((r, s, "sitting on a", "bed", i) for r, s, i in rows)
    with (tmp_path / "transfos.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["", "region_id", "field", "value", "target", "target_ids", "norm2", "is_test"]
        )
        for i, (region, value, target, column) in enumerate(
            [("10", "cat", "dog", 1), ("20", "dog", "cat", 0), ("30", "cat", "dog", 1)]
        ):
            writer.writerow([i, region, "subj", value, target, column, 4 + i, i == 1])
    # Columns: "a cat …", "a dog …"; rows by dataset id: dog, cat, dog, cat.
    oracle = np.array([[0.1, 0.9], [0.8, 0.2], [0.1, 0.7], [0.6, 0.4]], np.float32)
    np.save(tmp_path / "oscar_similarity_matrix.npy", oracle)
    return tmp_path


def test_the_release_is_read_by_dataset_id(simat: Path) -> None:
    pictures, transformations = release(simat)
    assert [picture.name for picture in pictures] == ["20", "10", "40", "30"]
    first, second, third = transformations
    assert (first.picture, first.right, first.split) == (1, frozenset({0, 2}), "dev")
    assert (second.picture, second.right, second.split) == (0, frozenset({1, 3}), "test")
    assert third.weight == pytest.approx(6**-0.5)


def test_the_score_weights_each_transformation_as_the_paper_does(
    simat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calculator = hash_calculator()
    result = measure_simat(calculator, simat)
    pictures, transformations = release(simat)
    encoder = calculator.models.encoder
    rows = encoder.images([p.open() for p in pictures])
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    words = {w: encoder.texts([w])[0] for w in ("cat", "dog")}
    words = {w: v / np.linalg.norm(v) for w, v in words.items()}
    dev = [t for t in transformations if t.split == "dev"]
    for by in LAMBDAS:
        right = []
        for t in dev:
            scores = (rows[t.picture] + by * (words[t.target] - words[t.value])) @ rows.T
            scores[t.picture] = -9
            right.append(int(scores.argmax()) in t.right)
        expected = 100 * np.average(right, weights=[t.weight for t in dev])
        assert result.scores["dev"][by] == pytest.approx(expected)
    assert isinstance(encoder, HashEncoder)


def test_what_is_missing_of_the_release_is_named_with_how_to_get_it(simat: Path) -> None:
    (simat / "oscar_similarity_matrix.npy").unlink()
    with pytest.raises(ZcalcError, match=r"has no oscar_similarity_matrix\.npy") as caught:
        release(simat)
    assert "weights_only=True" in caught.value.hint
    assert "facebookresearch/SIMAT" in caught.value.hint


def test_crops_that_are_missing_are_counted(simat: Path) -> None:
    next((simat / "images").glob("*/30.jpg")).unlink()
    with pytest.raises(ZcalcError, match=r"lacks 1 of 4 crops, such as 30\.jpg"):
        release(simat)


def test_sums_become_the_queries_that_people_mean() -> None:
    queries = read_queries()
    assert len(queries) == 120
    kinds = {check(as_query(query.expression)) for query in queries}
    assert kinds == {Type.EMBEDDING, Type.QUERY}
    assert unparse(as_query('img(a) + "b" + "c"')) == 'both(img(a), "b", "c")'
    assert unparse(as_query('img(a) - "b" + "c"')) == 'img(a) - "b" + "c"'


def test_the_interval_covers_the_mean() -> None:
    values = np.random.default_rng(1).normal(size=80)
    low, high = interval(values)
    assert low < values.mean() < high
    assert high - low == pytest.approx(4 * values.std() / 80**0.5, rel=0.15)


def test_the_paper_s_relations_are_asked_in_all_directions(tmp_path: Path) -> None:
    (tmp_path / "food").mkdir()
    Image.new("RGB", (32, 32), (200, 180, 90)).save(tmp_path / "food/baguette.jpg")
    result = measure_relations(hash_calculator(), tmp_path)
    assert set(result.scores()) == set(PAPER)
    counts = {relation: row["n"] for relation, row in result.scores().items()}
    assert counts["country→capital"] == 12 * 11
    assert counts["food→country"] == 3 * 2
    expressions = [answer.question.expression for answer in result.answers]
    assert 'img(jp_flag) - img(sushi) + img("food/baguette")' in expressions
    assert '"Microsoft" - "Bill Gates" + "Steve Jobs"' in expressions
    head, *rows = result.cells()
    assert len(head) == 16
    assert rows[1][:4] == ("ZeroCap (paper)", "0.1", "0.32", "0.7")


@pytest.mark.model
def test_the_commands_print_tables_and_json() -> None:
    runner = CliRunner()
    for command in (["bench", "simat"], ["bench", "relations"]):
        printed = runner.invoke(app, command)
        assert printed.exit_code == 0, printed.output
        result = runner.invoke(app, [*command, "--json"])
        assert json.loads(result.stdout)["scores"]
    missing = runner.invoke(app, ["bench", "simat", "nowhere"])
    assert missing.exit_code == 1
    assert "simat_db" in missing.stderr


@pytest.mark.model
def test_edits_find_more_than_no_edit_at_all() -> None:
    from zcalc.calculator import Calculator

    result = measure_simat(Calculator.create("mini"))
    assert result.scores["test"][1.0] > 2 * result.scores["test"][0.0]
    assert result.scores["test"][1.0] > 50
