"""Progress of whatever takes longer than a second."""

import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import Protocol, TypeVar

from zcalc import hooks

T = TypeVar("T")
PATIENCE = 1.0  # seconds before anything is shown
BYTES = "bytes"  # the unit of downloads, shown as kB, MB and GB


class Bar(Protocol):
    """A progress bar."""

    def update(self, done: int, message: str) -> None:
        """Show that `done` items are done, with a message about the last one."""
        ...

    def close(self) -> None:
        """Remove the bar."""
        ...


def track(
    items: Iterable[T],
    label: str,
    total: int | None = None,
    unit: str = "",
    saying: Callable[[T], str] | None = None,
) -> Iterator[T]:
    """Pass items through, with a progress bar once they have taken longer than a second.

    `unit` names the items for the rate, such as "pictures". In a notebook the bar also shows what
    `saying` returns for the last item, such as the sentence so far.

    >>> list(track([1, 2], "Counting"))
    [1, 2]
    """
    total = len(items) if total is None and isinstance(items, Sized) else total
    start = time.monotonic()
    bar: Bar | None = None
    try:
        for done, item in enumerate(items, 1):
            yield item
            if bar is None and time.monotonic() - start > PATIENCE:
                bar = hooks.progress_bar(label, total, unit, start)
            if bar is not None:
                bar.update(done, saying(item) if saying else "")
    finally:
        if bar is not None:
            bar.close()


@contextmanager
def counter(label: str, total: int, unit: str = "") -> Iterator[Callable[[int], None]]:
    """A function to call with how much is done: a progress bar after a second, as `track` has."""
    start = time.monotonic()
    bar: Bar | None = None

    def count(done: int) -> None:
        nonlocal bar
        if bar is None and time.monotonic() - start > PATIENCE:
            bar = hooks.progress_bar(label, total, unit, start)
        if bar is not None:
            bar.update(done, "")

    try:
        yield count
    finally:
        if bar is not None:
            bar.close()


def notice(text: str) -> None:
    """Print a remark on standard error."""
    from rich.console import Console

    Console(stderr=True, highlight=False).print(text, style="dim", markup=False, soft_wrap=True)


def readable(size: int) -> str:
    """A number of bytes for people.

    >>> readable(812), readable(4_200_000), readable(1_520_000_000)
    ('812 bytes', '4.2 MB', '1.5 GB')
    """
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"
