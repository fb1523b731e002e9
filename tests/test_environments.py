"""Where people run it: odd homes, locales, pipes, terminals, processes. See also test_cli.py."""

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import zcalc
from tests.helpers import INTERRUPTIBLE, HashEncoder, save_photo
from zcalc.errors import ZcalcError
from zcalc.index import source_of, update
from zcalc.index.manifest import CURRENT
from zcalc.index.table import to_unicode

ZCALC = [sys.executable, "-m", "zcalc"]
NOBODY = 65534

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(os.name == "nt", reason="POSIX terminals, permissions and signals"),
]


def run(*arguments: str, data: bytes | None = None, **options: Any) -> Any:
    options.setdefault("capture_output", True)
    return subprocess.run([*ZCALC, *arguments], input=data, check=False, **options)


# --- input ----------------------------------------------------------------------------------------


def test_standard_input_that_is_not_utf8_is_refused_with_its_place() -> None:
    done = run("words", "-", data=b'x = "tea"\nx + "caf\xe9"')
    shown = done.stderr.decode()
    assert done.returncode == 1 and "Line 2, column 9" in shown and "0xe9" in shown


def test_a_byte_order_mark_is_dropped_and_a_nul_is_refused() -> None:
    assert run("parse", "-", data=b'\xef\xbb\xbf"tea"').stdout == b'"tea"\n'
    with pytest.raises(ZcalcError, match="NUL"):
        zcalc.load("mini")('"te\0a"')


@pytest.mark.parametrize("text", ['""', '"  "', 'img(cat) + ""'])
def test_an_empty_text_is_refused_with_a_caret(text: str) -> None:
    done = run("words", text)
    shown = done.stderr.decode()
    assert done.returncode == 1 and "The text is empty" in shown and "^" in shown


def test_closed_standard_input_is_one_line() -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m zcalc words - <&-"], capture_output=True, check=False
    )
    assert done.returncode == 1 and b"Standard input is closed" in done.stderr
    assert b"Traceback" not in done.stderr


# --- output ---------------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["parse", "img(cat)"], ["words", '"tea"'], ["--help"]])
def test_a_full_disk_is_one_line(arguments: list[str]) -> None:
    with open("/dev/full", "wb") as full:
        done = run(*arguments, capture_output=False, stdout=full, stderr=subprocess.PIPE)
    lines = done.stderr.decode().strip().splitlines()
    assert done.returncode == 1 and len(lines) == 1 and "No space left" in lines[0]


