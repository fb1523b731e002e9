"""`zcalc lab`: the notebooks in a folder of the user's choice, and the command that opens it."""

import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from zcalc.cli import app
from zcalc.errors import ZcalcError
from zcalc.notebook import jupyterlab
from zcalc.notebook.jupyterlab import copy_notebooks


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
    monkeypatch.setattr(jupyterlab, "open_lab", lambda *about: asked.append(about))
    assert CliRunner().invoke(app, ["lab", *given]).exit_code == 0
    assert asked == [(folder, options)]


def test_jupyterlab_takes_its_options_and_ends_with_the_command(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    zcalc = Path(sys.executable).with_name("zcalc")
    lab = [zcalc, "lab", tmp_path / "new", "--", "--no-browser", f"--port={port}"]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(lab, stdout=log, stderr=log) as server,
    ):
        try:
            assert _answers(port), (tmp_path / "log").read_text()
            server.send_signal(signal.SIGTERM)
            assert server.wait(timeout=60) == 0
        finally:
            server.kill()
    assert (tmp_path / "new" / "01_quickstart.ipynb").is_file()
    with pytest.raises(ConnectionRefusedError):  # no server stays behind
        socket.create_connection(("127.0.0.1", port), timeout=10)


def _answers(port: int) -> bool:
    """Whether a server answers on a port within a minute."""
    for _ in range(120):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            time.sleep(0.5)
    return False
