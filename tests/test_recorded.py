"""The command line answers what it answered when its answers were recorded."""

import json
from typing import Any

import pytest

from tests.recorded import ANSWERS, answer, commands

pytestmark = pytest.mark.model
RECORDED: dict[str, Any] = json.loads(ANSWERS.read_text("utf8"))


def test_every_command_is_recorded() -> None:
    assert list(RECORDED) == commands()


@pytest.mark.parametrize("command", RECORDED)
def test_the_answer_is_the_recorded_one(command: str) -> None:
    assert _same(answer(command), RECORDED[command])


def _same(now: Any, then: Any) -> bool:
    """Equal, numbers to 1e-3: processors round sums differently."""
    if isinstance(then, float):
        return isinstance(now, int | float) and now == pytest.approx(then, abs=1e-3)
    if isinstance(then, dict):
        return now.keys() == then.keys() and all(_same(now[key], then[key]) for key in then)
    if isinstance(then, list):
        return len(now) == len(then) and all(map(_same, now, then))
    return bool(now == then)
