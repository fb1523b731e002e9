"""The image-algebra widget in JupyterLab, used as a person uses it."""

from collections.abc import Callable

OPEN = "import zcalc; calc = zcalc.load('mini')\nlab = calc.lab('img(coffee) + \"tea\"')\nlab"


def test_typing_changes_the_blocks(notebook: Callable) -> None:
    book = notebook(OPEN)
    book.run()
    widget = book.widget()
    equation = widget.get_by_label("The expression")
    equation.fill('img(coffee) - 0.5 * "tea" + "snow"')
    widget.locator(".z-block").nth(2).wait_for()
    book.picture(widget, "lab-light")
