"""The wheel, in an empty environment, finds its grammar, its models and its word lists."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BARE = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
CARRIED = (
    "zcalc/language/zcalc.lark",
    "zcalc/models/mini/open_clip_model.safetensors",
    "zcalc/models/mini/texts.safetensors",
    "zcalc/models/mini/tokens.safetensors",
    "zcalc/models/mini/pictures.safetensors",
    "zcalc/models/mini/lm/model.safetensors",
    "zcalc/models/mini/README.md",
    "zcalc/data/vocabulary.tsv",
    "zcalc/notebook/card.css",
    "zcalc/notebook/widgets.css",
    "zcalc/notebook/panel.js",
    "zcalc/notebook/lab.js",
    "zcalc/notebook/search.js",
    "zcalc/notebook/notebooks/01_quickstart.ipynb",
    "zcalc/py.typed",
)

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "-w", str(folder), str(ROOT)], check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `bin` of an environment that holds the wheel and, by path, what it depends on."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder, with_pip=False)
    scheme = {"base": str(folder), "platbase": str(folder)}
    purelib = Path(sysconfig.get_path("purelib", "venv", scheme))
    scripts = Path(sysconfig.get_path("scripts", "venv", scheme))
    python = scripts / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    subprocess.run([*pip, "install", "-q", "--no-deps", "--no-index", str(wheel)], check=True)
    # Packages of this environment, but not its editable zcalc: .pth files there are not read.
    (purelib / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return scripts


def test_the_wheel_carries_everything(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert not [name for name in CARRIED if name not in names]
    assert not [n for n in names if not n.startswith(("zcalc/", "zcalc-"))]


def test_it_runs_there(installed: Path, tmp_path: Path) -> None:
    where = subprocess.run(
        [installed / "python", "-c", "import zcalc; print(zcalc.__file__)"],
        cwd=tmp_path,
        env=BARE,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert Path(where.strip()).is_relative_to(installed.parent)
    done = subprocess.run(
        [installed / "zcalc", "words", 'img(coffee) - "coffee" + "tea"', "--json"],
        cwd=tmp_path,
        env=BARE,
        capture_output=True,
        text=True,
        check=True,
    )
    assert any("tea" in word["text"] for word in json.loads(done.stdout)["words"][:5])
