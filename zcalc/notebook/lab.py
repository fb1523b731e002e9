"""The image-algebra widget: edit an expression by hand and see live results."""

from typing import TYPE_CHECKING, Any

import traitlets

from zcalc.answer import View
from zcalc.decodable import Decodable
from zcalc.errors import ZcalcError
from zcalc.expression import Expression
from zcalc.notebook.live import PICTURES, WORDS, hit_data
from zcalc.notebook.panel import SHARED_SCRIPTS, Panel, Request, read_sources
from zcalc.notebook.writing import Writer
from zcalc.result import Scalar
from zcalc.show.card import caption_line
from zcalc.show.data import word_data

if TYPE_CHECKING:
    from zcalc.calculator import Calculator
    from zcalc.decode.caption import Caption

SUGGESTIONS = (
    "man", "woman", "child", "dog", "night", "snow", "summer", "sea", "old", "happy", "red", "city",
)  # fmt: skip


class Lab(Panel):
    """An expression as weighted blocks, with its nearest words and pictures and a caption."""

    _esm = read_sources(*SHARED_SCRIPTS, "blocks.js", "lab.js")
    _css = read_sources("widgets.css")
    caption = traitlets.Dict().tag(sync=True)
    suggestions = traitlets.List(list(SUGGESTIONS)).tag(sync=True)

    def __init__(self, calculator: "Calculator", expr: str = "") -> None:
        self._writer, self._captioned = Writer(self._update_caption), ""
        super().__init__(calculator, expr)

    @property
    def handlers(self) -> dict:
        """The request handlers by name."""
        return super().handlers | {
            "caption": self._write_caption,
            "stop": lambda _: self._writer.stop(),
        }

    def wait(self, seconds: float | None = None) -> None:
        """Wait until no caption is being written."""
        self._writer.wait(seconds)

    def _compute(self, result: Expression[Any, Any]) -> dict[str, Any]:
        if isinstance(result, Scalar):
            remarks = list(result.remarks)
            return {"expr": result.expr, "number": result.value, "remarks": remarks}
        answer = result.answer(View(words=WORDS, pictures=PICTURES))
        words = [word_data(word) for word in answer.words or ()]
        words += [{"text": one.text, "score": round(one.auroc, 4)} for one in answer.diff or ()]
        shown = answer.images or tuple(hit for strip in answer.strips for hit in strip.pictures)
        return {
            "expr": answer.expr,
            "norm": answer.norm,
            "words": words,
            "pictures": hit_data(shown[:PICTURES]),
            "remarks": list(answer.remarks),
        }

    def _write_caption(self, _: Request) -> None:
        if not self.expr:
            raise ZcalcError("There is no expression to caption.", "Add a picture or a word.")
        result = self.live.result(self.expr)
        if not isinstance(result, Decodable):
            hint = "Captions are of points and queries: add pictures or words."
            raise ZcalcError("This has no caption.", hint)
        self._captioned = self.expr
        self._writer.start(result)

    def _update_caption(self, caption: "Caption | None", running: bool, error: str) -> None:
        """Show the caption so far; called from the writer's thread."""
        with self._lock:
            self.caption = {
                "expr": self._captioned,
                "text": caption.text if caption else "",
                "scores": "" if caption is None or running else _scores(caption),
                "stopped": bool(caption and not running and not caption.finished),
                "running": running,
                "error": error,
            }


def _scores(caption: "Caption") -> str:
    return caption_line(caption.best_clip, caption.method)
