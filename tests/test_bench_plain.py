"""Plain questions about the sample pictures: the table, the ranks, the hubs, the command."""

import hashlib
import json

import numpy as np
import pytest
from helpers import hash_calculator
from typer.testing import CliRunner

from zcalc.bench import plain, plain_questions, sample_hubs
from zcalc.bench.plain import PICTURE, QUERY, PlainQuestion
from zcalc.cli import app
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery
from zcalc.geometry.hubness import skewness
from zcalc.words import stems

QUESTIONS = plain.questions()
SAMPLES = [picture.name for picture in Gallery.samples()]


def test_every_sample_picture_is_asked_about_and_every_accepted_one_exists() -> None:
    pictures = {question.item for question in QUESTIONS if question.section == PICTURE}
    queries = [question for question in QUESTIONS if question.section == QUERY]
    shown = {name for name in SAMPLES if not name.endswith("_flag")}
    assert shown <= pictures <= set(SAMPLES)
    assert shown <= {name for question in queries for name in question.accepted} <= set(SAMPLES)
    assert len(queries) >= 150


def test_no_question_is_repeated_and_no_accepted_word_is_empty() -> None:
    assert len({(q.section, q.item) for q in QUESTIONS}) == len(QUESTIONS)
    for question in QUESTIONS:
        assert question.accepted and all(stems(word) for word in question.accepted)


def test_the_splits_ask_for_different_pictures() -> None:
    for question in QUESTIONS:
        name = question.item if question.section == PICTURE else question.accepted[0]
        digest = int(hashlib.sha256(name.encode()).hexdigest(), 16)
        assert question.split == ("test" if digest % 3 else "dev"), question


def test_words_are_compared_by_stems_and_pictures_by_names() -> None:
    words = PlainQuestion("dev", PICTURE, "cat", ("cat", "tabby cat"))
    assert words.rank(["dog", "Cats", "cat"]) == 2
    assert words.rank(["dog", "catfish", "tabby"]) == 4, "one more than there are"
    query = PlainQuestion("dev", QUERY, "a bike", ("bicycle", "motorcycle"))
    assert query.rank(["motorcycle", "car"]) == 1
    assert query.rank(["bicycles", "car"]) == 3


def test_questions_about_missing_pictures_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    named = {p.name: p.path for p in Gallery.samples() if p.name in ("dog", "us_flag")}
    monkeypatch.setattr(Gallery, "samples", lambda: Gallery(named=named))
    report = plain_questions(hash_calculator())
    assert {"a dog", "dog", "a flag", "an animal"} <= set(report.names)
    assert "a castle" not in report.names
    assert "a castle" in {skip.name for skip in report.skipped}
    with pytest.raises(ZcalcError, match="Unknown split 'train'"):
        plain_questions(hash_calculator(), "train")


def test_the_hubs_are_those_of_the_geometry() -> None:
    calculator = hash_calculator()
    report = sample_hubs(calculator)
    counts = np.array([output["N_3"] for output in report.outputs])
    assert counts.sum() == 3 * len(calculator.models.vocabulary.texts)
    assert report.value("skewness of N_3") == pytest.approx(skewness(counts))
    assert report.value("largest N_3") == counts.max()
    assert report.names[counts.argmax()] in report.notes[0]


@pytest.mark.model
def test_the_command_lists_what_is_wrong() -> None:
    run = CliRunner().invoke(app, ["bench", "plain", "--split", "dev", "--json", "--show"])
    assert run.exit_code == 0, run.output
    report, hubs = json.loads(run.stdout)["reports"]
    assert set(report["sections"]) == {"query, dev", "picture, dev"}
    assert report["sections"]["query, dev"]["R@1"]["value"] > 0.5
    assert report["sections"]["picture, dev"]["R@1"]["value"] > 0.3
    wrong = [answer["name"] for answer in report["answers"] if answer["R@1"] > 1]
    assert "skewness of N_3" in hubs["sections"]["total"]
    run = CliRunner().invoke(app, ["bench", "plain", "--split", "dev"], env={"COLUMNS": "200"})
    assert "plain questions" in run.stdout and "first is wrong" in run.stdout
    listed = run.stdout.split("first is wrong")[1]
    assert all(name in listed for name in wrong) and "a castle" not in listed
