"""Evaluation: each measure against a computation by hand, bad tables, two models side by side."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from helpers import hash_calculator, save_photo, save_tiny_clip
from typer.testing import CliRunner

from zcalc.cli import app
from zcalc.errors import ZcalcError
from zcalc.bench import (
    Figure,
    Labelled,
    Report,
    Skip,
    analogies,
    captions,
    compare,
    everything,
    relations,
    retrieval,
    scores,
    suite,
)
from zcalc.bench.data import labelled
from zcalc.bench.recall import ranks
from zcalc.bench.report import median, within
from zcalc.gallery import Gallery

COLOURS = ("red", "green", "blue", "white")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for colour in COLOURS:
        save_photo(tmp_path / "photos" / f"{colour}.png", colour)
    return tmp_path / "photos"


def table(folder: Path, *lines: str, name: str = "table.csv") -> Path:
    file = folder / name
    file.write_text("\n".join([*lines, ""]), "utf8")
    return file


def report(values: np.ndarray, model: str = "a", names: int = 0, title: str = "t") -> Report:
    known = tuple(f"n{i}" for i in range(names or len(values)))
    return Report(title, model, known, ("s",) * len(known), (Figure("x", values),))


# The measures, by hand.


def test_bleu_of_a_toy_by_hand() -> None:
    """The cat sat on the mat, with one word changed: 5/6, 3/5, 2/4 and 1/3 of the n-grams."""
    counts = scores.bleu_counts(["the cat sat on the rug"], [["The cat sat on the mat."]])
    assert counts.tolist() == [[5, 4, 3, 2, 6, 5, 4, 3, 6, 6]]
    by_hand = (5 / 6 * 4 / 5 * 3 / 4 * 2 / 3) ** (1 / 4)
    assert scores.bleu(counts) == pytest.approx(by_hand)


def test_bleu_of_a_set_adds_counts_up_and_punishes_what_is_short() -> None:
    said = ["a small dog on the old street", "a cat on a red mat"]
    right = [["a small dog on the old street at night"], ["a cat on a red mat", "a tabby"]]
    sums = scores.bleu_counts(said, right).sum(0)
    assert sums[8] == 13 and sums[9] == 15  # the nearest reference in length of each
    precisions = sums[:4] / sums[4:8]
    assert precisions.tolist() == [1, 1, 1, 1]
    assert scores.bleu(scores.bleu_counts(said, right)) == pytest.approx(math.exp(1 - 15 / 13))
    assert scores.bleu(scores.bleu_counts(["a dog"], [["nothing alike"]])) == 0


def test_cider_of_a_reference_itself_is_ten() -> None:
    """All words differ between the pictures: every n-gram's cosine is 1, times 10."""
    said = ["one two three four five", "six seven eight nine ten"]
    assert scores.cider(said, [[text] for text in said]) == pytest.approx([10, 10])
    assert scores.cider(said, [[text] for text in reversed(said)]) == pytest.approx([0, 0])


def test_cider_by_hand() -> None:
    """One of two words is right: cosine 1/2 of words and nothing of longer n-grams.

    All words are in one of two pictures only, so that each weighs log 2. The library counts a
    sentence's length in pairs of words: none is longer here, and nothing is taken off.
    """
    found = scores.cider(["red dog", "x y"], [["red cat"], ["x y"]])
    assert found[0] == pytest.approx(10 * (1 / 2) / 4)
    assert found[1] == pytest.approx(10 * (1 + 1) / 4)


def test_clip_score_by_hand() -> None:
    pictures = np.array([[1.0, 0.0], [1.0, 0.0], [0.6, 0.8]])
    said = np.array([[0.6, 0.8], [-1.0, 0.0], [0.6, 0.8]])
    assert scores.clip_score(pictures, said) == pytest.approx([2.5 * 0.6, 0, 2.5])


def test_ref_clip_score_is_the_harmonic_mean_by_hand() -> None:
    pictures, said = np.array([[1.0, 0.0]] * 2), np.array([[0.6, 0.8]] * 2)
    near = np.array([[0.8, 0.6], [1.0, 0.0]])  # cosines 0.96 and 0.6: the nearest counts
    away = np.array([[-0.6, -0.8]])
    found = scores.ref_clip_score(pictures, said, [near, away])
    assert found[0] == pytest.approx(2 / (1 / 1.5 + 1 / 0.96))
    assert found[1] == 0


