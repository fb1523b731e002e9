"""Progress where there is no terminal: lines in a log, and JSON for programs."""

import json
import time
from itertools import pairwise

import pytest

from zcalc.progress import track
from zcalc.show import progress


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zcalc.progress.PATIENCE", 0.0)
    monkeypatch.setattr(progress, "_LINE_INTERVAL", 0.05)
    monkeypatch.setattr(progress, "_JSON_INTERVAL", 0.05)


def test_a_log_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in track(range(20), "Encoding pictures", unit="pictures"):
        time.sleep(0.01)
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert 2 <= len(lines) <= 6 and captured.out == ""
    assert lines[0].startswith("Encoding pictures · ") and " of 20 · " in lines[0]
    assert "pictures/s" in lines[0] and lines[0].endswith("left")


def test_programs_get_json(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_style", "auto")
    progress.use("json")
    for _ in track(range(10), "Encoding pictures", unit="pictures"):
        time.sleep(0.01)
    rows = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert rows[0]["progress"] == "Encoding pictures" and rows[0]["total"] == 10
    assert [row["ended"] for row in rows] == [False] * (len(rows) - 1) + [True]
    assert rows[-1]["done"] == 10 and rows[-1]["unit"] == "pictures"
    assert all(a["done"] <= b["done"] for a, b in pairwise(rows))
