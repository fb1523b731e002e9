"""The magics in JupyterLab, typed as a person types them."""

from collections.abc import Callable

from playwright.sync_api import expect


def test_tab_completes_pictures_in_a_cell_of_the_language(notebook: Callable) -> None:
    book = notebook("%load_ext zcalc\nimport zcalc; calc = zcalc.load('mini')", "%%zcalc")
    book.run()
    cell = book.page.locator(".jp-Notebook .jp-Cell").nth(1)
    cell.locator(".cm-content").click()
    book.page.keyboard.press("Control+End")
    book.page.keyboard.type("\nimg(rock", delay=30)
    book.page.keyboard.press("Tab")
    expect(cell.locator(".cm-content")).to_contain_text("rocket", timeout=20_000)
    book.page.keyboard.press("End")
    if ")" not in cell.locator(".cm-content").inner_text():
        book.page.keyboard.type(")")
    book.run(1)
    expect(book.output(1).locator(".zcalc")).to_contain_text("Nearest words", timeout=30_000)
