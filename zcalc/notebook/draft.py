"""A draft: an expression that is being worked on, as text and as blocks, with undo and redo.

Text that makes no sense yet leaves the blocks as they were; blocks that change write the text.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from zcalc.language import (
    Binding,
    Image,
    LanguageError,
    Node,
    Pipe,
    Program,
    Text,
    error_at,
    parse,
    unparse,
)
from zcalc.notebook.blocks import Block, Blocks, blocks_of, python_of, tree_of

_MOST = 200  # steps that can be undone
_TOGETHER = 1.0  # seconds within which changes of one kind are undone together


@dataclass(frozen=True, slots=True)
class State:
    """What a person sees of a draft; `good` is the last text that made sense."""

    text: str = ""
    good: str = ""
    blocks: Blocks = ()
    error: LanguageError | None = None


class Draft:
    """An expression with its past and future; `read` makes a tree of text or raises LanguageError.

    >>> draft = Draft('img(tea) + "cup"')
    >>> draft.type('img(tea) + "cu')
    >>> draft.state.good, draft.state.error is not None
    ('img(tea) + "cup"', True)
    >>> draft.undo()
    >>> draft.state.text
    'img(tea) + "cup"'
    """

    def __init__(
        self,
        text: str = "",
        read: Callable[[str], Node] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read, self._clock = read or expression, clock
        self._past: list[State] = []
        self._future: list[State] = []
        self._last: tuple[str, float] = "", -_TOGETHER
        self.state = self._state(text, State())

    def type(self, text: str) -> None:
        """Take text as it stands after a keystroke."""
        if text != self.state.text:
            self._become(self._state(text, self.state), "type")

    def change(self, blocks: Blocks, what: str = "") -> None:
        """Take changed blocks; changes called `what` that follow one another are undone as one."""
        text = unparse(tree_of(blocks)) if blocks else ""
        if blocks != self.state.blocks or text != self.state.text:
            self._become(State(text, text, blocks), what)

    def add(self, node: Node) -> None:
        """Add a term at the end."""
        self.change((*self.state.blocks, Block(1.0, node)))

    def undo(self) -> None:
        """Go one step back, if there is one."""
        if self._past:
            self._future.append(self.state)
            self.state, self._last = self._past.pop(), ("", 0.0)

    def redo(self) -> None:
        """Go one step on again, if one was undone."""
        if self._future:
            self._past.append(self.state)
            self.state, self._last = self._future.pop(), ("", 0.0)

    def refuse(self, error: LanguageError) -> None:
        """Note what evaluating the text came to; the text stays."""
        self.state = State(self.state.text, self.state.good, self.state.blocks, error)

    def data(self) -> dict:
        """The draft as JSON; for a picture its name, for other nodes their text."""
        state = self.state
        return {
            "text": state.text,
            "good": state.good,
            "blocks": [_shown(block) for block in state.blocks],
            "error": None if state.error is None else about(state.error),
            "undo": bool(self._past),
            "redo": bool(self._future),
            "python": python_of(state.blocks) if state.blocks else "",
        }

    def _state(self, text: str, before: State) -> State:
        if not text.strip():
            return State(text)
        try:
            return State(text, text, blocks_of(self._read(text)))
        except LanguageError as error:
            return State(text, before.good, before.blocks, error)

    def _become(self, state: State, what: str) -> None:
        now = self._clock()
        together = what and what == self._last[0] and now - self._last[1] < _TOGETHER
        if not together:
            self._past = [*self._past, self.state][-_MOST:]
        self._future.clear()
        self.state, self._last = state, (what, now)


def expression(text: str) -> Node:
    """Read one expression; raises LanguageError for what is none."""
    tree = parse(text)
    if isinstance(tree, Program | Binding | Pipe):
        hint = "Leave out names, and what is after |>; programs go into a cell with %%zcalc."
        raise error_at(text, tree.span, "One expression is wanted here", hint)
    return tree


def about(error: LanguageError) -> dict:
    """An error as JSON: what to say, and its place in the line that is shown."""
    return {
        "message": error.message,
        "hint": error.hint,
        "line": error.line,
        "column": error.column,
        "shown": str(error),
    }


def _shown(block: Block) -> dict:
    base = {"weight": block.weight}
    match block.node:
        case None:
            return base | {"kind": "group", "inner": [_shown(part) for part in block.inner]}
        case Image(name):
            return base | {"kind": "image", "name": name}
        case Text(text):
            return base | {"kind": "text", "name": text}
        case node:
            return base | {"kind": "whole", "name": unparse(node)}
