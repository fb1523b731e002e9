"""The shell, by itself and in a real pseudoterminal."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

import zcalc
from zcalc.answer import View
from zcalc.calculator import Calculator
from zcalc.shell import Prompt, Shell
from zcalc.shell.prompt import is_unfinished
from zcalc.show import terminal

ENTER, TAB, UP, NEW_LINE, CTRL_C, CTRL_D = "\r", "\t", "\x1b[A", "\x1b\r", "\x03", "\x04"

pytestmark = pytest.mark.model


@pytest.fixture
def calc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calculator:
    calculator = zcalc.load("mini")
    monkeypatch.setenv("ZCALC_CACHE", str(tmp_path / "cache"))
    return calculator


@pytest.fixture
def keys() -> Iterator[PipeInput]:
    with create_pipe_input() as pipe:
        yield pipe


def prompt(calculator: Calculator, keys: PipeInput) -> Prompt:
    return Prompt(calculator, input=keys, output=DummyOutput())


def run(calculator: Calculator, *lines: str) -> str:
    """What a shell prints for some lines."""
    rest = iter(lines)

    def ask() -> str:
        try:
            return next(rest)
        except StopIteration:
            raise EOFError from None

    with terminal.out.capture() as out, terminal.err.capture() as err:
        Shell(calculator, View(words=3, pictures=2)).run(ask)
    return out.get() + err.get()


def test_names_stay_and_every_line_is_answered(calc: Calculator) -> None:
    shown = run(calc, "coffeeless = img(coffee) - 'coffee'", "", 'coffeeless + "tea"', "exit", "?")
    assert "tea cup" in shown and "picture" in shown and "Functions" not in shown
    assert list(calc.names) == ["coffeeless"]


def test_errors_have_a_caret_and_end_nothing(calc: Calculator) -> None:
    shown = run(calc, "img(cofee)", "img(coffee) +", '"a" |> caption(beans=3)', "cos('a', 'a')")
    assert "    img(cofee)\n    ^^^^^^^^^^" in shown and "Did you mean img(coffee)?" in shown
    assert shown.count("^") > 12 and "cos('a', 'a') = 1" in shown


def test_an_interrupt_and_a_fault_keep_what_is_bound(
    calc: Calculator, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run(calc, 'x = "tea"')
    for error in (KeyboardInterrupt, ZeroDivisionError):

        def fail(*_: object, error: type[BaseException] = error) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(Calculator, "run", fail)
            shown = run(calc, '"a"')
        assert ("Interrupted." in shown) == (error is KeyboardInterrupt)
    assert "ZeroDivisionError" in capfd.readouterr().err
    assert "“tea”" in run(calc, "x")


def test_help(calc: Calculator) -> None:
    run(calc, 'x = "tea"')
    overview = run(calc, "?")
    assert "lerp" in overview and "caption" in overview and 'x = "tea"' in overview
    assert "the point at t on the straight line" in run(calc, "?lerp") + run(calc, "lerp?")
    assert "beams" in run(calc, "?caption") and 'x = "tea"' in run(calc, "x?")
    assert "Did you mean ?nearest?" in run(calc, "?neerest")


@pytest.mark.parametrize(
    ("text", "unfinished"),
    [
        ("img(cat) +", True),
        ("mean(img(cat),", True),
        ('x = "tea"\n(x', True),
        ('"tea" |>', True),
        ("x =", True),
        ("img(cat)", False),
        ("", False),
        ("# only a comment", False),
        ("img(cat))", False),
        ("img(cat) img(dog)", False),
        ('"tea', False),
    ],
)
def test_what_cannot_end_goes_on(text: str, unfinished: bool) -> None:
    assert is_unfinished(text) == unfinished


def test_enter_runs_a_complete_line_and_continues_another(
    calc: Calculator, keys: PipeInput
) -> None:
    ask = prompt(calc, keys)
    keys.send_text(f"img(cat){ENTER}")
    assert ask() == "img(cat)"
    keys.send_text(f"img(cat) +{ENTER}'tea'{ENTER}")
    assert ask() == "img(cat) +\n'tea'"
    keys.send_text(f"img(cat) +{ENTER}{ENTER}")  # an empty line ends it: the error is shown
    assert ask() == "img(cat) +\n"
    keys.send_text(f"x = 1{NEW_LINE}x{ENTER}")
    assert ask() == "x = 1\nx"
    keys.send_text(f"?lerp({ENTER}")
    assert ask() == "?lerp("


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("lead", "leader"),
        ("img(cof", "img(coffee)"),
        ("leader |> cap", "leader |> caption("),
        ("leader |> caption(bea", "leader |> caption(beams="),
        ("?ler", "?lerp"),
        ("?lea", "?leader"),
    ],
)
def test_names_functions_pictures_settings_and_topics_are_completed(
    calc: Calculator, keys: PipeInput, typed: str, completed: str
) -> None:
    run(calc, 'leader = "tea"')
    completer = prompt(calc, keys).completer
    options = completer.get_completions(Document(typed), CompleteEvent())
    assert completed in [typed[: len(typed) + c.start_position] + c.text for c in options]


def test_history_outlives_the_shell(calc: Calculator, keys: PipeInput) -> None:
    ask = prompt(calc, keys)
    keys.send_text(f"img(cat) + 'tea'{ENTER}")
    ask()
    again = prompt(calc, keys)
    keys.send_text(f"{UP}{ENTER}")
    assert again() == "img(cat) + 'tea'"


def test_an_unwritable_cache_costs_the_history_only(
    calc: Calculator, keys: PipeInput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ZCALC_CACHE", str(tmp_path / "file"))
    ask = prompt(calc, keys)
    keys.send_text(f"img(cat){ENTER}")
    assert ask() == "img(cat)"


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudoterminal")
def test_zcalc_alone_in_a_terminal_is_a_shell(tmp_path: Path) -> None:
    import pexpect

    environment = {**os.environ, "TERM": "xterm", "ZCALC_CACHE": str(tmp_path)}
    environment |= {"PROMPT_TOOLKIT_NO_CPR": "1", "COLUMNS": "100", "LINES": "40"}
    child = pexpect.spawn(
        sys.executable, ["-m", "zcalc"], env=environment, encoding="utf8", timeout=120
    )
    child.expect("zcalc> ?\x1b")
    child.send(f'img(coffee) - "coffee" + "tea"{ENTER}')
    child.expect("tea cup")
    child.expect("picture")
    child.send(f"img(cof{TAB}")
    child.expect("fee")
    child.send(CTRL_C)
    child.send(f"img(cofee){ENTER}")
    child.expect("Did you mean")
    child.send(f"img(cat){CTRL_C}")  # clears the line
    child.send(CTRL_D)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0 and "Traceback" not in child.before
    assert re.search(r"img\(coffee\)", (tmp_path / "history").read_text())


def test_zcalc_alone_without_a_terminal_is_help() -> None:
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "zcalc"], input="", capture_output=True, text=True, check=True
    )
    assert "Usage" in done.stdout and "shell" in done.stdout
