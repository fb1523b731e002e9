"""The reports of benchmarks: what they measure, how they are displayed, what the command prints."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from helpers import hash_calculator, save_photo, save_table, save_tiny_clip
from typer.testing import CliRunner

from zcalc.bench import Labelled, captions, retrieval, run_all, suite
from zcalc.cli import app
from zcalc.errors import ZcalcError

COLOURS = ("red", "green", "blue", "white")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for colour in COLOURS:
        save_photo(tmp_path / "photos" / f"{colour}.png", colour)
    return tmp_path / "photos"


def test_retrieval_in_both_directions(photos: Path) -> None:
    """The hash encoder doesn't know the names of colours, so only R@10 is certain."""
    calculator = hash_calculator()
    rows = [Labelled(c, photos / f"{c}.png", (c, f"a {c} one")) for c in COLOURS]
    report = retrieval(calculator, rows)
    assert report.sections.count("image to text") == 4
    assert report.sections.count("text to image") == 8
    sections = set(dict(report.section_rows()))
    assert sections == {"image to text", "text to image"}, "a total of both is meaningless"
    with pytest.raises(ZcalcError, match="no 'R@1' of 'total'"):
        report.value("R@1")
    assert report.value("R@10", "text to image") == 1


def test_captions_without_references_are_still_scored(tmp_path: Path, photos: Path) -> None:
    file = save_table(tmp_path, "image", "photos/red.png", "photos/blue.png")
    report = captions(hash_calculator(), file)
    assert [metric.name for metric in report.metrics] == [
        "CLIPScore", "words", "novel", "self-BLEU",
    ]  # fmt: skip
    assert report.value("novel") == 0, "retrieve returns stored sentences"
    assert "without references" in report.notes[0]
    assert not any(output["caption"].startswith("Image of") for output in report.outputs)
    file = save_table(tmp_path, "image,references", "photos/red.png,red")
    report = captions(hash_calculator(), file)
    assert any("no CIDEr" in note for note in report.notes)
    assert "BLEU-4" in repr(report)


def test_captions_are_scored_on_coco_json_as_it_is(tmp_path: Path, photos: Path) -> None:
    data = {
        "images": [{"id": i, "file_name": f"{c}.png"} for i, c in enumerate([*COLOURS, "gone"])],
        "annotations": [
            {"id": 2 * i + n, "image_id": i, "caption": text}
            for i, c in enumerate([*COLOURS, "gone"])
            for n, text in enumerate((f"a {c} picture", f"something {c}"))
        ],
    }
    file = tmp_path / "captions.json"
    file.write_text(json.dumps(data))
    report = captions(hash_calculator(), file, folder=photos)
    names = [metric.name for metric in report.metrics]
    assert names[:3] == ["BLEU-1", "BLEU-4", "ROUGE-L"]
    assert ("METEOR" in names) == (shutil.which("java") is not None)
    assert {"CIDEr", "CLIPScore", "RefCLIPScore", "words", "novel"} <= set(names)
    assert [(skip.name, skip.reason) for skip in report.skipped] == [("gone.png", "no such file")]
    assert len(captions(hash_calculator(), file, folder=photos, limit=2).names) == 2
    file.write_text('{"images": []}')
    with pytest.raises(ZcalcError, match="KeyError: 'annotations'"):
        captions(hash_calculator(), file)


def test_a_class_is_named_or_not(tmp_path: Path, photos: Path) -> None:
    file = save_table(tmp_path, "image,class", "photos/red.png,x|y", "photos/blue.png,z")
    report = captions(hash_calculator(), file)
    word = report.outputs[0]["caption"].split()[-1].strip(".")
    named = save_table(tmp_path, "image,class", f"photos/red.png,no|{word}", "photos/blue.png,z")
    assert report.value("named") == 0
    assert captions(hash_calculator(), named).value("named") == 0.5


@pytest.mark.parametrize("package", ["sacrebleu", "pycocoevalcap"])
def test_a_missing_package_names_the_extra(package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ZcalcError, match=package) as error:
        captions(hash_calculator(), [])
    assert "zcalc[bench]" in error.value.hint


