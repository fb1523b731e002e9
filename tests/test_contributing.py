"""The worked examples of CONTRIBUTING.md run."""

import re
from pathlib import Path
from typing import Any

import pytest

import zcalc
from zcalc import algebra, evaluator
from zcalc.decode import decoders
from zcalc.language import signatures

PAGE = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text("utf8")
PYTHON = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
EDITS = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
pytestmark = pytest.mark.model


def run(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "contributing"}
    exec(compile(code, "CONTRIBUTING.md", "exec"), names)
    return names


def test_the_decoder_writes_captions(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = run(PYTHON[0])["WORDS"]
    monkeypatch.setitem(decoders.DECODERS._loaded, "words", decoder)
    caption = zcalc.load()('"a dog"').caption("words", beams=3)
    assert caption.method == "words" and len(caption.beams) == 3


def test_the_function_becomes_part_of_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    signature, connection = EDITS
    monkeypatch.setattr(algebra, "mid", run(PYTHON[1])["mid"], raising=False)
    added = eval(signature.rstrip().rstrip(","), vars(signatures))
    monkeypatch.setitem(signatures.FUNCTIONS, "mid", added)
    name, _, function = connection.strip().rstrip(",").partition(": ")
    monkeypatch.setitem(evaluator._FUNCTIONS, eval(name), eval(function, vars(evaluator)))
    calc = zcalc.load()
    midpoint = calc('mid("tea", "cup")')
    assert midpoint.vector == pytest.approx(calc('mid("cup", "tea")').vector)
    assert midpoint.norm == pytest.approx(calc('("tea" + "cup") / 2').norm)
    with pytest.raises(zcalc.ZcalcError, match="mid"):
        calc('mid("tea")')


def test_the_widget_follows_what_is_typed() -> None:
    dial = run(PYTHON[2])["dial"]
    assert float(dial.norm) > 1
    dial.expr = '"tea" +'
    assert not dial.norm.replace(".", "").isdigit()
