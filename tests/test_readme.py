"""The README's examples run unchanged, on the sample pictures."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import skimage

README = (Path(__file__).parents[1] / "README.md").read_text("utf8")
ZCALC = Path(sys.executable).with_name("zcalc")
COMMANDS = re.findall(r"^\$ \.venv/bin/zcalc (.*)$", README, flags=re.MULTILINE)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder that holds `photos/` with two pictures, as the examples expect."""
    (tmp_path / "photos").mkdir()
    for name in ("coffee.png", "rocket.jpg"):
        shutil.copy(Path(skimage.__file__).parent / "data" / name, tmp_path / "photos")
    return tmp_path


def test_there_are_examples() -> None:
    assert len(COMMANDS) >= 5
    assert "@@" not in README


@pytest.mark.model
@pytest.mark.parametrize("command", COMMANDS)
def test_command(command: str, photos: Path) -> None:
    run = subprocess.run(
        [ZCALC, *shlex.split(command)],
        cwd=photos,
        capture_output=True,
        text=True,
        env=os.environ | {"COLUMNS": "100"},
        check=False,
    )
    output = _output_of(command)
    if output is None:
        assert run.returncode == 0, run.stderr
        assert run.stdout.strip()
    else:  # the one example of an error
        assert run.returncode == 1
        assert run.stderr.strip() == output.strip()


@pytest.mark.model
def test_python(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(photos)
    names: dict[str, object] = {}
    for block in re.findall(r"^```python\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL):
        exec(compile(block, "README.md", "exec"), names)
    assert repr(names["same"]) == repr(names["r"])


def _output_of(command: str) -> str | None:
    """The output that the README shows for a command: the text block after it, if any."""
    block = re.search(
        re.escape(f"zcalc {command}") + r"\n```\n\n```text\n(.*?)```", README, flags=re.DOTALL
    )
    return block and block[1]
