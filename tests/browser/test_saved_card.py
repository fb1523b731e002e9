"""Cards in JupyterLab: run, saved, there again when the page is loaded anew, and how they look."""

from collections.abc import Callable

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
    with book.page.expect_response(
        lambda answer: answer.request.method == "PUT" and ".ipynb" in answer.url
    ):
        book.page.keyboard.press("Control+s")
    book.page.reload()
    book.settle()
    again = book.output().locator(".zcalc")
    expect(again).to_contain_text("Nearest words")
    assert again.inner_text() == text
    assert again.locator("img").first.evaluate("image => image.naturalWidth") > 0


def test_nothing_is_wider_than_its_place(notebook: Callable) -> None:
    """Leaves screenshots of the card and both widgets; nothing in them may overflow."""
    book = notebook(CARD, LAB, SEARCH, height=2600)
    for cell in range(3):
        book.run(cell)
    lab = book.widget(1)
    lab.get_by_role("button", name="Write a caption").click()
    expect(lab.locator(".z-caption")).to_contain_text("cosine", timeout=60_000)
    for width in (1280, 500, 400):
        # the notebook's own columns leave no room: narrow the output itself
        style = f".jp-OutputArea-output {{ max-width: {width}px !important; }}"
        book.page.add_style_tag(content=style)
        for theme in ("light", "dark"):
            book.page.emulate_media(color_scheme=theme)
            body = f"body[data-jp-theme-light='{str(theme == 'light').lower()}']"
            book.page.wait_for_selector(body, state="attached", timeout=20_000)
            for cell, kind in enumerate(("zcalc", "zcalc-lab", "zcalc-search")):
                shown = book.output(cell).locator(f".{kind}").first
                shown.scroll_into_view_if_needed()
                book.picture(shown, f"{kind}-{theme}-{width}")
                box = shown.bounding_box()
                assert box and box["width"] <= width
                wider = shown.evaluate(
                    """root => [...root.querySelectorAll('*')].filter(e =>
                       e.getBoundingClientRect().right > root.getBoundingClientRect().right + 1
                       && !e.closest('.z-error, .z-hidden, .compared')).map(e => e.className)"""
                )
                assert wider == []
