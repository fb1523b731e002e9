"""The widgets' logic without a browser: requests go in as traits, and what is shown comes out."""

import base64
import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from tests.helpers import hash_calculator, save_photo
from tests.test_card import HOSTILE
from zcalc.errors import ZcalcError
from zcalc.language import Image, Text, image, parse, unparse
from zcalc.notebook import blocks as b
from zcalc.notebook.blocks import Block, blocks_of, tree_of
from zcalc.notebook.draft import Draft
from zcalc.notebook.upload import MOST, Uploads

COLOURS = ("red", "green", "blue", "orange", "teal", "navy")
WEIGHTS = st.sampled_from([1.0, -1.0, 0.0, 0.5, -0.05, 2.0, -1.65, 3.25, 1e-7, 1e20])
LEAVES = st.builds(
    Block,
    WEIGHTS,
    st.one_of(
        st.text(min_size=1, max_size=6).map(Text),
        st.sampled_from(["coffee", "a b", 'quo"te', "кот", "x'y"]).map(image),
        st.just(parse('mean("a", img(b))')),
    ),
)
BLOCKS = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        lambda w, i: Block(w, None, tuple(i)), WEIGHTS, st.lists(inner, min_size=2, max_size=3)
    ),
    max_leaves=8,
)
ROWS = st.lists(BLOCKS, min_size=1, max_size=5).map(tuple)


def ask(widget: Any, do: str, **more: Any) -> None:
    ask.count += 1  # type: ignore[attr-defined]
    widget.request = {"do": do, "id": f"t:{ask.count}", **more}  # type: ignore[attr-defined]
    assert widget.answered == f"t:{ask.count}"  # type: ignore[attr-defined]


ask.count = 0  # type: ignore[attr-defined]


@pytest.fixture
def calc(tmp_path: Path) -> Any:
    for colour in COLOURS:
        save_photo(tmp_path / f"{colour}.png", colour)
    return hash_calculator([tmp_path])


@settings(max_examples=300, deadline=None)
@given(ROWS)
def test_blocks_become_text_and_blocks_again(rows: tuple[Block, ...]) -> None:
    text = unparse(tree_of(rows))
    again = blocks_of(parse(text))
    assert unparse(tree_of(again)) == text
    assert len(again) == len(rows)
    for one, other in zip(rows, again, strict=True):
        if one.node is not None:
            assert (one.weight, one.node) == (other.weight, other.node)


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ('img(a) - "b" + 2 * "c" / 4', [1, -1, 0.5]),
        ('-(2 * ("a" - "b")) / 4', [-0.5]),
        ('3 * mean("a", "b") - (1 + 2) * "c"', [3, -3]),
        ('"a" / norm("b") + 0 * "c"', [1, 0]),
    ],
)
def test_weights_are_read_from_text(text: str, weights: list[float]) -> None:
    assert [block.weight for block in blocks_of(parse(text))] == weights


def test_blocks_are_moved_grouped_and_taken_away() -> None:
    def shown(blocks: b.Blocks) -> str:
        return unparse(tree_of(blocks))

    row = blocks_of(parse('"a" + "b" - "c" + "d"'))
    assert shown(b.moved(row, (0,), (2,))) == '"b" + "a" - "c" + "d"'
    assert shown(b.moved(row, (3,), (0,))) == '"d" + "a" + "b" - "c"'
    group = b.grouped(row, [(0,), (2,)])
    assert shown(group) == '1 * ("a" - "c") + "b" + "d"'
    inside = b.moved(group, (2,), (0, 1))
    assert shown(inside) == '1 * ("a" + "d" - "c") + "b"'
    assert b.moved(group, (0,), (0, 1)) == group  # not into itself
    half = b.weighed(inside, (0,), -0.5)
    assert shown(b.ungrouped(half, (0,))) == '-0.5 * "a" - 0.5 * "d" + 0.5 * "c" + "b"'
    assert shown(b.removed(b.removed(half, (0, 0)), (0, 0))) == '0.5 * "c" + "b"'
    assert b.removed(blocks_of(parse('"a"')), (0,)) == ()
    for wrong in ((9,), (0, 0), ()):
        with pytest.raises(ZcalcError):
            b.removed(row, wrong)
    with pytest.raises(ZcalcError, match="two terms"):
        b.grouped(row, [(1,)])


