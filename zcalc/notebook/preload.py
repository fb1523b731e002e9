"""Preloading: the heavy libraries are imported while the first cell is being typed."""

import asyncio
from collections.abc import Sequence
from importlib import import_module

_MODULES = (
    "torch",
    "zcalc.models.encoder",
    "zcalc.models.mini_lm",
    "faiss",
    "zcalc.index.query",
    "zcalc.show.card",
)
_PAUSE = 0.1  # seconds between imports, in which the kernel can start a cell


def import_when_idle(modules: Sequence[str] = _MODULES) -> None:
    """Import modules one by one on the main thread while the kernel is idle.

    A cell that arrives meanwhile waits for the current import, which it needs anyway. Without a
    running event loop, as in a terminal, this does nothing.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return

    def import_next(remaining: Sequence[str]) -> None:
        if remaining:
            try:
                import_module(remaining[0])
            except Exception:
                return
            loop.call_later(_PAUSE, import_next, remaining[1:])

    loop.call_later(_PAUSE, import_next, modules)
