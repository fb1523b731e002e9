"""One progress bar for every step of the build."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], what: str, done: int = 0, total: int | None = None) -> Iterator[T]:
    """Iterate with a bar that shows time left; `done` items were there before."""
    return iter(tqdm(items, desc=what, initial=done, total=total, mininterval=2, ncols=88))
