"""`zcalc lab`: the notebooks in a folder of the user's choice, and the command that opens it."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from zcalc.cli import app
from zcalc.errors import ZcalcError
from zcalc.notebook import jupyterlab
from zcalc.notebook.jupyterlab import command, copy_notebooks


def test_notebooks_are_copied_and_edited_ones_stay(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "notebooks"
    copied, kept = copy_notebooks(folder)
    assert "01_quickstart.ipynb" in copied and kept == []
    assert copy_notebooks(folder) == ([], [])
    (folder / copied[0]).write_text("edited")
    (folder / copied[-1]).write_text("edited")
    assert copy_notebooks(folder) == ([], list(dict.fromkeys([copied[0], copied[-1]])))
    assert (folder / copied[0]).read_text() == "edited"


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ZcalcError, match="Can't copy"):
        copy_notebooks(tmp_path / "file")


@pytest.mark.parametrize(
    ("given", "folder", "options"),
    [
        (["--", "--no-browser"], None, ["--no-browser"]),
        (["--", "--no-browser", "--port=0"], None, ["--no-browser", "--port=0"]),
        (["here", "--", "--no-browser"], Path("here"), ["--no-browser"]),
        ([], None, []),
    ],
)
def test_options_need_no_folder(
    given: list[str],
    folder: Path | None,
    options: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []
    monkeypatch.setattr(jupyterlab, "open_lab", lambda *about: asked.append(about) or 0)
    assert CliRunner().invoke(app, ["lab", *given]).exit_code == 0
    assert asked == [(folder, options)]


def test_jupyterlab_takes_its_options(tmp_path: Path) -> None:
    made = command(tmp_path, ["--no-browser", "--port=0"])
    shown = subprocess.run([*made, "--show-config"], capture_output=True, text=True, check=True)
    said = shown.stdout + shown.stderr
    assert "NeverCheckForUpdate" in said and "rror" not in said, said
    assert made[0] == sys.executable and made[-1] == "--port=0"
