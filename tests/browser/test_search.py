"""The reverse-search widget in JupyterLab."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

OPEN = "import zcalc; calc = zcalc.load('mini')\ncalc.search('img(coffee)')"


def names(widget: Any) -> list[str]:
    return widget.locator(".z-hits figcaption").all_text_contents()


def test_a_search_from_a_picture_to_another(notebook: Callable) -> None:
    book = notebook(OPEN)
    book.run()
    widget = book.widget()
    equation = expect(widget.get_by_label("Expression", exact=True))
    expect(widget.locator(".z-hit")).to_have_count(12)
    first = names(widget)[0]
    widget.get_by_role("button", name=f"More like {first}", exact=True).click()
    equation.to_have_value(f"img(coffee) + 0.5 * img({first})")
    expect(widget.locator(".z-results")).to_have_attribute(
        "data-expr", f"img(coffee) + 0.5 * img({first})"
    )
    last = names(widget)[-1]
    widget.get_by_role("button", name=f"Less like {last}", exact=True).click()
    equation.to_have_value(f"img(coffee) + 0.5 * img({first}) - 0.25 * img({last})")
    expect(widget.locator(".z-chip")).to_have_count(3)
    widget.get_by_label("Where", exact=True).fill("name > 'm'")
    expect(widget.locator(".z-hits figcaption").first).to_be_visible()
    widget.page.wait_for_function(
        "() => [...document.querySelectorAll('.z-hits figcaption')]"
        ".every(one => one.textContent > 'm')"
    )
    widget.get_by_label("Where", exact=True).fill("year >")
    expect(widget.locator(".z-notice")).to_contain_text("condition")
    assert all(name > "m" for name in names(widget))
    widget.get_by_label("Where", exact=True).fill("")
    expect(widget.locator(".z-notice")).to_be_hidden()
    name = names(widget)[1]
    widget.get_by_role("button", name=f"Show details of {name},").click()
    expect(widget.locator(".z-preview")).to_contain_text(name)
    expect(widget.locator(".z-preview")).to_contain_text("file")
    widget.page.keyboard.press("Escape")
    expect(widget.locator(".z-preview")).to_be_hidden()
    widget.get_by_label("Diversity").focus()
    widget.page.keyboard.press("End")
    expect(widget.locator(".z-value").last).to_have_text("1.00")
