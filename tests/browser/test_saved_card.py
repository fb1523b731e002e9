"""Cards in JupyterLab: run, saved, still there after a reload, and how they look."""

from collections.abc import Callable

from playwright.sync_api import expect

CARD = "import zcalc; calc = zcalc.load('mini')\ncalc('img(coffee) - \"coffee\" + \"tea\"')"
LAB = 'calc.lab(\'img(coffee) - 0.5 * ("coffee" + img(cat)) + "tea"\')'
SEARCH = "calc.search('img(coffee) + \"tea\"')"


def test_a_saved_card_survives_a_reload(notebook: Callable) -> None:
    book = notebook(CARD)
    book.run()
    card = book.output().locator(".zcalc")
    expect(card).to_contain_text("Nearest words")
    text = card.inner_text()
    with book.page.expect_response(
        lambda answer: answer.request.method == "PUT" and ".ipynb" in answer.url
    ):
        book.page.keyboard.press("Control+s")
    book.page.reload()
    book.settle()
    reloaded = book.output().locator(".zcalc")
    expect(reloaded).to_contain_text("Nearest words")
    assert reloaded.inner_text() == text
    assert reloaded.locator("img").first.evaluate("image => image.naturalWidth") > 0


def test_nothing_overflows(notebook: Callable) -> None:
    """Also saves screenshots of the card and both widgets."""
    book = notebook(CARD, LAB, SEARCH, height=2600)
    for cell in range(3):
        book.run(cell)
    lab = book.widget(1)
    lab.get_by_role("button", name="Write a caption").click()
    expect(lab.locator(".z-caption")).to_contain_text("cosine", timeout=60_000)
    for width in (1280, 500, 400):
        # the notebook's columns take up the width: narrow the output itself
        style = f".jp-OutputArea-output {{ max-width: {width}px !important; }}"
        book.page.add_style_tag(content=style)
        for theme in ("light", "dark"):
            book.page.emulate_media(color_scheme=theme)
            body = f"body[data-jp-theme-light='{str(theme == 'light').lower()}']"
            book.page.wait_for_selector(body, state="attached", timeout=20_000)
            for cell, kind in enumerate(("zcalc", "zcalc-lab", "zcalc-search")):
                element = book.output(cell).locator(f".{kind}").first
                element.scroll_into_view_if_needed()
                book.screenshot(element, f"{kind}-{theme}-{width}")
                box = element.bounding_box()
                assert box and box["width"] <= width
                overflowing = element.evaluate(
                    """root => [...root.querySelectorAll('*')].filter(e =>
                       e.getBoundingClientRect().right > root.getBoundingClientRect().right + 1
                       && !e.closest('.z-error, .z-hidden, .compared')).map(e => e.className)"""
                )
                assert overflowing == []