def test_python_says_the_same(calc: Any) -> None:
    text = '-0.5 * (img(red) - "it\'s") + mean("a", img(blue)) - 2 * "tea"'
    python = b.python_of(blocks_of(parse(text)))
    assert calc(text).vector == pytest.approx(eval(python, {"calc": calc}).vector, abs=1e-6)


def test_undo_and_redo_and_what_is_undone_together() -> None:
    now = [0.0]
    draft = Draft('"a"', clock=lambda: now[0])
    for text in ('"a" + "', '"a" + "b', '"a" + "b"'):
        draft.type(text)
        now[0] += 0.2
    now[0] += 5
    for weight in (0.9, 0.8, 0.7):
        draft.change(b.weighed(draft.state.blocks, (1,), weight), "weigh 1")
        now[0] += 0.05
    assert draft.state.text == '"a" + 0.7 * "b"'
    draft.undo()
    assert draft.state.text == '"a" + "b"'
    draft.undo()
    assert draft.state.text == '"a"'
    draft.undo()
    assert draft.state.text == '"a"' and not draft.data()["undo"]
    draft.redo()
    draft.redo()
    assert draft.state.text == '"a" + 0.7 * "b"' and not draft.data()["redo"]
    draft.undo()
    draft.add(Text("c"))
    assert draft.state.text == '"a" + "b" + "c"' and not draft.data()["redo"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ('img(red) + "te', "Line 1, column"),
        ("img(redd)", "img(red)"),
        ('img(red) * "tea"', "cannot be multiplied"),
        ('img(red) - img(red)', "cancels out"),
        ('a = "tea"', "One expression"),
        ('"tea" |> words(3)', "One expression"),
        ("img(red) +" + " +" * 3000, "characters"),
    ],
)  # fmt: skip
def test_invalid_text_keeps_what_was_good(calc: Any, typed: str, said: str) -> None:
    lab = calc.lab('img(red) + "tea"')
    before = dict(lab.results)
    assert len(before["words"]) == 10 and before["pictures"]
    ask(lab, "type", text=typed)
    assert said in lab.state["error"]["shown"] and "^" in lab.state["error"]["shown"]
    assert lab.state["text"] == typed
    assert lab.results == before
    assert lab.expr in ('img(red) + "tea"', typed)
    ask(lab, "type", text='"tea"')
    assert lab.state["error"] is None and lab.results["expr"] == '"tea"'


def test_the_lab_computes_what_the_calculator_does(calc: Any) -> None:
    lab = calc.lab('img(red) - "tea"')
    ask(lab, "weigh", path=[1], weight=-0.35)
    ask(lab, "add", kind="image", name="blue")
    ask(lab, "add", kind="text", name='a "b"', to=[0])
    assert lab.expr == '\'a "b"\' + img(red) - 0.35 * "tea" + img(blue)'
    result = calc(lab.expr)
    assert [w["text"] for w in lab.results["words"]] == [w.text for w in result.words(10)]
    assert [p["name"] for p in lab.results["pictures"]] == [h.name for h in result.nearest(8)]
    assert lab.results["norm"] == pytest.approx(result.norm)
    ask(lab, "undo")
    ask(lab, "undo")
    assert lab.expr == 'img(red) - 0.35 * "tea"'
    assert lab.result.vector == pytest.approx(calc(lab.expr).vector)


def test_moving_a_slider_embeds_nothing(calc: Any) -> None:
    lab = calc.lab('img(red) - "tea"')
    _ = lab.results
    calc.encoder.batches.clear()
    for i in range(20):
        ask(lab, "weigh", path=[0], weight=0.1 * i + 0.05)
    assert calc.encoder.batches == []


def test_a_number_is_shown(calc: Any) -> None:
    lab = calc.lab("cos(img(red), img(blue))")
    assert lab.results["number"] == pytest.approx(float(calc(lab.expr)))
    ask(lab, "caption")
    assert "no caption" in lab.notice["message"]


def test_two_widgets_are_independent(calc: Any) -> None:
    one, other = calc.lab("img(red)"), calc.lab("img(blue)")
    ask(one, "type", text="img(green)")
    assert (one.expr, other.expr) == ("img(green)", "img(blue)")
    assert other.state["undo"] is False


def test_requests_that_make_no_sense_say_so(calc: Any) -> None:
    lab = calc.lab("img(red)")
    for request in (
        {"do": "format"},
        {"do": "weigh", "path": [7], "weight": 1},
        {"do": "weigh", "path": "x", "weight": 1},
        {"do": "weigh", "path": [0], "weight": float("nan")},
        {"do": "weigh"},
        {"do": "add", "kind": "image"},
        {"do": "move", "path": [0], "to": [0, 0]},
    ):
        do = request.pop("do")
        ask(lab, do, **request)
        assert lab.expr == "img(red)"
    assert lab.state["text"] == "img(red)"


