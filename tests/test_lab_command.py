"""`zcalc lab` copies the notebooks to a folder and opens JupyterLab on it."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.server import free_port, wait_for
from zcalc.cli import app
from zcalc.errors import ZcalcError
from zcalc.notebook import jupyterlab
from zcalc.notebook.jupyterlab import copy_notebooks

ZCALC = Path(sys.executable).with_name("zcalc")


def test_notebooks_are_copied_and_edited_ones_kept(tmp_path: Path) -> None:
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
    ("arguments", "folder", "options"),
    [
        (["--", "--no-browser"], None, ["--no-browser"]),
        (["--", "--no-browser", "--port=0"], None, ["--no-browser", "--port=0"]),
        (["here", "--", "--no-browser"], Path("here"), ["--no-browser"]),
        ([], None, []),
    ],
)
def test_the_folder_is_optional(
    arguments: list[str],
    folder: Path | None,
    options: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []
    monkeypatch.setattr(jupyterlab, "open_lab", lambda *arguments: calls.append(arguments))
    assert CliRunner().invoke(app, ["lab", *arguments]).exit_code == 0
    assert calls == [(folder, options)]


def test_options_reach_jupyterlab(tmp_path: Path) -> None:
    command = [ZCALC, "lab", tmp_path, "--", "--no-browser", "--port=0", "--show-config"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    output = run.stdout + run.stderr
    assert "NeverCheckForUpdate" in output and "rror" not in output, output
    assert ".port = 0" in output and f".root_dir = '{tmp_path}'" in output, output


def test_a_wrong_option_fails(tmp_path: Path) -> None:
    command = [ZCALC, "lab", tmp_path, "--", "--no-browser", "--port=abc"]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    assert run.returncode == 1 and "expected an int" in run.stderr


def test_jupyterlab_ends_with_the_command(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    lab = [ZCALC, "lab", tmp_path / "new", "--", "--no-browser", f"--port={port}"]
    with log.open("w") as out, subprocess.Popen(lab, stdout=out, stderr=out) as server:
        try:
            wait_for(f"http://127.0.0.1:{port}/api", server, log)
            server.terminate()
            assert server.wait(timeout=60) == 0
        finally:
            server.kill()
    assert (tmp_path / "new" / "01_quickstart.ipynb").is_file()
    with pytest.raises(ConnectionRefusedError):  # the server is gone
        socket.create_connection(("127.0.0.1", port), timeout=10)
