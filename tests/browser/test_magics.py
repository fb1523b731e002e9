"""The magics in JupyterLab, typed by hand."""

from collections.abc import Callable

from playwright.sync_api import expect


def test_tab_completes_pictures_in_a_magic_cell(notebook: Callable) -> None:
    book = notebook("%load_ext zcalc\nimport zcalc; calc = zcalc.load('mini')", "%%zcalc")
    book.run()
    cell = book.page.locator(".jp-Notebook .jp-Cell").nth(1)
    cell.locator(".cm-content").click()
    book.page.keyboard.press("Control+End")
    book.page.keyboard.type("\nimg(rock", delay=30)
    content = cell.locator(".cm-content")
    for _ in range(10):  # JupyterLab drops replies slower than a second, such as the first
        book.page.keyboard.press("Tab")
        book.page.wait_for_timeout(1500)
        if "rocket" in content.inner_text():
            break
    expect(content).to_contain_text("img(rocket", timeout=1000)