def test_diversity_by_hand() -> None:
    said = ["A red dog.", "a red dog", "a blue cat"]
    assert scores.vocabulary(said) == {"a", "red", "dog", "blue", "cat"}
    assert scores.novel(said, ["a RED dog!"]).tolist() == [0, 0, 1]
    alike = scores.self_bleu(said)
    assert alike[0] == alike[1] == pytest.approx(1)
    assert 0 < alike[2] < 0.7
    with pytest.raises(ZcalcError, match="two sentences"):
        scores.self_bleu(["one"])


def test_ranks_by_brute_force() -> None:
    random = np.random.default_rng(0)
    asked, among = random.normal(size=(40, 8)), random.normal(size=(60, 8))
    right = random.random((40, 60)) < 0.05
    right[:, 0] = True
    found = ranks(asked, among, right)
    for i, own in enumerate(right):
        order = sorted(range(60), key=lambda j: -float(asked[i] @ among[j]))
        assert found[i] == 1 + next(place for place, j in enumerate(order) if own[j])
    for k in (1, 5, 10):
        assert within(k)(found) == sum(rank <= k for rank in found) / 40
    assert median(found) == (sorted(found)[19] + sorted(found)[20]) / 2


def test_what_scores_the_same_goes_before_the_right_one() -> None:
    same = np.ones((2, 3))
    assert ranks(same, np.ones((4, 3)), np.eye(2, 4, dtype=bool)).tolist() == [4, 4]


# Intervals.


def test_an_interval_of_a_known_distribution() -> None:
    """The mean of 400 draws from a normal one: its standard error is 1 / 20."""
    values = np.random.default_rng(1).normal(3, 1, 400)
    low, high = report(values).interval("x")
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=0.015)
    assert high == pytest.approx(values.mean() + half, abs=0.015)
    assert report(values).interval("x") == (low, high), "the same seed, the same interval"
    assert report(values).interval("x", seed=1) != (low, high)


def test_a_pair_is_resampled_together() -> None:
    """A difference of 0.1 on every item is certain, however much the items differ."""
    values = np.random.default_rng(2).normal(0, 10, 100)
    found = compare(report(values), report(values + 0.1, "b")).row("x")
    assert found.interval == pytest.approx((0.1, 0.1)) and found.clear
    assert found.difference == pytest.approx(0.1)
    other = np.random.default_rng(3).normal(0, 10, 100)
    found = compare(report(values), report(other, "b")).row("x")
    error = 1.96 * (other - values).std() / 10
    middle = other.mean() - values.mean()
    assert found.interval == pytest.approx((middle - error, middle + error), abs=0.35)


def test_one_item_has_no_interval() -> None:
    one = compare(report(np.array([1.0])), report(np.array([2.0]), "b")).row("x")
    assert one.difference == 1 and one.interval is None and not one.clear


def test_only_what_both_have_is_compared() -> None:
    found = compare(report(np.arange(5.0)), report(np.arange(7.0), "b"))
    assert found.row("x").items == 5 and found.row("x").difference == 0
    assert "2 items" in found.notes[0] and "2 items" in repr(found)
    with pytest.raises(ZcalcError, match="different things"):
        compare(report(np.ones(2)), report(np.ones(2), title="u"))
    with pytest.raises(ZcalcError, match=r"x of total"):
        found.row("y")


def test_no_numbers_and_no_items_are_refused() -> None:
    with pytest.raises(ZcalcError, match="x is no number for 1 items"):
        report(np.array([1.0, math.nan]))
    with pytest.raises(ZcalcError, match="nothing to measure") as error:
        Report("t", "m", (), (), (), skipped=(Skip("a.jpg", "no such file"),))
    assert "a.jpg: no such file" in error.value.hint


# Tables.


def test_references_in_one_cell_in_rows_and_as_json(tmp_path: Path, photos: Path) -> None:
    file = table(
        tmp_path,
        "image,references",
        "photos/red.png,red|a red picture",
        '"photos/green.png","[""green"", ""a | b""]"',
        "photos/red.png,scarlet",
        "coffee,a cup",
    )
    rows, skipped = labelled(file, Gallery.samples())
    found = {row.name: row.references for row in rows}
    assert found == {
        "photos/red.png": ("red", "a red picture", "scarlet"),
        "photos/green.png": ("green", "a | b"),
        "coffee": ("a cup",),
    }
    assert not skipped


