"""Cards in JupyterLab: run, saved, and there again when the page is loaded anew."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

CARD = "import zcalc; calc = zcalc.load('mini')\ncalc('img(coffee) - \"coffee\" + \"tea\"')"
LAB = 'calc.lab(\'img(coffee) - 0.5 * ("coffee" + img(cat)) + "tea"\')'
SEARCH = "calc.search('img(coffee) + \"tea\"')"


def test_a_saved_card_is_there_after_loading_the_page_again(notebook: Callable) -> None:
    book = notebook(CARD)
    book.run()
    card = book.output().locator(".zcalc")
    expect(card).to_contain_text("Nearest words")
    text = card.inner_text()
    book.page.keyboard.press("Control+s")
    book.page.locator(".jp-DirtyIndicator, .jp-mod-dirty").first.wait_for(state="detached")
    book.page.reload()
    book.settle()
    again = book.output().locator(".zcalc")
    expect(again).to_contain_text("Nearest words")
    assert again.inner_text() == text
    assert again.locator("img").first.evaluate("image => image.naturalWidth") > 0


@pytest.mark.parametrize(
    ("theme", "width"), [("Light", 1280), ("Dark", 1280), ("Light", 400), ("Dark", 400)]
)
def test_nothing_is_wider_than_the_page(notebook: Callable, theme: str, width: int) -> None:
    """Leaves screenshots of the card and both widgets; nothing in them may overflow."""
    book = notebook(CARD, LAB, SEARCH, theme=theme, width=1280, height=1800)
    for cell in range(3):
        book.run(cell)
    if width < 1000:  # the notebook's own columns leave no room: narrow the output itself
        style = f".jp-OutputArea-output {{ max-width: {width}px !important; }}"
        book.page.add_style_tag(content=style)
    outputs = (".zcalc", ".zcalc-lab", ".zcalc-search")
    for cell, kind in enumerate(outputs):
        shown = book.output(cell).locator(kind).first
        expect(shown).to_be_visible()
        shown.scroll_into_view_if_needed()
        book.picture(shown, f"{kind[1:]}-{theme.lower()}-{width}")
        box = shown.bounding_box()
        assert box and box["width"] <= width
        wider = shown.evaluate(
            """root => [...root.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right
               > root.getBoundingClientRect().right + 1
               && !e.closest('.z-error, .z-hidden, .compared')).map(e => e.className)"""
        )
        assert wider == []
