"""What the command line answered, recorded: `python -m tests.recorded` records it again.

A change that should keep the answers keeps these; one that should change them records them again,
and its diff shows what it did.
"""

import io
import json
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

HERE = Path(__file__).parent
ANSWERS = HERE / "answers.json"


def commands() -> list[str]:
    """The recorded commands, one a line."""
    return (HERE / "commands.txt").read_text("utf8").splitlines()


def answer(command: str) -> list[dict[str, Any]]:
    """The JSON objects that a command prints, without times and folders."""
    from zcalc.cli import main

    printed = io.StringIO()
    argv = ["zcalc", *shlex.split(command), "--json"]
    with patch.object(sys, "argv", argv), redirect_stdout(printed), redirect_stderr(io.StringIO()):
        try:
            main()
        except SystemExit as stop:
            assert not stop.code, printed.getvalue()
    return [_portable(json.loads(line)) for line in printed.getvalue().splitlines()]


def _portable(found: Any) -> Any:
    """Without what differs from run to run and from machine to machine."""
    if isinstance(found, dict):
        kept = {key: _portable(value) for key, value in found.items() if key != "seconds"}
        return kept | ({"path": Path(kept["path"]).name} if "path" in kept else {})
    return [_portable(one) for one in found] if isinstance(found, list) else found
