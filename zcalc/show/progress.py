"""Progress: a bar in a terminal or a notebook, gone when done; lines in logs, JSON for programs."""

import json
import sys
import threading
import time
from typing import Any, Literal

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from zcalc.progress import BYTES, Bar, readable
from zcalc.show.html import escaped

_WIDE = 80  # columns that a whole bar needs
_INTERVAL = 0.1  # seconds between updates in a notebook
_LINE_INTERVAL, _JSON_INTERVAL = 10.0, 1.0
_style = "auto"
_FRAME = (
    "max-width:760px;margin:4px 0;font:13px/1.5 system-ui,sans-serif;"
    "color:var(--jp-content-font-color1,var(--vscode-foreground,inherit))"
)
_GROOVE = "height:4px;border-radius:2px;background:rgba(127,127,127,.25);margin:3px 0"
_FILL = "height:4px;border-radius:2px;background:#4a8fe0;width:"


def progress_bar(label: str, total: int | None, unit: str, start: float) -> Bar:
    """The bar for where this runs; `start` is the `time.monotonic` at which the work began."""
    if _style == "json":
        return JsonBar(label, total, unit, start)
    if _in_notebook():
        return NotebookBar(label, total, unit, start)
    if sys.stderr is not None and sys.stderr.isatty():
        return TerminalBar(label, total, unit)
    return LineBar(label, total, unit, start)


def use(style: Literal["auto", "json"]) -> None:
    """Show progress as JSON on standard error, or in the way that suits the place."""
    global _style  # noqa: PLW0603
    _style = style


def _in_notebook() -> bool:
    """Whether a kernel runs this, in the thread whose output belongs to the cell."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return hasattr(shell, "kernel") and threading.current_thread() is threading.main_thread()


class TerminalBar:
    """A bar on standard error."""

    def __init__(self, label: str, total: int | None, unit: str) -> None:
        counts: list[ProgressColumn] = [MofNCompleteColumn(), *([_Rate(unit)] if unit else [])]
        if unit == BYTES:
            counts = [DownloadColumn(), TransferSpeedColumn()]
        console = Console(stderr=True)
        columns = [TextColumn("{task.description}"), BarColumn(), *counts, TimeRemainingColumn()]
        if console.width < _WIDE:  # a line that wraps can't be replaced
            columns = [TextColumn("{task.description}"), TaskProgressColumn()]
        self._progress = Progress(
            *columns, console=console, transient=True, disable=not console.file.isatty()
        )
        self._progress.start()
        self._task = self._progress.add_task(label, total=total)

    def update(self, done: int, message: str) -> None:
        """Show that `done` items are done; there is no room for the message."""
        self._progress.update(self._task, completed=done)

    def close(self) -> None:
        """Remove the bar."""
        self._progress.stop()


class _Rate(ProgressColumn):
    """Items a second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.0f} {self._unit}/s" if task.speed else "")


class NotebookBar:
    """A label, a bar, the time left and the last message, updated in place."""

    def __init__(self, label: str, total: int | None, unit: str, start: float) -> None:
        from IPython.display import DisplayHandle

        self._label, self._total, self._unit, self._start = label, total, unit, start
        self._handle: Any = DisplayHandle()
        self._next_update = 0.0
        self._handle.display(_bundle("", label), raw=True)

    def update(self, done: int, message: str) -> None:
        """Show that `done` items are done; at most ten times a second."""
        if time.monotonic() < self._next_update:
            return
        self._next_update = time.monotonic() + _INTERVAL
        status = _status(self._label, done, self._total, self._unit, self._start)
        share = f"{100 * min(1.0, done / self._total):.0f}" if self._total else "0"
        html = (
            f'<div style="{_FRAME}"><div role="progressbar" aria-valuenow="{share}">'
            f"{escaped(status)}"
            f'<div style="{_GROOVE}"><div style="{_FILL}{share}%"></div></div></div>'
            f"<div><b>{escaped(message)}</b></div></div>"
        )
        self._handle.update(_bundle(html, f"{status} {message}".strip()), raw=True)

    def close(self) -> None:
        """Empty the output, so that nothing of it is saved."""
        self._handle.update(_bundle("", ""), raw=True)


class LineBar:
    """A line on standard error now and then, for logs: where there is no terminal to draw on."""

    def __init__(self, label: str, total: int | None, unit: str, start: float) -> None:
        self._label, self._total, self._unit, self._start = label, total, unit, start
        self._next_update = start + _LINE_INTERVAL

    def update(self, done: int, message: str) -> None:
        """Say how many items are done; every ten seconds."""
        if time.monotonic() >= self._next_update:
            self._next_update = time.monotonic() + _LINE_INTERVAL
            line = _status(self._label, done, self._total, self._unit, self._start)
            print(line, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Nothing to remove."""


class JsonBar:
    """Progress for programs: a JSON object a line on standard error, at most one a second."""

    def __init__(self, label: str, total: int | None, unit: str, start: float) -> None:
        self._fixed = {"progress": label, "total": total, "unit": unit or None}
        self._start, self._next_update, self._done = start, 0.0, 0

    def update(self, done: int, message: str) -> None:
        """Say how many items are done."""
        self._done = done
        if time.monotonic() >= self._next_update:
            self._next_update = time.monotonic() + _JSON_INTERVAL
            self._write(False)

    def close(self) -> None:
        """Say that it has ended."""
        self._write(True)

    def _write(self, ended: bool) -> None:
        seconds = round(time.monotonic() - self._start, 3)
        data = {**self._fixed, "done": self._done, "seconds": seconds, "ended": ended}
        print(json.dumps(data), file=sys.stderr, flush=True)


def _status(label: str, done: int, total: int | None, unit: str, start: float) -> str:
    """Such as "Writing a caption · 3 of 12 · 4 s left"."""
    elapsed = time.monotonic() - start
    shown = readable if unit == BYTES else "{:,}".format
    of = f" of {shown(total)}" if total else ""
    parts = [label, f"{shown(done)}{of}"]
    if unit and elapsed:
        rate = int(done / elapsed)
        parts.append(f"{readable(rate)}/s" if unit == BYTES else f"{rate} {unit}/s")
    if total and done:
        parts.append(_time_left(elapsed / done * max(0, total - done)))
    return " · ".join(parts)


def _time_left(seconds: float) -> str:
    """A duration, rounded up to a unit that suits it.

    >>> _time_left(3.4), _time_left(200), _time_left(9000)
    ('4 s left', '4 min left', '2.5 h left')
    """
    if seconds < 90:
        return f"{-(-seconds // 1):.0f} s left"
    return f"{-(-seconds // 60):.0f} min left" if seconds < 5400 else f"{seconds / 3600:.1f} h left"


def _bundle(html: str, text: str) -> dict[str, str]:
    return {"text/html": html, "text/plain": text}
