"""The widgets' logic without a browser: a request goes in as a trait, others come out."""

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
from zcalc.notebook import blocks
from zcalc.notebook.blocks import Block, Blocks, blocks_of, tree_of
from zcalc.notebook.draft import Draft
from zcalc.notebook.upload import MAX_BYTES, Uploads

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


def ask(widget: Any, do: str, **arguments: Any) -> None:
    """Send a request and check that it is answered."""
    ask.count += 1  # type: ignore[attr-defined]
    widget.request = {"do": do, "id": f"t:{ask.count}", **arguments}  # type: ignore[attr-defined]
    assert widget.answered == f"t:{ask.count}"  # type: ignore[attr-defined]


ask.count = 0  # type: ignore[attr-defined]


@pytest.fixture
def calc(tmp_path: Path) -> Any:
    for colour in COLOURS:
        save_photo(tmp_path / f"{colour}.png", colour)
    return hash_calculator([tmp_path])


@settings(max_examples=300, deadline=None)
@given(ROWS)
def test_blocks_survive_a_round_trip_through_text(rows: tuple[Block, ...]) -> None:
    text = unparse(tree_of(rows))
    parsed = blocks_of(parse(text))
    assert unparse(tree_of(parsed)) == text
    assert len(parsed) == len(rows)
    for before, after in zip(rows, parsed, strict=True):
        if before.node is not None:
            assert (before.weight, before.node) == (after.weight, after.node)


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


def test_blocks_are_moved_grouped_and_removed() -> None:
    def source(blocks: Blocks) -> str:
        return unparse(tree_of(blocks))

    row = blocks_of(parse('"a" + "b" - "c" + "d"'))
    assert source(blocks.move(row, (0,), (2,))) == '"b" + "a" - "c" + "d"'
    assert source(blocks.move(row, (3,), (0,))) == '"d" + "a" + "b" - "c"'
    group = blocks.group(row, [(0,), (2,)])
    assert source(group) == '1 * ("a" - "c") + "b" + "d"'
    inside = blocks.move(group, (2,), (0, 1))
    assert source(inside) == '1 * ("a" + "d" - "c") + "b"'
    assert blocks.move(group, (0,), (0, 1)) == group  # not into itself
    half = blocks.reweight(inside, (0,), -0.5)
    assert source(blocks.ungroup(half, (0,))) == '-0.5 * "a" - 0.5 * "d" + 0.5 * "c" + "b"'
    assert source(blocks.remove(blocks.remove(half, (0, 0)), (0, 0))) == '0.5 * "c" + "b"'
    assert blocks.remove(blocks_of(parse('"a"')), (0,)) == ()
    for wrong in ((9,), (0, 0), ()):
        with pytest.raises(ZcalcError):
            blocks.remove(row, wrong)
    with pytest.raises(ZcalcError, match="at least two terms"):
        blocks.group(row, [(1,)])


def test_a_block_is_cropped_and_made_whole_again() -> None:
    row = blocks_of(parse('2 * img(a) - "b"'))
    part = blocks.crop(row, (0,), (0.0, 0.25, 0.5, 1.0))
    assert unparse(tree_of(part)) == '2 * crop(img(a), 0, 0.25, 0.5, 1) - "b"'
    assert blocks.python_of(part) == "2 * calc.img('a').crop(0, 0.25, 0.5, 1) - calc.txt('b')"
    assert blocks.crop(part, (0,), None) == row
    with pytest.raises(ZcalcError, match="Only a picture"):
        blocks.crop(row, (1,), (0, 0, 1, 1))
    with pytest.raises(ZcalcError, match="empty"):
        blocks.crop(row, (0,), (0.5, 0, 0.5, 1))


def test_the_python_code_is_equivalent(calc: Any) -> None:
    text = '-0.5 * (img(red) - "it\'s") + mean("a", img(blue)) - 2 * "tea"'
    python = blocks.python_of(blocks_of(parse(text)))
    assert calc(text).vector == pytest.approx(eval(python, {"calc": calc}).vector, abs=1e-6)


