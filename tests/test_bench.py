"""The bundled models' benchmarks: the scores stay above their floors."""

from pathlib import Path

import numpy as np
import pytest
from helpers import SHARED_PHOTOS
from typer.testing import CliRunner

from zcalc.bench import arithmetic, mini
from zcalc.bench.flags import countries, flag_retrieval
from zcalc.calculator import Calculator
from zcalc.cli import app
from zcalc.errors import ZcalcError
from zcalc.models.language_model import LanguageModel

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def calculator() -> Calculator:
    return Calculator.create("mini")


@pytest.mark.heavy
def test_flags_in_unseen_designs(calculator: Calculator) -> None:
    report = flag_retrieval(calculator)
    for design in ("flag-icons", "noto"):
        assert report.value("R@1", f"{design}, flag to name among {len(countries())}") >= 0.9


def test_the_text_tower_is_close_to_its_teacher(calculator: Calculator) -> None:
    result = mini.measure_mini(calculator, samples=2)
    for kind, least in (("captions", 0.94), ("words", 0.86), ("phrases", 0.88)):
        assert result.scores[f"cosine with the teacher, held-out {kind}"] >= least
        mean = mini.text_tower(calculator).value("cosine with the teacher", kind)
        assert mean == pytest.approx(result.scores[f"cosine with the teacher, held-out {kind}"])
    assert len(result.data()["samples"]) == 2 and "captions" not in result.data()


def test_the_language_model_prefers_sentences_to_shuffled_words(calculator: Calculator) -> None:
    lm = LanguageModel.load("mini")
    sentences = ["Image of a dog sleeping on a couch.", "Image of a red bus on a city street."]
    shuffled = ["Image of dog a couch on sleeping a.", "Image street a of red city bus a on."]
    assert mini.perplexity(lm, sentences) < mini.perplexity(lm, shuffled) / 3


@pytest.mark.skipif(not SHARED_PHOTOS.is_dir(), reason="the shared photographs are missing")
def test_recall_on_photographs(calculator: Calculator) -> None:
    scores = mini.recall(SHARED_PHOTOS, calculator.models.encoder)
    assert scores["text to image among 126, R@1"] >= 0.92
    assert scores["text to image among 126, R@5"] >= 0.96
    assert scores["image to name among 1000, R@1"] >= 0.76
    assert scores["image to name among 200 held-out classes, R@5"] >= 0.60


def test_recall_on_the_sample_photographs(calculator: Calculator) -> None:
    names = {
        "cat": "cat",
        "coffee": "cup of coffee",
        "rocket": "rocket",
        "motorcycle": "motorcycle",
        "flower": "flower",
        "pagoda": "pagoda",
    }
    texts = np.stack([calculator.txt(text).vector for text in names.values()])
    pictures = np.stack([calculator.img(name).vector for name in names])
    assert ((pictures @ texts.T).argmax(1) == np.arange(len(names))).mean() >= 5 / 6


def test_the_command_prints_the_scores(tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["bench", "flags"])
    assert run.exit_code == 0 and "flag-icons" in run.stdout
    run = CliRunner().invoke(app, ["bench", "flags", str(tmp_path)])
    assert run.exit_code == 1
    run = CliRunner().invoke(app, ["bench", "arithmetic", "--split", "none"])
    assert run.exit_code == 1 and "dev, test, all" in run.output


def test_unknown_classes_are_named(tmp_path: Path, calculator: Calculator) -> None:
    (tmp_path / "labels.tsv").write_text("file\tname\na.jpg\tunicorn\n")
    with pytest.raises(ZcalcError, match="unicorn"):
        mini.recall(tmp_path, calculator.models.encoder)


def test_arithmetic_with_drawings_and_flags(calculator: Calculator) -> None:
    scores = arithmetic.measure_arithmetic(calculator, "dev").data()
    assert scores["total"]["R@5"] > 0.35 and scores["flags"]["R@5"] > 0.2
