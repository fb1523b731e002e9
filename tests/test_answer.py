"""An answer is computed once, and everything that shows it computes nothing."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import zcalc
from zcalc.answer import Answer, View
from zcalc.calculator import Calculator
from zcalc.cli import main
from zcalc.index.query import Local
from zcalc.index.store import Index
from zcalc.language import program
from zcalc.models.encoder import Encoder
from zcalc.ranking import Ranking
from zcalc.result import Result
from zcalc.show.card import card_html, card_text
from zcalc.show.data import answer_data
from zcalc.show.display import mimebundle
from zcalc.show.page import page
from zcalc.show.sheet import sheet
from zcalc.show.terminal import print_answer

pytestmark = pytest.mark.model
EXPRESSION = 'img(coffee) - "coffee" + "tea"'


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How often the index was opened and searched, words were ranked, and programs planned."""
    counted: Counter[str] = Counter()

    def count(owner: Any, name: str, label: str) -> None:
        original = getattr(owner, name)

        def counting(*args: Any, **kwargs: Any) -> Any:
            counted[label] += 1
            return original(*args, **kwargs)

        is_method = isinstance(vars(owner).get(name), classmethod)
        monkeypatch.setattr(owner, name, staticmethod(counting) if is_method else counting)

    count(Local, "find", "search")
    count(Ranking, "scores", "rank")
    count(Index, "open", "open")
    count(Encoder, "texts", "embed texts")
    for module in [m for m in sys.modules.values() if getattr(m, "plan", None) is program.plan]:
        count(module, "plan", "plan")
    yield counted


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of a few sample pictures."""
    folder = tmp_path_factory.mktemp("index")
    pictures = folder / "pictures"
    pictures.mkdir()
    for picture in list(zcalc.load().gallery)[:12]:
        (pictures / picture.path.name).write_bytes(picture.path.read_bytes())
    zcalc.load().index(pictures, folder / "sample.zidx")
    return folder / "sample.zidx"


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["zcalc", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code


def test_a_card_computes_everything_once(calls: Counter[str], index: Path) -> None:
    result = Calculator.create(index=index)('"a dog" + "grass"')
    result.card = View({"method": "retrieve"}, words=5, pictures=3)
    bundle = mimebundle(result)
    assert "Nearest words" in bundle["text/plain"] and "Nearest pictures" in bundle["text/html"]
    assert (calls["search"], calls["rank"], calls["plan"], calls["open"]) == (1, 1, 1, 1)


def test_a_contact_sheet_comes_from_the_same_search_as_the_table(
    calls: Counter[str], index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    html = str(tmp_path / "sheet.html")
    run(monkeypatch, "nearest", '"a dog"', "--index", str(index), "--html", html)
    assert (calls["search"], calls["rank"], calls["plan"], calls["open"]) == (1, 0, 1, 1)
    assert Path(html).read_text("utf8").count("<figure") == 5


def test_eval_as_json_computes_everything_once(
    calls: Counter[str],
    index: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    method = ("--method", "retrieve")
    run(monkeypatch, "eval", '"a dog" + "grass"', "--index", str(index), "--json", *method)
    assert (calls["search"], calls["rank"], calls["plan"], calls["open"]) == (1, 1, 1, 1)
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["words"]) == 10 and len(answer["images"]) == 5 and answer["captions"]


RENDERINGS: list[Callable[[Answer], object]] = [
    card_html, card_text, answer_data, sheet, print_answer, mimebundle, lambda one: page([one]),
]  # fmt: skip


@pytest.mark.parametrize("render", RENDERINGS)
def test_rendering_an_answer_computes_nothing(
    render: Callable[[Answer], object], calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    result = zcalc.load()(EXPRESSION)
    answer = View({"method": "retrieve"}, words=5, pictures=3, plot={"kind": "terms"}).answer(
        result
    )
    calls.clear()
    for name in ("words", "nearest", "caption", "measure", "answer"):
        monkeypatch.setattr(Result, name, None)
    render(answer)
    assert not calls


def test_an_answer_has_what_json_has() -> None:
    result = zcalc.load()(EXPRESSION)
    data = answer_data(View({"method": "retrieve"}, words=5, pictures=3).answer(result))
    assert set(data) == {"expr", "model", "norm", "captions", "words", "images", "terms", "seconds"}
    fields = {"captions", "words", "images", "terms", "plot", "notes", "seconds"}
    assert fields <= set(Answer.__dataclass_fields__)
    with pytest.raises(AttributeError):
        result.answer(View()).norm = 1.0  # frozen