def test_undo_merges_quick_edits_and_redo() -> None:
    now = [0.0]
    draft = Draft('"a"', clock=lambda: now[0])
    for text in ('"a" + "', '"a" + "b', '"a" + "b"'):
        draft.type(text)
        now[0] += 0.2
    now[0] += 5
    for weight in (0.9, 0.8, 0.7):
        draft.change(blocks.reweight(draft.state.blocks, (1,), weight), "weigh 1")
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
    ("typed", "message"),
    [
        ('img(red) + "te', "Line 1, column"),
        ("img(redd)", "img(red)"),
        ('img(red) * "tea"', "Cannot multiply two embeddings"),
        ('img(red) - img(red)', "cancels out"),
        ('a = "tea"', "not a single expression"),
        ('"tea" |> words(3)', "not a single expression"),
        ("img(red) +" + " +" * 3000, "characters"),
    ],
)  # fmt: skip
def test_invalid_text_keeps_the_last_results(calc: Any, typed: str, message: str) -> None:
    lab = calc.lab('img(red) + "tea"')
    before = dict(lab.results)
    assert len(before["words"]) == 10 and before["pictures"]
    ask(lab, "type", text=typed)
    assert message in lab.state["error"]["text"] and "^" in lab.state["error"]["text"]
    assert lab.state["text"] == typed
    assert lab.results == before
    assert lab.expr in ('img(red) + "tea"', typed)
    ask(lab, "type", text='"tea"')
    assert lab.state["error"] is None and lab.results["expr"] == '"tea"'


def test_the_lab_agrees_with_the_calculator(calc: Any) -> None:
    lab = calc.lab('img(red) - "tea"')
    ask(lab, "reweight", path=[1], weight=-0.35)
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


def test_moving_a_slider_embeds_no_operand(calc: Any) -> None:
    lab = calc.lab('img(red) - "tea"')
    _ = lab.results
    vars(calc.models)["vocabulary"] = calc.models.plain_vocabulary  # words by their own vectors
    _ = calc.models.vocabulary.vectors
    calc.models.encoder.batches.clear()
    for i in range(20):
        ask(lab, "reweight", path=[0], weight=0.1 * i + 0.05)
    assert calc.models.encoder.batches == []


def test_a_number_has_a_value_and_no_caption(calc: Any) -> None:
    lab = calc.lab("cos(img(red), img(blue))")
    assert lab.results["number"] == pytest.approx(float(calc(lab.expr)))
    ask(lab, "caption")
    assert "no caption" in lab.notice["message"]


def test_two_widgets_are_independent(calc: Any) -> None:
    one, other = calc.lab("img(red)"), calc.lab("img(blue)")
    ask(one, "type", text="img(green)")
    assert (one.expr, other.expr) == ("img(green)", "img(blue)")
    assert other.state["undo"] is False


def test_an_invalid_request_changes_nothing(calc: Any) -> None:
    lab = calc.lab("img(red)")
    for request in (
        {"do": "format"},
        {"do": "reweight", "path": [7], "weight": 1},
        {"do": "reweight", "path": "x", "weight": 1},
        {"do": "reweight", "path": [0], "weight": float("nan")},
        {"do": "reweight"},
        {"do": "add", "kind": "image"},
        {"do": "move", "path": [0], "to": [0, 0]},
    ):
        do = request.pop("do")
        ask(lab, do, **request)
        assert lab.expr == "img(red)"
    assert lab.state["text"] == "img(red)"


def test_hostile_names_and_texts_are_data(tmp_path: Path) -> None:
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


def test_scripts_write_no_markup() -> None:
    folder = Path(blocks.__file__).parent
    scripts = sorted(folder.glob("*.js"))
    assert len(scripts) == 6
    for script in scripts:
        text = script.read_text()
        for unsafe in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert unsafe not in text, script
        assert "http:" not in text and "https:" not in text and "import " not in text


def png(side: int = 20, colour: str = "red") -> bytes:
    buffer = io.BytesIO()
    Pillow.new("RGB", (side, side), colour).save(buffer, "PNG")
    return buffer.getvalue()


