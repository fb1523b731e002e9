"""What a first expression needs, imported while its cell is still being typed."""

import asyncio
from collections.abc import Sequence
from importlib import import_module

_WANTED = (
    "torch",
    "zcalc.models.encoder",
    "transformers.modeling_utils",
    "zcalc.models.language_model",
    "faiss",
    "zcalc.index.query",
    "zcalc.notebook.card",
)
_PAUSE = 0.1  # seconds between two, in which a cell that has come goes first


def import_when_idle(wanted: Sequence[str] = _WANTED) -> None:
    """Import the heavy libraries one by one in the main thread, whenever a kernel is idle.

    A cell that comes meanwhile waits for the one at hand, which it needs anyway. Nothing happens
    where no event loop runs, as in a terminal.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return

    def step(left: Sequence[str]) -> None:
        if left:
            try:
                import_module(left[0])
            except Exception:
                return
            loop.call_later(_PAUSE, step, left[1:])

    loop.call_later(_PAUSE, step, wanted)
