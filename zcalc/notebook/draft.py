"""Drafts: an expression being edited, as text and as blocks, with undo and redo.

Text that doesn't parse leaves the blocks unchanged; editing the blocks rewrites the text.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

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

_MAX_UNDO = 200  # steps
_MERGE_WINDOW = 1.0  # seconds within which edits of the same kind are one undo step


@dataclass(frozen=True, slots=True)
class State:
    """A draft at one point of its history; `valid` is the last text that parsed."""

    text: str = ""
    valid: str = ""
    blocks: Blocks = ()
    error: LanguageError | None = None


class Draft:
    """An expression with its undo history; `read` parses text or raises LanguageError.

    >>> draft = Draft('img(tea) + "cup"')
    >>> draft.type('img(tea) + "cu')
    >>> draft.state.valid, draft.state.error is not None
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
        self._last_edit: tuple[str, float] = "", -_MERGE_WINDOW
        self.state = self._state(text, State())

    def type(self, text: str) -> None:
        """Replace the text, after a keystroke."""
        if text != self.state.text:
            self._push(self._state(text, self.state), "type")

    def change(self, blocks: Blocks, kind: str = "") -> None:
        """Replace the blocks; successive edits of the same non-empty `kind` undo as one."""
        text = unparse(tree_of(blocks)) if blocks else ""
        if blocks != self.state.blocks or text != self.state.text:
            self._push(State(text, text, blocks), kind)

    def add(self, node: Node) -> None:
        """Add a term at the end."""
        self.change((*self.state.blocks, Block(1.0, node)))

    def undo(self) -> None:
        """Undo the last edit, if there is one."""
        if self._past:
            self._future.append(self.state)
            self.state, self._last_edit = self._past.pop(), ("", 0.0)

    def redo(self) -> None:
        """Redo the last undone edit, if there is one."""
        if self._future:
            self._past.append(self.state)
            self.state, self._last_edit = self._future.pop(), ("", 0.0)

    def reject(self, error: LanguageError) -> None:
        """Attach an error from evaluating the text; the text stays."""
        self.state = replace(self.state, error=error)

    def data(self) -> dict:
        """The draft as JSON."""
        state = self.state
        return {
            "text": state.text,
            "valid": state.valid,
            "blocks": [_block_data(block) for block in state.blocks],
            "error": None if state.error is None else error_data(state.error),
            "undo": bool(self._past),
            "redo": bool(self._future),
            "python": python_of(state.blocks) if state.blocks else "",
        }

    def _state(self, text: str, previous: State) -> State:
        if not text.strip():
            return State(text)
        try:
            return State(text, text, blocks_of(self._read(text)))
        except LanguageError as error:
            return State(text, previous.valid, previous.blocks, error)

    def _push(self, state: State, kind: str) -> None:
        now, (last_kind, last_time) = self._clock(), self._last_edit
        merged = kind and kind == last_kind and now - last_time < _MERGE_WINDOW
        if not merged:
            self._past = [*self._past, self.state][-_MAX_UNDO:]
        self._future.clear()
        self.state, self._last_edit = state, (kind, now)


def expression(text: str) -> Node:
    """Parse a single expression; raises LanguageError for anything else."""
    tree = parse(text)
    if isinstance(tree, Program | Binding | Pipe):
        hint = "Leave out names and |> verbs. Programs belong in a %%zcalc cell."
        raise error_at(text, tree.span, "This is not a single expression", hint)
    return tree


def error_data(error: LanguageError) -> dict:
    """An error as JSON; `text` is the whole message with its carets."""
    return {
        "message": error.message,
        "hint": error.hint,
        "line": error.line,
        "column": error.column,
        "text": str(error),
    }


def _block_data(block: Block) -> dict:
    """A block as JSON: a picture with its name, any other node with its text."""
    base = {"weight": block.weight}
    match block.node:
        case None:
            return base | {"kind": "group", "inner": [_block_data(part) for part in block.inner]}
        case Image(name, box=box):
            part = {} if box is None else {"box": list(box)}
            return base | {"kind": "image", "name": name} | part
        case Text(text):
            return base | {"kind": "text", "name": text}
        case node:
            return base | {"kind": "whole", "name": unparse(node)}