def test_hostile_names_and_texts_travel_as_data(tmp_path: Path) -> None:
    for i, name in enumerate(HOSTILE):
        save_photo(tmp_path / f"{name}.png".replace("/", "∕"), f"hsl({i * 8}, 90%, 50%)")
    calc = hash_calculator([tmp_path])
    lab = calc.lab()
    for picture in calc.gallery:
        ask(lab, "type", text="")
        ask(lab, "add", kind="image", name=picture.name)
        assert lab.notice == {} and lab.state["error"] is None, picture.name
        assert [block["name"] for block in lab.state["blocks"]] == [picture.name]
        assert lab.thumbnails[picture.name].startswith("data:image/jpeg;base64,")
    for text in HOSTILE:
        ask(lab, "type", text="")
        ask(lab, "add", kind="text", name=text)
        assert [block["name"] for block in lab.state["blocks"]] == [text]
    assert all(name not in lab._esm for name in HOSTILE[:8])


def test_scripts_make_no_markup() -> None:
    folder = Path(b.__file__).parent
    scripts = sorted(folder.glob("*.js"))
    assert len(scripts) == 4
    for script in scripts:
        text = script.read_text()
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert way not in text, script
        assert "http:" not in text and "https:" not in text and "import " not in text


def png(side: int = 20, colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Pillow.new("RGB", (side, side), colour).save(buffer, "PNG")
    return buffer.getvalue()


def send(widget: Any, name: str, data: bytes, piece: int = 100) -> None:
    parts = max(1, -(-len(data) // piece))
    for part in range(parts):
        some = base64.b64encode(data[part * piece : (part + 1) * piece]).decode()
        ask(widget, "upload", name=name, part=part, parts=parts, data=some)


@pytest.mark.parametrize("name", ["my photo.png", "", "q\"uo'te.png", "кот.png", "../../etc/x.png"])
def test_a_picture_sent_in_becomes_a_term(calc: Any, name: str) -> None:
    lab = calc.lab('"tea"')
    send(lab, name, png(40, "lime"))
    assert lab.notice.get("good"), lab.notice
    blocks = lab.state["blocks"]
    assert len(blocks) == 2 and blocks[1]["kind"] == "image"
    assert lab.thumbnails[blocks[1]["name"]].startswith("data:image/jpeg;base64,")
    assert parse(lab.expr).terms[1] == image(blocks[1]["name"]) or isinstance(
        parse(lab.expr).terms[1], Image
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"%PDF-1.4 no picture at all", "can't be read as a picture: it is none of"),
        (b"", "the file is empty"),
        (b"<svg onload='alert(1)'/>", "it is none of"),
        (png()[:60], "can't be read as a picture"),
    ],
)
def test_a_file_that_is_no_picture_says_so(calc: Any, data: bytes, said: str) -> None:
    lab = calc.lab('"tea"')
    send(lab, "<b>odd.png", data)
    assert said in lab.notice["message"] and "good" not in lab.notice
    assert lab.expr == '"tea"' and lab.state["error"] is None


def test_a_bomb_is_refused(calc: Any) -> None:
    buffer = io.BytesIO()
    Pillow.new("1", (20_000, 20_000)).save(buffer, "PNG")
    lab = calc.lab('"tea"')
    send(lab, "bomb.png", buffer.getvalue(), 1_000_000)
    assert "pixels" in lab.notice["message"] and lab.expr == '"tea"'


def test_what_is_sent_in_has_a_limit_and_an_order() -> None:
    uploads = Uploads()
    piece = base64.b64encode(bytes(3_000_000)).decode()
    with pytest.raises(ZcalcError, match="too large"):
        for part in range(10):
            assert uploads.take("big.png", part, 10, piece) is None
    assert not uploads._pieces and MOST < 10 * 3_000_000
    with pytest.raises(ZcalcError, match="whole"):
        uploads.take("x.png", 1, 2, "AAAA")
    with pytest.raises(ZcalcError, match="whole"):
        uploads.take("x.png", 0, 1, "*")


def test_the_shelf_pages_and_searches(tmp_path: Path) -> None:
    for i in range(60):
        save_photo(tmp_path / f"Photo {i:02}.png", f"hsl({6 * i}, 90%, 50%)", (8, 8))
    lab = hash_calculator([tmp_path]).lab()
    assert len(lab.shelf["pictures"]) == 24 and lab.shelf["total"] == 60
    ask(lab, "shelf", search="", start=lab.shelf["next"])
    assert lab.shelf["pictures"][0]["name"] == "Photo 24"
    ask(lab, "shelf", search="photo 5")
    assert [p["name"] for p in lab.shelf["pictures"]][:2] == ["Photo 05", "Photo 15"]
    ask(lab, "shelf", search="nothing")
    assert lab.shelf["pictures"] == [] and lab.shelf["next"] is None


def test_a_caption_and_a_notebook_without_a_kernel(calc: Any) -> None:
    lab = calc.lab('img(red) + "tea"')
    ask(lab, "caption")
    lab.wait(20)
    assert lab.caption["text"] and not lab.caption["running"] and not lab.caption["wrong"]
    bundle, _ = lab._repr_mimebundle_()
    assert "img(red)" in bundle["text/plain"]
    assert bundle["text/html"].startswith('<div class="zcalc">')
    assert any("widget-view" in kind for kind in bundle)


class Slow:
    """A decoder's steps, each of which waits until it is let through."""

    def __init__(self) -> None:
        self.step = threading.Semaphore(0)
        self.taken = threading.Semaphore(0)

    def captions(self) -> Iterator[Any]:
        from zcalc.decode.caption import Beam, Caption

        for count in range(1, 1000):
            self.step.acquire()
            text = " ".join(["tea"] * count)
            yield Caption.of([Beam(text, 0.5, -1.0)], "search", finished=False)
            self.taken.release()


def test_a_caption_is_stopped_and_only_one_is_written(
    calc: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = Slow()
    monkeypatch.setattr("zcalc.decode.captions.decode", lambda *_: slow.captions())
    lab, other = calc.lab('"tea"'), calc.lab('"cup"')
    ask(lab, "caption")
    slow.step.release()
    slow.step.release()
    assert slow.taken.acquire(timeout=10)
    assert lab.caption["running"] and lab.caption["text"].startswith("tea")
    ask(other, "caption")
    assert "Another caption" in other.notice["message"]
    ask(lab, "weigh", path=[0], weight=0.5)  # the widget is live meanwhile
    assert lab.expr == '0.5 * "tea"'
    ask(lab, "stop")
    slow.step.release()
    slow.step.release()
    lab.wait(10)
    assert lab.caption["running"] is False and lab.caption["stopped"]
    assert lab.caption["text"] and lab.caption["expr"] == '"tea"'
    monkeypatch.undo()
    ask(other, "caption")
    other.wait(20)
    assert other.caption["text"] and not other.notice


def test_the_search_widget(calc: Any) -> None:
    search = calc.search("img(red)")
    names = [p["name"] for p in search.results["pictures"]]
    assert sorted(names) == sorted(set(COLOURS) - {"red"})
    ask(search, "more", name="blue")
    ask(search, "less", name="green")
    assert search.expr == "img(red) + 0.5 * img(blue) - 0.25 * img(green)"
    ask(search, "undo")
    assert search.expr == "img(red) + 0.5 * img(blue)"
    ask(search, "look", name="green")
    assert search.looked_at["name"] == "green" and search.looked_at["src"].startswith("data:image")
    assert ["file", str(calc.gallery.find("green").path)] in search.looked_at["about"]
    ask(search, "close")
    assert search.looked_at == {}


def test_filters_and_their_errors(calc: Any) -> None:
    search = calc.search("img(red)")
    filters = dict(search.filters)
    ask(search, "filter", filters=filters | {"where": "name > 'n'"})
    assert sorted(p["name"] for p in search.results["pictures"]) == ["navy", "orange", "teal"]
    before = dict(search.results)
    ask(search, "filter", filters=filters | {"where": "year >"})
    assert "condition" in search.notice["message"] and search.results == before
    ask(search, "filter", filters=filters | {"k": 2, "diversity": 0.5, "fold": True})
    assert len(search.results["pictures"]) == 2 and search.notice == {}
    ask(search, "filter", filters=filters | {"threshold": 1.0})
    assert search.results["pictures"] == []
    ask(search, "type", text="img(red")
    assert search.state["error"] and search.results["pictures"] == []
    ask(search, "look", name="nobody")
    assert "not among" in search.notice["message"]
