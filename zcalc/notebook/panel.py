"""The base of both widgets: requests from the browser, the draft, the gallery, uploads.

The browser sets the trait `request` and waits for its `id` in `answered`; everything it displays is
in other traits, as JSON. So a widget only needs synced traits, and a second view or a reloaded page
shows the current state.
"""

import threading
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from zcalc.answer import View
from zcalc.decodable import Decodable
from zcalc.errors import ZcalcError
from zcalc.expression import Expression
from zcalc.language import LanguageError, Text, image, unparse
from zcalc.notebook import blocks as edit
from zcalc.notebook.blocks import Block, Path, block_at
from zcalc.notebook.draft import Draft, expression
from zcalc.notebook.live import WORDS, Live
from zcalc.notebook.upload import MAX_BYTES, Uploads, display_name, picture_name
from zcalc.show.card import card_html

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

Request = dict[str, Any]
SHARED_SCRIPTS = ("dom.js", "link.js", "panel.js")


@cache
def read_sources(*names: str) -> str:
    """Concatenate source files of this package; the widgets' JavaScript needs no build step."""
    folder = files("zcalc.notebook")
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


class Panel(anywidget.AnyWidget):
    """A widget on a calculator; `draft` is its expression, `results` what it evaluates to."""

    request = traitlets.Dict().tag(sync=True)
    answered = traitlets.Unicode().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    results = traitlets.Dict().tag(sync=True)
    gallery = traitlets.Dict().tag(sync=True)
    thumbnails = traitlets.Dict().tag(sync=True)
    notice = traitlets.Dict().tag(sync=True)
    max_upload = traitlets.Int(MAX_BYTES).tag(sync=True)

    def __init__(self, calculator: "Calculator", expr: str = "") -> None:
        super().__init__()
        self.calculator = calculator
        self.live = Live(calculator)
        self.draft = Draft(expr, self.live.read)
        self._uploads = Uploads()
        self._lock = threading.RLock()
        self.gallery = self.live.browse("")
        self._refresh()
        self.observe(self._on_request, "request")

    @property
    def expr(self) -> str:
        """The last valid expression."""
        return self.draft.state.valid

    @property
    def result(self) -> Any:
        """The result of the expression, for use in Python."""
        return self.calculator(self.expr)

    def handle(self, request: Request) -> None:
        """Handle a request of the browser; errors become the notice."""
        kind = str(request.get("do"))
        with self._lock, self.hold_sync():
            self.notice = {}
            try:
                if kind not in self.handlers:
                    hint = "Run the cell again to update the widget."
                    raise ZcalcError(f"Unknown request {kind!r}.", hint)
                self.handlers[kind](request)
            except (ZcalcError, KeyError, TypeError, ValueError) as error:
                self._show_error(error)
            self.answered = str(request.get("id", ""))

    @property
    def handlers(self) -> dict[str, Callable[[Request], None]]:
        """The request handlers by name."""
        edits = {
            "type": self._type, "add": self._add, "reweight": self._reweight,
            "remove": self._remove, "move": self._move, "group": self._group,
            "ungroup": self._ungroup, "crop": self._crop,
            "undo": lambda _: self.draft.undo(), "redo": lambda _: self.draft.redo(),
        }  # fmt: skip
        refreshing = {name: self._then_refresh(handler) for name, handler in edits.items()}
        return refreshing | {
            "browse": self._browse, "upload": self._upload, "ping": lambda _: None,
        }  # fmt: skip

    def _then_refresh(self, handler: Callable[[Request], None]) -> Callable[[Request], None]:
        def handle(request: Request) -> None:
            handler(request)
            self._refresh()

        return handle

    def _on_request(self, change: Any) -> None:
        if change.new:
            self.handle(change.new)

    def _refresh(self) -> None:
        """Update the traits; an invalid expression keeps the previous results."""
        state = self.draft.state
        if state.error is None and state.text.strip():
            try:
                result = self.live.result(state.text)
                self.results = self._compute(result)
                self.thumbnails = self.live.thumbnails(expression(state.text))
            except LanguageError as error:
                self.draft.reject(error)
            except ZcalcError as error:
                self._show_error(error)
        elif not state.text.strip():
            self.results, self.thumbnails = {}, {}
        self.state = self.draft.data()

    def _compute(self, result: Expression[Any, Any]) -> dict[str, Any]:
        """The `results` of a valid expression, as JSON."""
        raise NotImplementedError

    def _show_error(self, error: Exception) -> None:
        message, hint = getattr(error, "message", str(error)), getattr(error, "hint", "")
        self.notice = {"message": message, "hint": hint}

    def _type(self, request: Request) -> None:
        self.draft.type(str(request["text"]))

    def _add(self, request: Request) -> None:
        name, weight = str(request["name"]), float(request.get("weight", 1))
        node = image(name) if request["kind"] == "image" else Text(name)
        blocks = self.draft.state.blocks
        to = _path(request["to"]) if request.get("to") else (len(blocks),)
        self.draft.change(edit.insert(blocks, to, Block(weight, node)))

    def _reweight(self, request: Request) -> None:
        path, weight = _path(request["path"]), float(request["weight"])
        blocks = self.draft.state.blocks
        flipped = weight == -block_at(blocks, path).weight  # a separate undo step
        kind = "" if flipped else f"reweight {path}"
        self.draft.change(edit.reweight(blocks, path, weight), kind)

    def _remove(self, request: Request) -> None:
        self.draft.change(edit.remove(self.draft.state.blocks, _path(request["path"])))

    def _move(self, request: Request) -> None:
        path, to = _path(request["path"]), _path(request["to"])
        self.draft.change(edit.move(self.draft.state.blocks, path, to))

    def _group(self, request: Request) -> None:
        self.draft.change(edit.group(self.draft.state.blocks, map(_path, request["paths"])))

    def _ungroup(self, request: Request) -> None:
        self.draft.change(edit.ungroup(self.draft.state.blocks, _path(request["path"])))

    def _crop(self, request: Request) -> None:
        path, box = _path(request["path"]), request.get("box")
        shares = None if box is None else [round(min(1.0, max(0.0, float(x))), 3) for x in box]
        self.draft.change(edit.crop(self.draft.state.blocks, path, shares))

    def _browse(self, request: Request) -> None:
        self.gallery = self.live.browse(str(request["search"]), int(request.get("start", 0)))

    def _upload(self, request: Request) -> None:
        name = str(request["name"])
        part, parts = int(request["part"]), int(request["parts"])
        picture = self._uploads.receive(name, part, parts, str(request["data"]))
        if picture is None:
            return
        node = image(self.calculator.add_picture(picture, picture_name(name)))
        self.draft.add(node)
        self.gallery = self.live.browse("")
        self._refresh()
        self.notice = {"message": f"Added {display_name(name)} as {unparse(node)}.", "ok": True}

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        if data is None:
            return bundle
        return {**data, **self._static_bundle()}, metadata

    def _static_bundle(self) -> dict[str, str]:
        """What a notebook shows without a kernel: the expression as text and as a card."""
        text = f"<zcalc {type(self).__name__.lower()}: {self.expr or 'empty'}>"
        try:
            result = self.live.result(self.expr)
            if isinstance(result, Decodable):
                answer = result.answer(View(words=WORDS))
                return {"text/plain": text, "text/html": card_html(answer)}
        except ZcalcError:
            pass
        return {"text/plain": text}


def _path(path: Any) -> Path:
    return tuple(int(index) for index in path)
