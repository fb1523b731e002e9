"""Decoders and presets of other packages: an example package, installed from its folder."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "example_plugin"
pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example package installed in it."""
    target = tmp_path_factory.mktemp("plugin") / "site"
    options = [
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--target",
        str(target),
    ]
    command = [sys.executable, "-m", "pip", "install", *options, str(FOLDER)]
    subprocess.run(command, check=True)
    return target


def zcalc(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line where the package is installed."""
    path = os.pathsep.join([str(installed), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "zcalc", *arguments]
    environment = os.environ | {"PYTHONPATH": path}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_an_installed_decoder_is_chosen_by_name_and_takes_its_settings(installed: Path) -> None:
    expression = '"a dog" |> caption(method="words", beams=2)'
    run = zcalc(installed, "caption", expression, "--json")
    assert run.returncode == 0, run.stderr
    captions = json.loads(run.stdout)["captions"]
    assert len(captions) == 2
    assert all(len(caption["text"].split(", ")) == 3 for caption in captions)
    words = json.loads(
        zcalc(installed, "words", '"a dog"', "-k", "6", "--keep-operands", "--json").stdout
    )
    listed = [word["text"] for word in words["words"]]
    assert [text for caption in captions for text in caption["text"].split(", ")] == listed


@pytest.mark.heavy  # re-embeds the vocabulary under the preset's name
def test_an_installed_preset_is_listed_and_its_decoder_is_the_default(installed: Path) -> None:
    presets = json.loads(zcalc(installed, "models", "--json").stdout)["models"]
    assert {"mini", "mini-words"} <= {preset["name"] for preset in presets}
    run = zcalc(installed, "caption", '"a dog"', "--model", "mini-words", "--json")
    assert run.returncode == 0, run.stderr
    assert len(json.loads(run.stdout)["captions"]) == 1
    run = zcalc(installed, "caption", '"a dog"', "--model", "mini-words", "--method", "nonsense")
    assert run.returncode == 2
    assert "words" in run.stderr


def test_without_the_package_its_names_are_unknown() -> None:
    run = zcalc(Path(), "caption", '"a dog"', "--method", "words")
    assert run.returncode == 2
    run = zcalc(Path(), "caption", '"a dog"', "--model", "mini-words")
    assert run.returncode == 1
