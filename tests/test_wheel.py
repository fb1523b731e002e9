"""The wheel works in an empty environment; wheel and sdist are complete."""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BARE = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
IN_WHEEL = (
    "zcalc/language/zcalc.lark",
    "zcalc/models/mini/open_clip_model.safetensors",
    "zcalc/models/mini/texts.safetensors",
    "zcalc/models/mini/tokens.safetensors",
    "zcalc/models/mini/pictures.safetensors",
    "zcalc/models/mini/lm/model.safetensors",
    "zcalc/models/mini/README.md",
    "zcalc/data/vocabulary.tsv",
    "zcalc/data/pictures/photographs/obama.jpg",
    "zcalc/data/pictures/photographs/obama.txt",
    "zcalc/data/words/de.txt",
    "zcalc/bench/arithmetic_set/questions.tsv",
    "zcalc/bench/arithmetic_set/pictures/LICENSE.txt",
    "zcalc/show/card.css",
    "zcalc/show/sheet.css",
    "zcalc/notebook/widgets.css",
    "zcalc/notebook/dom.js",
    "zcalc/notebook/link.js",
    "zcalc/notebook/panel.js",
    "zcalc/notebook/lab.js",
    "zcalc/notebook/search.js",
    "zcalc/notebook/notebooks/01_quickstart.ipynb",
    "zcalc/py.typed",
)
LICENSES = (
    "LICENSE", "NOTICE", "zcalc/data/LICENSE-WordNet.txt",
    "zcalc/data/words/LICENSE-Unicode.txt",
)  # fmt: skip
IN_SDIST = (
    *LICENSES, "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "Makefile", "README.md",
    "benchmarks/flags/README.md", "constraints.txt", "docs/index.md", "grammar/zcalc.lark",
    "mkdocs.yml", "notebooks/01_quickstart.ipynb", "tests/test_wheel.py", "tools/docs/site.py",
)  # fmt: skip

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "-w", str(folder), str(ROOT)], check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `bin` of an environment with the wheel; dependencies come by path."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder, with_pip=False)
    scheme = {"base": str(folder), "platbase": str(folder)}
    purelib = Path(sysconfig.get_path("purelib", "venv", scheme))
    scripts = Path(sysconfig.get_path("scripts", "venv", scheme))
    python = scripts / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python)]
    subprocess.run([*pip, "install", "-q", "--no-deps", "--no-index", str(wheel)], check=True)
    # This environment's packages, without its editable zcalc: .pth files in there are not read.
    (purelib / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return scripts


def test_the_wheel_is_complete(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert not set(IN_WHEEL) - names
    assert not [name for name in names if not name.startswith(("zcalc/", "zcalc-"))]
    info = wheel.name.removesuffix("-py3-none-any.whl") + ".dist-info/licenses/"
    assert {info + name for name in LICENSES} <= names


def test_the_sdist_is_complete(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (file,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(file) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert not set(IN_SDIST) - names
    assert not [name for name in names if name.startswith((".venv", ".git/", "site/"))]


def test_the_wheel_runs(installed: Path, tmp_path: Path) -> None:
    location = subprocess.run(
        [installed / "python", "-c", "import zcalc; print(zcalc.__file__)"],
        cwd=tmp_path,
        env=BARE,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert Path(location.strip()).is_relative_to(installed.parent)
    run = subprocess.run(
        [installed / "zcalc", "words", 'img(coffee) - "coffee" + "tea"', "--json"],
        cwd=tmp_path,
        env=BARE,
        capture_output=True,
        text=True,
        check=True,
    )
    assert any("tea" in word["text"] for word in json.loads(run.stdout)["words"][:5])