@pytest.mark.parametrize("command", [["demo"], ["nearest", '"a dog"']])
def test_an_output_that_cannot_be_written_is_noticed_before_the_work(
    command: list[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    for place, message in ((tmp_path, "is a folder"), (tmp_path / "file" / "x", "Can't write")):
        done = run(*command, "--html", str(place))
        shown = done.stderr.decode()
        assert done.returncode == 1 and message in shown and not done.stdout


def test_frames_are_for_terminals_only() -> None:
    env = {**os.environ, "FORCE_COLOR": "1"}
    done = run("words", '"tea"', env=env)
    assert b"Loading" not in done.stderr and b"\x1b[?25l" not in done.stdout + done.stderr


def in_terminal(arguments: list[str], rows: int, columns: int, **env: str) -> str:
    """What a command prints in a pseudoterminal of a size, which answers no question."""
    leader, follower = pty.openpty()
    set_size(follower, rows, columns)
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    environment |= {"TERM": "xterm", **env}
    child = subprocess.Popen(
        [*ZCALC, *arguments], stdin=follower, stdout=follower, stderr=follower, env=environment
    )
    os.close(follower)
    shown = read_all(leader)
    assert child.wait() == 0, shown
    return shown


def set_size(terminal: int, rows: int, columns: int) -> None:
    import fcntl
    import struct
    import termios

    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def read_all(terminal: int) -> str:
    """What is printed in a pseudoterminal until its program ends."""
    shown = b""
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            data = b""
        if not data:
            os.close(terminal)
            return shown.decode("utf-8", "replace")
        shown += data


@pytest.mark.parametrize(
    ("rows", "columns", "env"),
    [
        (0, 0, {}),
        (24, 80, {}),
        (24, 80, {"TERM": "dumb"}),
        (24, 80, {"NO_COLOR": "1"}),
        (24, 20, {}),
    ],
)
def test_a_terminal_that_shows_no_pictures_gets_the_table(
    rows: int, columns: int, env: dict[str, str]
) -> None:
    shown = in_terminal(["nearest", '"a dog"'], rows, columns, **env)
    assert "Traceback" not in shown and "textual_image" not in shown and "▀" not in shown
    assert "\x1b_G" not in shown, "kitty's question, which others would print"
    assert len(re.findall(r"0\.\d{3}", shown)) >= 5, "the scores are whole"


def test_words_keep_their_scores_in_a_narrow_terminal() -> None:
    shown = in_terminal(["words", '"tea"', "-k", "3"], 24, 24)
    assert len(re.findall(r"0\.\d{3}", shown)) == 6


# --- processes ------------------------------------------------------------------------------------


def test_a_forked_child_computes() -> None:
    code = (
        "import os, zcalc\n"
        "calc = zcalc.load('mini')\n"
        "calc('img(cat) + \"a dog in the snow\"').words(3)\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    calc('crop(img(cat), 0, 0, 0.5, 0.5) + \"tea\"').caption(max_tokens=3)\n"
        "    os._exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.strip() == "7"


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
@pytest.mark.parametrize("after", [0.05, 0.3, 1.2])
def test_a_signal_ends_a_command_without_a_traceback(name: str, code: int, after: float) -> None:
    number = getattr(signal, name)
    command = [*INTERRUPTIBLE, "demo"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(after)
    child.send_signal(number)
    out, err = child.communicate(timeout=60)
    assert child.returncode in (code, -number)  # by Python itself, before the first line of ours
    assert after == 0.05 or b"Traceback" not in err
    assert b"\x1b[?25l" not in out + err


def test_optimised_python_without_docstrings() -> None:
    env = {**os.environ, "PYTHONOPTIMIZE": "2"}
    for command in (["words", '"tea"'], ["caption", "img(cat)"], ["nearest", '"a dog"']):
        done = run(*command, env=env)
        assert done.returncode == 0, done.stderr


def test_a_missing_library_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('No torch', name='torch')")
    done = run("words", '"tea"', env={**os.environ, "PYTHONPATH": str(tmp_path)})
    shown = done.stderr.decode()
    assert done.returncode == 1 and "torch is not installed" in shown and "Traceback" not in shown


# --- files ----------------------------------------------------------------------------------------


def test_names_are_by_their_bytes_in_any_locale() -> None:
    code = (
        "import os, sys\n"
        "from zcalc.index.table import to_unicode\n"
        "name = os.fsdecode('emo\\u00e9.png'.encode())\n"
        "sys.stdout.buffer.write(to_unicode(name).encode())"
    )
    env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
    assert done.stdout.decode() == "emo\u00e9.png"
    assert to_unicode(os.fsdecode(b"caf\xe9.png")) == "caf\ufffd.png"


def test_an_index_that_may_not_be_read_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_photo(tmp_path / "photos" / "red.png", "red")
    update(source_of([tmp_path / "photos"]), HashEncoder(), tmp_path / "i")
    real = Path.read_bytes

    def denied(path: Path) -> bytes:
        if path.name == CURRENT:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(ZcalcError, match="Permission denied") as caught:
        zcalc.load("mini", index=tmp_path / "i")
    assert "build" not in str(caught.value).lower()


def test_pictures_in_a_folder_that_cannot_be_looked_into_stay_in_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "photos"
    for name in ("red", "locked/green", "locked/blue"):
        save_photo(photos / f"{name}.png", name.rpartition("/")[2])
    encoder, folder = HashEncoder(), tmp_path / "i"
    before, _ = update(source_of([photos]), encoder, folder)
    real_walk, real_stat = os.scandir, os.stat

    def scandir(path: Any = ".") -> Any:
        if os.fspath(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return real_walk(path)

    def stat(path: Any, *args: Any, **kwargs: Any) -> Any:
        if "locked/" in os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else False:
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return real_stat(path, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", scandir)
        patch.setattr(os, "stat", stat)
        kept, report = update(source_of([photos]), encoder, folder)
    shown = " ".join(capsys.readouterr().err.split())
    assert sorted(kept.paths) == sorted(before.paths) and report.removed == 0
    assert "locked is left out: Permission denied" in shown
    assert "2 pictures of the index can't be looked at now and stay as they are" in shown
    shutil.rmtree(photos / "locked")
    _, report = update(source_of([photos]), encoder, folder)
    assert report.removed == 2


def test_a_cache_that_cannot_be_written_is_mentioned(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    save_photo(tmp_path / "photos" / "red.png", "red")
    env = {**os.environ, "ZCALC_CACHE": str(tmp_path / "file")}
    done = run("nearest", '"a dog"', "--images", str(tmp_path / "photos"), env=env)
    assert done.returncode == 0 and b"ZCALC_CACHE" in done.stderr


@pytest.mark.parametrize(
    "arguments", [["words", '"tea"'], ["nearest", '"a dog"'], ["caption", "img(cat)"]]
)
def test_no_temporary_folder_is_needed(arguments: list[str], tmp_path: Path) -> None:
    code = (
        "import sys, tempfile\n"
        "def none(*_, **__): raise FileNotFoundError('No usable temporary directory found')\n"
        "tempfile.gettempdir = tempfile._get_default_tempdir = none\n"
        "from zcalc.cli import main\n"
        "main()"
    )
    env = {**os.environ, "ZCALC_CACHE": "/proc/none", "HOME": "/proc/none"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=env, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_bar_fits_into_a_narrow_terminal(tmp_path: Path) -> None:
    code = (
        "import time\n"
        "from zcalc.show.progress import TerminalBar\n"
        "bar = TerminalBar('Encoding pictures', 100, 'pictures')\n"
        "for done in range(100): bar.update(done, ''); time.sleep(0.01)\n"
        "bar.close()"
    )
    leader, follower = pty.openpty()
    set_size(follower, 24, 40)
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=follower, stdout=follower, stderr=follower,
        env={**environment, "TERM": "xterm"},
    )  # fmt: skip
    os.close(follower)
    shown = read_all(leader)
    assert child.wait() == 0 and "Encoding pictures" in shown and "%" in shown
    frames = re.split(r"[\r\n]", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown))
    assert max(map(len, frames)) <= 40