def test_rows_that_cannot_be_used_are_named(tmp_path: Path, photos: Path) -> None:
    (photos / "broken.png").write_text("no picture")
    file = table(
        tmp_path,
        "image,references",
        "photos/red.png,red",
        "photos/green.png,",
        "photos/blue.png,NaN",
        "photos/broken.png,broken",
        "gone.jpg,gone",
        ",nothing",
        "photos/white.png,white, and more",
    )
    found = retrieval(hash_calculator(), file)
    assert {skip.name for skip in found.skipped} == {
        "photos/green.png", "photos/blue.png", "photos/broken.png", "gone.jpg", "row 7", "row 8",
    }  # fmt: skip
    reasons = {skip.name: skip.reason for skip in found.skipped}
    assert reasons["photos/blue.png"] == "no reference" and reasons["gone.jpg"] == "no such file"
    assert "quotes" in reasons["row 8"] and "damaged" in reasons["photos/broken.png"]
    assert "2 left out, no reference: photos/green.png, photos/blue.png" in repr(found)


@pytest.mark.parametrize("measure", [retrieval, captions, relations, analogies])
def test_tables_that_cannot_be_read(measure, tmp_path: Path) -> None:
    calculator = hash_calculator()
    with pytest.raises(ZcalcError, match="no column"):
        measure(calculator, table(tmp_path, "picture,text", "a.png,a"))
    with pytest.raises(ZcalcError, match="Can't read"):
        measure(calculator, tmp_path / "absent.csv")
    (tmp_path / "latin.csv").write_bytes(b"image,references,section\n\xff\xfe,a\n")
    with pytest.raises(ZcalcError, match="Can't read"):
        measure(calculator, tmp_path / "latin.csv")
    heads = "image,references,section,expression,answers,a,b,c"
    with pytest.raises(ZcalcError, match="nothing to measure"):
        measure(calculator, table(tmp_path, heads, name="empty.csv"))


def test_questions_that_cannot_be_asked(tmp_path: Path) -> None:
    file = table(
        tmp_path,
        "section\texpression\tanswers",
        'drinks\timg(coffee) - "coffee" + "tea"\ttea|teapot',
        'silent\timg(coffee) + "milk"\t',
        "drinks\timg(cofee)\tlatte",
        'drinks\t"tea" * "milk"\tlatte',
        'drinks\tcos("tea", "milk")\tlatte',
        'drinks\t"tea" - "tea"\tnothing',
        name="own.tsv",
    )
    found = relations(hash_calculator(), file)
    assert found.names == ('img(coffee) - "coffee" + "tea"',)
    reasons = {skip.name: skip.reason for skip in found.skipped}
    assert reasons['img(coffee) + "milk"'] == "no answers"
    assert "cofee" in reasons["img(cofee)"] and "cancels" in reasons['"tea" - "tea"']
    assert len(reasons) == 5
    with pytest.raises(ZcalcError, match="nothing to measure") as error:
        relations(hash_calculator(), table(tmp_path, "section,expression,answers", "a,x,"))
    assert "no answers" in error.value.hint


def test_analogies_of_ones_own(tmp_path: Path) -> None:
    file = table(
        tmp_path,
        "section\ta\tb\tc\tanswers",
        "plural\tcar\tcars\tdogs\tdog",
        "plural\tcar\tnan\tdogs\tdog",
        name="own.tsv",
    )
    found = analogies(hash_calculator(), file)
    assert found.names == ("car - cars + dogs",)
    assert [skip.reason for skip in found.skipped] == ["nothing in b"]


# Reports of a calculator.


def test_retrieval_of_colours(photos: Path) -> None:
    """The hash encoder knows nothing of what colours are called: ranks are what vectors say."""
    calculator = hash_calculator()
    rows = [Labelled(c, photos / f"{c}.png", (c, f"a {c} one")) for c in COLOURS]
    found = retrieval(calculator, rows)
    assert found.sections.count("image to text") == 4
    assert found.sections.count("text to image") == 8
    names = set(dict(found.rows()))
    assert names == {"image to text", "text to image"}, "a total of both says nothing"
    with pytest.raises(ZcalcError, match="no 'R@1' of 'total'"):
        found.value("R@1")
    assert found.value("R@10", "text to image") == 1


def test_captions_without_references_are_still_scored(tmp_path: Path, photos: Path) -> None:
    file = table(tmp_path, "image", "photos/red.png", "photos/blue.png")
    found = captions(hash_calculator(), file)
    assert [figure.name for figure in found.figures] == [
        "CLIPScore", "words", "novel", "self-BLEU",
    ]  # fmt: skip
    assert found.value("novel") == 0, "retrieve says stored sentences"
    assert "without references" in found.notes[0]
    assert not any(answer["caption"].startswith("Image of") for answer in found.said)
    alone = captions(hash_calculator(), table(tmp_path, "image,references", "photos/red.png,red"))
    assert "no CIDEr" in alone.notes[0] and "BLEU-4" in repr(alone)