def upload(widget: Any, name: str, data: bytes, size: int = 100) -> None:
    """Upload a file in parts of `size` bytes."""
    parts = max(1, -(-len(data) // size))
    for part in range(parts):
        encoded = base64.b64encode(data[part * size : (part + 1) * size]).decode()
        ask(widget, "upload", name=name, part=part, parts=parts, data=encoded)


@pytest.mark.parametrize("name", ["my photo.png", "", "q\"uo'te.png", "кот.png", "../../etc/x.png"])
def test_an_uploaded_picture_becomes_a_term(calc: Any, name: str) -> None:
    lab = calc.lab('"tea"')
    upload(lab, name, png(40, "lime"))
    assert lab.notice.get("ok"), lab.notice
    _, block = lab.state["blocks"]
    assert block["kind"] == "image"
    assert lab.thumbnails[block["name"]].startswith("data:image/jpeg;base64,")
    assert parse(lab.expr).terms[1] == image(block["name"]) or isinstance(
        parse(lab.expr).terms[1], Image
    )


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"%PDF-1.4 not a picture", "Can't read “<b>odd.png”: not one of JPEG"),
        (b"", "the file is empty"),
        (b"<svg onload='alert(1)'/>", "not one of JPEG"),
        (png()[:60], "Can't read “<b>odd.png”: "),
    ],
)
def test_a_file_that_is_not_a_picture_is_refused(calc: Any, data: bytes, reason: str) -> None:
    lab = calc.lab('"tea"')
    upload(lab, "<b>odd.png", data)
    assert reason in lab.notice["message"] and "ok" not in lab.notice
    assert lab.expr == '"tea"' and lab.state["error"] is None


def test_a_decompression_bomb_is_refused(calc: Any) -> None:
    buffer = io.BytesIO()
    Pillow.new("1", (60_000, 40_000)).save(buffer, "PNG")
    lab = calc.lab('"tea"')
    upload(lab, "bomb.png", buffer.getvalue(), 1_000_000)
    assert "pixels" in lab.notice["message"] and lab.expr == '"tea"'


def test_uploads_are_limited_and_ordered() -> None:
    uploads = Uploads()
    data = base64.b64encode(bytes(3_000_000)).decode()
    with pytest.raises(ZcalcError, match="too large"):
        for part in range(10):
            assert uploads.receive("big.png", part, 10, data) is None
    assert not uploads._received and MAX_BYTES < 10 * 3_000_000
    with pytest.raises(ZcalcError, match="incomplete"):
        uploads.receive("x.png", 1, 2, "AAAA")
    with pytest.raises(ZcalcError, match="incomplete"):
        uploads.receive("x.png", 0, 1, "*")


def test_the_gallery_is_paged_and_searched(tmp_path: Path) -> None:
    for i in range(60):
        save_photo(tmp_path / f"Photo {i:02}.png", f"hsl({6 * i}, 90%, 50%)", (8, 8))
    lab = hash_calculator([tmp_path]).lab()
    assert len(lab.gallery["pictures"]) == 24 and lab.gallery["total"] == 60
    ask(lab, "browse", search="", start=lab.gallery["next"])
    assert lab.gallery["pictures"][0]["name"] == "Photo 24"
    ask(lab, "browse", search="photo 5")
    assert [p["name"] for p in lab.gallery["pictures"]][:2] == ["Photo 05", "Photo 15"]
    ask(lab, "browse", search="nothing")
    assert lab.gallery["pictures"] == [] and lab.gallery["next"] is None


def test_a_caption_and_the_static_output(calc: Any) -> None:
    lab = calc.lab('img(red) + "tea"')
    ask(lab, "caption")
    lab.wait(20)
    assert lab.caption["text"] and not lab.caption["running"] and not lab.caption["error"]
    bundle, _ = lab._repr_mimebundle_()
    assert "img(red)" in bundle["text/plain"]
    assert bundle["text/html"].startswith('<div class="zcalc">')
    assert any("widget-view" in kind for kind in bundle)


class Slow:
    """A decoder whose every step waits for `step` and then releases `taken`."""

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


def test_a_caption_can_be_stopped_and_only_one_runs_at_a_time(
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
    assert "already writing a caption" in other.notice["message"]
    ask(lab, "reweight", path=[0], weight=0.5)  # the widget stays live
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
    ask(search, "preview", name="green")
    assert search.preview["name"] == "green" and search.preview["src"].startswith("data:image")
    assert ["file", str(calc.gallery.find("green").path)] in search.preview["details"]
    ask(search, "close")
    assert search.preview == {}


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
    ask(search, "preview", name="nobody")
    assert "no longer in the results" in search.notice["message"]