def test_html_of_a_report_is_escaped(photos: Path) -> None:
    calculator = hash_calculator()
    name = "<script>alert(1)</script>"
    rows = [Labelled(c, photos / f"{c}.png", (c,)) for c in COLOURS]
    report = retrieval(calculator, [*rows, Labelled(name, photos / "gone.png", ("x",))], "<b>")
    html = report._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html and "&lt;b&gt;" in html
    assert "R@10" in html and "R@10" in repr(report)
    assert json.loads(json.dumps(report.data(items=True)))["skipped"][0]["name"] == name


def test_the_suite_lists_what_it_cannot_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "REFERENCES", Path("absent.csv"))
    result = run_all(hash_calculator(clip="hash"), "retrieve")  # not the preset `mini`
    titles = [report.title for report in result.reports]
    assert titles == [
        "relations", "analogies", "flags", "plain questions", "hubs", "names of pictures",
    ]  # fmt: skip
    assert result.skipped[0].name == "captions" and "absent.csv" in repr(result)
    assert "absent.csv" in result._repr_html_()
    assert len(result.data()["reports"]) == len(titles)


# Two models, and the command line.


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_tiny_clip(folder)
    return str(folder)


@pytest.mark.model
def test_mini_beats_a_random_clip(tiny: str, tmp_path: Path) -> None:
    names = ["cat", "coffee", "rocket", "motorcycle", "flower", "pagoda", "king", "pizza"]
    file = save_table(tmp_path, "image,references", *(f"{name},{name}" for name in names))
    run = CliRunner().invoke(app, ["bench", "retrieval", str(file), "--compare", tiny, "--json"])
    assert run.exit_code == 0, run.output
    data = json.loads(run.stdout)
    assert data["models"] == ["mini", tiny]
    rows = {(row["section"], row["figure"]): row for row in data["comparison"]}
    row = rows["text to image", "R@1"]
    assert row["first"] > row["second"] and row["interval"][1] < 0
    assert row["difference"] == pytest.approx(row["second"] - row["first"])


@pytest.mark.model
def test_captions_of_photographs(tmp_path: Path) -> None:
    file = save_table(
        tmp_path,
        "image,references",
        "cat,a close up of a tabby cat|a cat",
        "coffee,a cup of coffee on a table|a cup",
        "absent,nothing",
    )
    arguments = ["bench", "captions", str(file), "--method", "retrieve", "--json", "--show"]
    run = CliRunner().invoke(app, arguments)
    assert run.exit_code == 0, run.output
    data = json.loads(run.stdout)
    total = data["sections"]["total"]
    assert {"BLEU-4", "CIDEr", "CLIPScore", "RefCLIPScore", "words", "novel"} <= total.keys()
    assert 0 <= total["BLEU-4"]["interval"][0] <= total["BLEU-4"]["value"] <= 1
    assert "interval" not in total["words"]
    assert data["skipped"] == [{"name": "absent", "reason": "no such file"}]
    written = {answer["name"]: answer["caption"] for answer in data["answers"]}
    assert "cat" in written["cat"]


@pytest.mark.model
def test_the_command_asks_the_questions_of_a_table(tmp_path: Path) -> None:
    file = save_table(
        tmp_path,
        "section\texpression\tanswers",
        "royalty\timg(king) - img(man) + img(woman)\tqueen",
        'drinks\timg(coffee) - "coffee" + "tea"\ttea|teapot|teacup',
        name="questions.tsv",
    )
    run = CliRunner().invoke(app, ["bench", "relations", str(file), "--json", "--show"])
    assert run.exit_code == 0, run.output
    data = json.loads(run.stdout)
    assert data["sections"]["total"]["R@5"]["value"] == 1
    assert "queen" in data["answers"][0]["words"]
    run = CliRunner().invoke(app, ["bench", "relations", str(file)])
    assert "royalty" in run.stdout and "B@1" in run.stdout
    run = CliRunner().invoke(app, ["bench", "relations", str(tmp_path / "no.tsv"), "--json"])
    assert run.exit_code == 1 and "message" in json.loads(run.stdout)["error"]
    run = CliRunner().invoke(app, ["bench", "relations", "--model", "minni"])
    assert run.exit_code == 1 and "mini" in run.output
