"""The image-algebra widget in JupyterLab, used by hand."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.notebook import Notebook
from tests.helpers import save_photo
from tests.test_card import HOSTILE

OPEN = "import zcalc; calc = zcalc.load('mini')\ncalc.lab('img(coffee) + \"tea\"')"
START = 'img(coffee) + "tea"'
ZEROCAP = f"""
from dataclasses import replace
models = replace(calc.models, preset=replace(calc.models.preset, method="zerocap"))
zcalc.Calculator(models, calc.gallery).lab({START!r})
"""


@pytest.fixture(scope="module")
def book(make: Callable[..., Notebook]) -> Iterator[Notebook]:
    """A notebook with the widget, shared by the tests that leave it usable."""
    opened = make(OPEN, ZEROCAP, "calc.lab('img(cat)')")
    opened.run()
    yield opened
    opened.close()


@pytest.fixture
def lab(book: Notebook) -> Any:
    """The widget, reset to its first expression."""
    widget = book.widget()
    type_in(widget, "img(coffee)")  # so that the next text changes something to wait for
    expect(widget.locator(".z-results")).to_have_attribute("data-expr", "img(coffee)")
    type_in(widget, START)
    expect(widget.locator(".z-results")).to_have_attribute("data-expr", START)
    expect(widget.locator(".z-block")).to_have_count(2)
    return widget


def type_in(widget: Any, text: str) -> None:
    widget.get_by_label("Expression", exact=True).fill(text)


def words(widget: Any) -> list[str]:
    return widget.locator(".z-words li").all_text_contents()


def expression(widget: Any) -> Any:
    return expect(widget.get_by_label("Expression", exact=True))


def test_a_remark_is_shown_as_text_until_it_no_longer_holds(lab: Any) -> None:
    type_in(lab, '"<b>茶</b>茶 茶"')
    expect(lab.locator(".z-remarks p")).to_contain_text("“<b>茶</b>茶 茶”")
    assert not lab.locator(".z-remarks b").count()
    type_in(lab, START)
    expect(lab.locator(".z-remarks p")).to_have_count(0)


def test_a_rectangle_drawn_on_a_picture_is_a_crop(lab: Any) -> None:
    block = lab.locator(".z-block").first
    block.get_by_label("Use a part of picture coffee").click()
    frame = block.locator(".z-frame")
    expect(frame).to_have_class(re.compile("z-drawing"))
    box = frame.bounding_box()
    page = lab.page
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 2, steps=4)
    page.mouse.up()
    expression(lab).to_have_value(re.compile(r'^crop\(img\(coffee\), 0(\.0\d+)?, .*\) \+ "tea"$'))
    expect(lab.locator(".z-part")).to_have_count(1)
    expect(lab.locator(".z-results")).to_have_attribute("data-expr", re.compile("^crop"))
    lab.locator(".z-block").first.get_by_label("Use a part of picture coffee").click()
    page.keyboard.press("Escape")
    expression(lab).to_have_value(START)


def test_queries_and_sets_show_in_the_widget(lab: Any) -> None:
    type_in(lab, 'both(img(coffee), "a glass")')
    expect(lab.locator(".z-results")).to_have_attribute("data-expr", re.compile("^both"))
    expect(lab.locator(".z-words li")).to_have_count(10)
    type_in(lab, 'imgs("*_flag")')
    expect(lab.locator(".z-results")).to_have_attribute("data-expr", re.compile("^imgs"))
    expect(lab.locator(".z-nearest img").first).to_be_visible()


def test_typing_changes_the_blocks_unless_it_is_invalid(lab: Any) -> None:
    type_in(lab, 'img(coffee) - 0.5 * ("tea" + img(cat)) + mean("snow", "sea")')
    expect(lab.locator(".z-block")).to_have_count(5)
    expect(lab.locator(".z-group .z-block")).to_have_count(2)
    expect(lab.locator(".z-whole")).to_contain_text("mean(")
    before = words(lab)
    type_in(lab, 'img(coffee) - 0.5 * ("te')
    expect(lab.locator(".z-error")).to_contain_text("^")
    assert lab.locator(".z-block").count() == 5 and words(lab) == before
    type_in(lab, "img(coffee")
    expect(lab.locator(".z-error")).to_contain_text("Line 1, column")
    type_in(lab, "img(coffee)")
    expect(lab.locator(".z-error")).to_be_hidden()
    expect(lab.locator(".z-block")).to_have_count(1)


def test_a_slider_changes_words_and_text(lab: Any) -> None:
    before = words(lab)
    slider = lab.locator("input[type=range]").nth(1)
    slider.focus()
    slider.press("Home")
    expression(lab).to_have_value('img(coffee) - 2 * "tea"')
    expect(lab.locator(".z-results")).to_have_attribute("data-expr", 'img(coffee) - 2 * "tea"')
    assert words(lab) != before
    expect(lab.locator("input[type=number]").nth(1)).to_have_value("-2")
    lab.get_by_label("Minus: change the sign").click()
    expression(lab).to_have_value('img(coffee) + 2 * "tea"')
    slider.press("Control+z")
    slider.press("Control+z")
    expression(lab).to_have_value(START)
    assert words(lab) == before
    slider.press("Control+Shift+z")
    expression(lab).to_have_value('img(coffee) - 2 * "tea"')


def test_terms_are_dragged_clicked_moved_and_grouped(lab: Any) -> None:
    lab.get_by_role("searchbox").fill("rock")
    coffee = lab.get_by_role("button", name="Add coffee", exact=True)
    expect(coffee).to_have_count(0)  # a drag is lost if the gallery is drawn again under it
    picture = lab.get_by_role("button", name="Add rocket", exact=True)
    picture.drag_to(lab.locator(".z-blocks"), target_position={"x": 20, "y": 60})
    expression(lab).to_have_value('img(rocket) + img(coffee) + "tea"')
    lab.get_by_role("button", name="Add snow", exact=True).first.click()
    expression(lab).to_have_value('img(rocket) + img(coffee) + "tea" + "snow"')
    lab.locator(".z-block").first.focus()
    lab.page.keyboard.press("Alt+ArrowRight")
    expression(lab).to_have_value('img(coffee) + img(rocket) + "tea" + "snow"')
    expect(lab.locator(".z-block").nth(1)).to_be_focused()
    for place in (0, 2):
        lab.locator(".z-block input[type=checkbox]").nth(place).check()
    lab.get_by_role("button", name="Group the selected terms").click()
    expression(lab).to_have_value('1 * (img(coffee) + "tea") + img(rocket) + "snow"')
    lab.locator(".z-block", has_text="“snow”").last.drag_to(lab.locator(".z-inner"))
    expect(lab.locator(".z-inner .z-block")).to_have_count(3)
    lab.get_by_role("button", name="Ungroup").click()
    expect(lab.locator(".z-inner")).to_have_count(0)
    expect(lab.locator(".z-block")).to_have_count(4)
    lab.get_by_role("searchbox").fill("")


def test_a_pasted_picture_is_added_and_other_files_are_refused(lab: Any) -> None:
    lab.evaluate(
        """async (root) => {
          const canvas = Object.assign(document.createElement('canvas'), {width: 60, height: 40});
          const blob = await new Promise((done) => canvas.toBlob(done));
          const data = new DataTransfer();
          data.items.add(new File([blob], 'pasted one.png', {type: 'image/png'}));
          root.querySelector('.z-drop').dispatchEvent(
            new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}));
        }"""
    )
    expect(lab.locator(".z-block.z-image")).to_have_count(2)
    expect(lab.locator(".z-notice")).to_contain_text("Added “pasted one.png” as img(")
    expect(lab.locator(".z-image img")).to_have_count(2)
    drop(lab, "new Uint8Array(2e6).fill(60)", "notes.txt")
    expect(lab.locator(".z-notice")).to_contain_text("Can't read “notes.txt”")
    drop(lab, "new Uint8Array(5e7)", "big.png")
    expect(lab.locator(".z-notice")).to_contain_text("the limit is 20 MB")
    assert lab.locator(".z-block").count() == 3


def drop(widget: Any, data: str, name: str) -> None:
    widget.evaluate(
        f"""(root, name) => {{
          const data = new DataTransfer();
          data.items.add(new File([{data}], name));
          root.querySelector('.z-drop').dispatchEvent(
            new DragEvent('drop', {{dataTransfer: data, bubbles: true, cancelable: true}}));
        }}""",
        name,
    )


def test_a_caption_is_stopped(book: Notebook) -> None:
    book.run(1)
    lab = book.widget(1)  # zerocap is slow enough to be stopped
    lab.get_by_role("button", name="Write a caption").click()
    sentence = lab.locator(".z-sentence")
    expect(sentence).to_contain_text("Image of", timeout=60_000)
    slider = lab.locator("input[type=range]").nth(1)
    slider.focus()
    slider.press("Home")
    expression(lab).to_have_value('img(coffee) - 2 * "tea"')
    lab.get_by_role("button", name="Stop writing").click()
    expect(lab.locator(".z-caption")).to_contain_text("stopped", timeout=30_000)
    expect(lab.get_by_role("button", name="Write a caption")).to_be_enabled()
    expect(sentence).to_contain_text("Image of")


def test_two_widgets_of_one_calculator(book: Notebook, lab: Any) -> None:
    book.run(2)
    other = book.widget(2)
    type_in(other, '"snow"')
    expression(other).to_have_value('"snow"')
    expect(other.locator(".z-block")).to_have_count(1)
    expression(lab).to_have_value(START)


def test_hostile_names_add_no_elements(notebook: Callable, tmp_path: Path) -> None:
    for i, name in enumerate(HOSTILE):
        save_photo(tmp_path / f"{name}.png".replace("/", "∕"), f"hsl({i * 8}, 90%, 50%)")
    book = notebook(
        f"import zcalc; calc = zcalc.load('mini', images={str(tmp_path)!r})\n"
        "from zcalc.language import image, total, unparse, Text\n"
        "names = [picture.name for picture in calc.gallery]\n"
        f"texts = {HOSTILE[:12]!r}\n"
        "tree = total(*map(image, names), *map(Text, texts))\n"
        "calc.lab(unparse(tree))",
        "calc.search(unparse(tree))",
    )
    book.run()
    book.run(1)
    for widget in (book.widget(), book.widget(1)):
        names = widget.locator("figcaption, .z-chip-name").all_text_contents()
        assert sum(name in names for name in HOSTILE) > 30
        tags, attributes = widget.evaluate(
            """root => [[...root.querySelectorAll('*')].map(e => e.localName),
                        [...root.querySelectorAll('*')].flatMap(e => e.getAttributeNames())]"""
        )
        assert not {"script", "svg", "b", "h1", "iframe", "style", "a"} & set(tags)
        assert not [name for name in attributes if name.startswith("on") or name == "href"]
    assert book.dialogs == []


def test_a_restarted_kernel_is_noticed(notebook: Callable) -> None:
    book = notebook(OPEN)
    book.run()
    widget = book.widget()
    book.restart_kernel()
    slider = widget.locator("input[type=range]").first
    slider.focus()
    slider.press("Home")
    notice = expect(widget.locator(".z-notice"))
    notice.to_contain_text("run the cell again", ignore_case=True, timeout=30_000)
    assert widget.locator(".z-block").count() == 2 and len(words(widget)) == 10
