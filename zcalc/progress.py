"""Progress on standard error, for whatever takes longer than a second."""

import time
from collections.abc import Iterable, Iterator, Sized
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

T = TypeVar("T")
PATIENCE = 1.0  # seconds before anything is shown


def track(items: Iterable[T], label: str, total: int | None = None, unit: str = "") -> Iterator[T]:
    """Pass items on, with a bar on standard error once they have taken longer than a second.

    `unit` is what there are so many of in a second, such as "pictures".

    >>> list(track([1, 2], "Counting"))
    [1, 2]
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    total = len(items) if total is None and isinstance(items, Sized) else total
    speed = [_speed(unit)] if unit else []
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), *speed]
    progress = Progress(*columns, Remaining(), console=Console(stderr=True), transient=True)
    begin, task, done = time.monotonic(), None, 0
    try:
        for done, item in enumerate(items, 1):
            yield item
            if task is None and time.monotonic() - begin > PATIENCE:
                progress.start()
                task = progress.add_task(label, total=total)
            if task is not None:
                progress.update(task, completed=done)
    finally:
        if task is not None:
            progress.stop()


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
