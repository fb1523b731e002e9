"""The benches on the embedded models: what they print is measured, and the floors hold."""

from pathlib import Path

import numpy as np
import pytest
from helpers import SHARED_PHOTOS
from typer.testing import CliRunner

from zcalc.calculator import Calculator
from zcalc.cli import app
from zcalc.errors import ZcalcError
from zcalc.bench import flags, mini, questions

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def calculator() -> Calculator:
    return Calculator("mini")


def test_flags_of_designs_that_nothing_was_trained_on() -> None:
    found = flags.figures()
    for design in ("flag-icons", "noto"):
        assert found[f"{design}, flag to name among {len(flags.countries())}, R@1"] >= 0.9


def test_the_text_tower_keeps_its_teachers_mind() -> None:
    found = mini.figures()
    for kind in ("captions", "words", "phrases"):
        assert found[f"cosine with the teacher, held-out {kind}"] >= 0.88


def test_the_language_model_has_read_captions(calculator: Calculator) -> None:
    plain = ["Image of a dog sleeping on a couch.", "Image of a red bus on a city street."]
    odd = ["Image of dog a couch on sleeping a.", "Image street a of red city bus a on."]
    assert mini.perplexity(calculator, plain) < mini.perplexity(calculator, odd) / 3


@pytest.mark.skipif(not SHARED_PHOTOS.is_dir(), reason="the shared photographs are not here")
def test_photographs_and_names_find_each_other(calculator: Calculator) -> None:
    found = mini.recall(SHARED_PHOTOS, calculator.encoder)
    assert found["text to image among 126, R@1"] >= 0.88
    assert found["text to image among 126, R@5"] >= 0.97
    assert found["image to name among 1000, R@1"] >= 0.82
    assert found["image to name among 200 held-out classes, R@5"] >= 0.60


def test_photographs_that_packages_ship_find_their_names(calculator: Calculator) -> None:
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


def test_the_command_prints_the_figures(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["bench", "flags"])
    assert told.exit_code == 0 and "flag-icons" in told.stdout
    refused = CliRunner().invoke(app, ["bench", "flags", str(tmp_path)])
    assert refused.exit_code == 1
    told = CliRunner().invoke(app, ["bench", "arithmetic", "--split", "none"])
    assert told.exit_code == 1 and "dev, test, all" in told.output


def test_labels_that_are_no_class_are_named(tmp_path: Path, calculator: Calculator) -> None:
    (tmp_path / "labels.tsv").write_text("file\tname\na.jpg\tunicorn\n")
    with pytest.raises(ZcalcError, match="unicorn"):
        mini.recall(tmp_path, calculator.encoder)


def test_arithmetic_with_drawings_and_flags_comes_out(calculator: Calculator) -> None:
    own, asked, _ = questions.prepare(None, "dev", calculator=calculator)
    found = questions.summary(questions.answers(own, asked))
    assert found["total"]["R@5"] > 0.35 and found["flags"]["R@5"] > 0.2
