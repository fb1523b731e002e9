"""What both widgets share: requests from the browser, the draft, the shelves, pictures sent in.

The browser writes a request into one trait and waits for its `id` in `answered`; everything that is
shown comes back in others, as JSON. So a widget works wherever traits travel, and a new view, or a
page that is loaded again, shows what the traits hold.
"""

import threading
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from zcalc.errors import ZcalcError
from zcalc.language import LanguageError, Text, image
from zcalc.notebook.blocks import Block as NewBlock
from zcalc.notebook.blocks import Path, grouped, inserted, moved, removed, ungrouped, weighed
from zcalc.notebook.blocks import at as block_at
from zcalc.notebook.draft import Draft, expression
from zcalc.notebook.live import Live
from zcalc.notebook.upload import MOST, Uploads, shown, stem
from zcalc.result import Result, Scalar

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

Request = dict[str, Any]


@cache
def carried(*names: str) -> str:
    """Files of this package as one text: the widgets' scripts are modules without a build."""
    folder = files("zcalc.notebook")
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


class Panel(anywidget.AnyWidget):
    """A widget on a calculator: `draft` is its expression, `results` what it comes to."""

    request = traitlets.Dict().tag(sync=True)
    answered = traitlets.Unicode().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    results = traitlets.Dict().tag(sync=True)
    shelf = traitlets.Dict().tag(sync=True)
    thumbnails = traitlets.Dict().tag(sync=True)
    notice = traitlets.Dict().tag(sync=True)
    most = traitlets.Int(MOST).tag(sync=True)

    def __init__(self, calculator: "Calculator", expr: str = "") -> None:
        super().__init__()
        self.calculator = calculator
        self.live = Live(calculator)
        self.draft = Draft(expr, self.live.read)
        self._uploads = Uploads()
        self._turn = threading.RLock()
        self.shelf = self.live.shelf("")
        self._show()
        self.observe(self._asked, "request")

    @property
    def expr(self) -> str:
        """The expression, the last one that made sense."""
        return self.draft.state.good

    @property
    def result(self) -> Result | Scalar:
        """What the expression comes to, to go on with in Python."""
        return self.calculator(self.expr)

    def answer(self, request: Request) -> None:
        """Do what the browser asks; what goes wrong becomes the notice."""
        handler = self.handlers.get(str(request.get("do")))
        with self._turn, self.hold_sync():
            self.notice = {}
            try:
                if handler is None:
                    raise ZcalcError("The page asks for something that this zcalc doesn't know.")
                handler(request)
            except (ZcalcError, KeyError, TypeError, ValueError) as error:
                self._say(error)
            self.answered = str(request.get("id", ""))

    @property
    def handlers(self) -> dict[str, Callable[[Request], None]]:
        """What can be asked for, by its name."""
        edits = {
            "type": self._type, "add": self._add, "weigh": self._weigh, "remove": self._remove,
            "move": self._move, "group": self._group, "ungroup": self._ungroup,
            "undo": lambda _: self.draft.undo(), "redo": lambda _: self.draft.redo(),
        }  # fmt: skip
        shown = {name: self._then_show(edit) for name, edit in edits.items()}
        return shown | {
            "shelf": self._shelf, "upload": self._upload, "ping": lambda _: None,
        }  # fmt: skip

    def _then_show(self, edit: Callable[[Request], None]) -> Callable[[Request], None]:
        def handler(request: Request) -> None:
            edit(request)
            self._show()

        return handler

    def _asked(self, change: Any) -> None:
        if change.new:
            self.answer(change.new)

    def _show(self) -> None:
        """Bring the traits up to date; results stay as they were where there are no new ones."""
        state = self.draft.state
        if state.error is None and state.text.strip():
            try:
                result = self.live.result(state.text)
                self.results = self._computed(result)
                self.thumbnails = self.live.thumbnails(expression(state.text))
            except LanguageError as error:
                self.draft.refuse(error)
            except ZcalcError as error:
                self._say(error)
        elif not state.text.strip():
            self.results, self.thumbnails = {}, {}
        self.state = self.draft.data()

    def _computed(self, result: Result | Scalar) -> dict[str, Any]:
        raise NotImplementedError

    def _say(self, error: Exception) -> None:
        message, hint = getattr(error, "message", str(error)), getattr(error, "hint", "")
        self.notice = {"message": message, "hint": hint}

    def _type(self, request: Request) -> None:
        self.draft.type(str(request["text"]))

    def _add(self, request: Request) -> None:
        name, weight = str(request["name"]), float(request.get("weight", 1))
        node = image(name) if request["kind"] == "image" else Text(name)
        blocks = self.draft.state.blocks
        to = _path(request["to"]) if request.get("to") else (len(blocks),)
        self.draft.change(inserted(blocks, to, NewBlock(weight, node)))

    def _weigh(self, request: Request) -> None:
        path, weight = _path(request["path"]), float(request["weight"])
        blocks = self.draft.state.blocks
        flipped = weight == -block_at(blocks, path).weight  # a step of its own
        self.draft.change(weighed(blocks, path, weight), "" if flipped else f"weigh {path}")

    def _remove(self, request: Request) -> None:
        self.draft.change(removed(self.draft.state.blocks, _path(request["path"])))

    def _move(self, request: Request) -> None:
        path, to = _path(request["path"]), _path(request["to"])
        self.draft.change(moved(self.draft.state.blocks, path, to))

    def _group(self, request: Request) -> None:
        self.draft.change(grouped(self.draft.state.blocks, map(_path, request["paths"])))

    def _ungroup(self, request: Request) -> None:
        path = _path(request["path"])
        block_at(self.draft.state.blocks, path)
        self.draft.change(ungrouped(self.draft.state.blocks, path))

    def _shelf(self, request: Request) -> None:
        self.shelf = self.live.shelf(str(request["search"]), int(request.get("start", 0)))

    def _upload(self, request: Request) -> None:
        name = str(request["name"])
        part, parts = int(request["part"]), int(request["parts"])
        picture = self._uploads.take(name, part, parts, str(request["data"]))
        if picture is None:
            return
        called = self.calculator.add_picture(picture, stem(name))
        self.draft.add(image(called))
        self.shelf = self.live.shelf("")
        self._show()
        self.notice = {"message": f"{shown(name)} is now img({called}).", "good": True}

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        data, more = bundle if isinstance(bundle, tuple) else (bundle, {})
        if data is None:
            return bundle
        return {**data, **self._still()}, more

    def _still(self) -> dict[str, str]:
        """What is shown where no kernel runs: the expression as text and as a card."""
        from zcalc.language import Verb
        from zcalc.notebook.card import card_html

        text = f"<zcalc {type(self).__name__.lower()}: {self.expr or 'empty'}>"
        try:
            result = self.live.result(self.expr)
            if isinstance(result, Result):
                result.verb = Verb("words")
                return {"text/plain": text, "text/html": card_html(result)}
        except ZcalcError:
            pass
        return {"text/plain": text}


def _path(path: Any) -> Path:
    return tuple(int(place) for place in path)
