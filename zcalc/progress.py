"""Progress on standard error or in a notebook, for whatever takes longer than a second."""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

T = TypeVar("T")
PATIENCE = 1.0  # seconds before anything is shown


class Bar(Protocol):
    """What shows how much is done."""

    def update(self, done: int, said: str) -> None:
        """Show that `done` items are done, and what the last of them says."""
        ...

    def close(self) -> None:
        """Leave nothing."""
        ...


def track(
    items: Iterable[T],
    label: str,
    total: int | None = None,
    unit: str = "",
    saying: Callable[[T], str] | None = None,
) -> Iterator[T]:
    """Pass items on, with a bar and the time left once they have taken longer than a second.

    `unit` is what there are so many of in a second, such as "pictures". In a notebook the bar
    also has what `saying` says of the last item, such as the sentence so far.

    >>> list(track([1, 2], "Counting"))
    [1, 2]
    """
    total = len(items) if total is None and isinstance(items, Sized) else total
    begin, bar = time.monotonic(), None
    try:
        for done, item in enumerate(items, 1):
            yield item
            if bar is None and time.monotonic() - begin > PATIENCE:
                bar = _bar(label, total, unit, begin)
            if bar is not None:
                bar.update(done, saying(item) if saying else "")
    finally:
        if bar is not None:
            bar.close()


def _bar(label: str, total: int | None, unit: str, begin: float) -> Bar:
    if _in_notebook():
        from zcalc.notebook.bar import NotebookBar

        return NotebookBar(label, total, unit, begin)
    return _TerminalBar(label, total, unit)


def _in_notebook() -> bool:
    """Tell whether a kernel runs this, in the thread whose output belongs to the cell."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return hasattr(shell, "kernel") and threading.current_thread() is threading.main_thread()


class _TerminalBar:
    """A bar on standard error that disappears at the end."""

    def __init__(self, label: str, total: int | None, unit: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as Remaining

        speed = [_speed(unit)] if unit else []
        columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *speed]
        self._progress = Progress(
            *columns, Remaining(), console=Console(stderr=True), transient=True
        )
        self._progress.start()
        self._task = self._progress.add_task(label, total=total)

    def update(self, done: int, said: str) -> None:
        self._progress.update(self._task, completed=done)

    def close(self) -> None:
        self._progress.stop()


def _speed(unit: str) -> "ProgressColumn":
    """How many items are done in a second."""
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class Speed(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.0f} {unit}/s" if task.speed else "")

    return Speed()


def notice(text: str) -> None:
    """Say something on standard error."""
    from rich.console import Console

    Console(stderr=True, highlight=False).print(text, style="dim", markup=False, soft_wrap=True)