def test_what_is_missing_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", None)
    scores._sacrebleu.cache_clear()
    with pytest.raises(ZcalcError) as error:
        captions(hash_calculator(), [])
    assert "zcalc[evaluate]" in error.value.hint
    scores._sacrebleu.cache_clear()


def test_a_report_shows_itself_escaped(photos: Path) -> None:
    calculator = hash_calculator()
    name = "<script>alert(1)</script>"
    rows = [Labelled(c, photos / f"{c}.png", (c,)) for c in COLOURS]
    found = retrieval(calculator, [*rows, Labelled(name, photos / "gone.png", ("x",))], "<b>")
    html = found._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html and "&lt;b&gt;" in html
    assert "R@10" in html and "R@10" in repr(found)
    assert json.loads(json.dumps(found.data(items=True)))["skipped"][0]["name"] == name


def test_everything_says_what_it_cannot_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    calculator = hash_calculator()
    calculator.model = "hash"
    monkeypatch.setattr(suite, "REFERENCES", Path("absent.csv"))
    found = everything(calculator)
    titles = [report.title for report in found.reports]
    assert titles == ["relations", "analogies", "flags", "names of pictures"]
    assert found.skipped[0].name == "captions" and "absent.csv" in repr(found)
    assert len(found.data()["reports"]) == 4


# Two models, and the command line.


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_tiny_clip(folder)
    return str(folder)


@pytest.mark.model
def test_mini_knows_more_than_a_random_clip(tiny: str, tmp_path: Path) -> None:
    names = ["cat", "coffee", "rocket", "motorcycle", "flower", "pagoda", "king", "pizza"]
    file = table(tmp_path, "image,references", *(f"{name},{name}" for name in names))
    done = CliRunner().invoke(app, ["bench", "retrieval", str(file), "--compare", tiny, "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["models"] == ["mini", tiny]
    rows = {(row["section"], row["figure"]): row for row in found["comparison"]}
    ahead = rows["text to image", "R@1"]
    assert ahead["first"] > ahead["second"] and ahead["interval"][1] < 0
    assert ahead["difference"] == pytest.approx(ahead["second"] - ahead["first"])


@pytest.mark.model
def test_captions_of_photographs(tmp_path: Path) -> None:
    file = table(
        tmp_path,
        "image,references",
        "cat,a close up of a tabby cat|a cat",
        "coffee,a cup of coffee on a table|a cup",
        "absent,nothing",
    )
    arguments = ["bench", "captions", str(file), "--method", "retrieve", "--json", "--show"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    total = found["sections"]["total"]
    assert {"BLEU-4", "CIDEr", "CLIPScore", "RefCLIPScore", "words", "novel"} <= total.keys()
    assert 0 <= total["BLEU-4"]["interval"][0] <= total["BLEU-4"]["value"] <= 1
    assert "interval" not in total["words"]
    assert found["skipped"] == [{"name": "absent", "reason": "no such file"}]
    said = {answer["name"]: answer["caption"] for answer in found["answers"]}
    assert "cat" in said["cat"]


@pytest.mark.model
def test_relations_by_the_command_are_those_of_arithmetic(tmp_path: Path) -> None:
    file = table(
        tmp_path,
        "section\texpression\tanswers",
        "royalty\timg(king) - img(man) + img(woman)\tqueen",
        'drinks\timg(coffee) - "coffee" + "tea"\ttea|teapot|teacup',
        name="own.tsv",
    )
    done = CliRunner().invoke(app, ["bench", "relations", str(file), "--json", "--show"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["sections"]["total"]["R@5"]["value"] == 1
    assert "queen" in found["answers"][0]["words"]
    shown = CliRunner().invoke(app, ["bench", "relations", str(file)])
    assert "royalty" in shown.stdout and "B@1" in shown.stdout
    refused = CliRunner().invoke(app, ["bench", "relations", str(tmp_path / "no.tsv"), "--json"])
    assert refused.exit_code == 1 and "message" in json.loads(refused.stdout)["error"]
    refused = CliRunner().invoke(app, ["bench", "relations", "--model", "minni"])
    assert refused.exit_code == 1 and "mini" in refused.output
