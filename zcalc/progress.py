"""Progress on standard error, for whatever takes longer than a second."""

import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

T = TypeVar("T")
PATIENCE = 1.0  # seconds before anything is shown


def track(items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Pass items on, with a bar on standard error once they have taken longer than a second.

    >>> list(track([1, 2], "Counting"))
    [1, 2]
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    total = len(items) if total is None and isinstance(items, Sized) else total
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
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
