"""The image-algebra widget: an expression put together by hand, with what it comes to, live."""

from typing import TYPE_CHECKING, Any

import traitlets

from zcalc.errors import ZcalcError
from zcalc.notebook.card import about_caption
from zcalc.notebook.live import PICTURES, shown_hits, shown_words
from zcalc.notebook.panel import Panel, Request, carried
from zcalc.notebook.writing import Writer
from zcalc.result import Result, Scalar

if TYPE_CHECKING:
    from zcalc.calculator import Calculator
    from zcalc.decode.caption import Caption

SUGGESTED = (
    "man", "woman", "child", "dog", "night", "snow", "summer", "sea", "old", "happy", "red", "city",
)  # fmt: skip


class Lab(Panel):
    """Blocks and their weights; words, pictures and a caption of what they come to."""

    _esm = carried("panel.js", "blocks.js", "lab.js")
    _css = carried("widgets.css")
    caption = traitlets.Dict().tag(sync=True)
    suggested = traitlets.List(list(SUGGESTED)).tag(sync=True)

    def __init__(self, calculator: "Calculator", expr: str = "") -> None:
        self._writer, self._writing = Writer(self._heard), ""
        super().__init__(calculator, expr)

    @property
    def handlers(self) -> dict:
        """What can be asked for, by its name."""
        return super().handlers | {"caption": self._caption, "stop": lambda _: self._writer.stop()}

    def wait(self, seconds: float | None = None) -> None:
        """Wait for the caption that is being written."""
        self._writer.wait(seconds)

    def _computed(self, result: Result | Scalar) -> dict[str, Any]:
        if isinstance(result, Scalar):
            return {"expr": result.expr, "number": result.value}
        return {
            "expr": result.expr,
            "norm": result.norm,
            "words": shown_words(result),
            "pictures": shown_hits(result.nearest(PICTURES)),
        }

    def _caption(self, _: Request) -> None:
        if not self.expr:
            raise ZcalcError("There is nothing to write about yet.", "Add a picture or a word.")
        result = self.live.result(self.expr)
        if isinstance(result, Scalar):
            raise ZcalcError("A number has no caption.", "Write an expression of pictures.")
        self._writing = self.expr
        self._writer.start(result)

    def _heard(self, caption: "Caption | None", running: bool, wrong: str) -> None:
        """Show a caption as it grows; called from the thread that writes it."""
        with self._turn:
            self.caption = {
                "expr": self._writing,
                "text": caption.text if caption else "",
                "about": about_caption(caption) if caption and not running else "",
                "stopped": bool(caption and not running and not caption.finished),
                "running": running,
                "wrong": wrong,
            }
