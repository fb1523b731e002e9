"""The progress bar that every step of the build uses."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(
    items: Iterable[T], label: str, done: int = 0, total: int | None = None
) -> Iterator[T]:
    """Iterate with a progress bar; `done` items were finished by an earlier run."""
    return iter(tqdm(items, desc=label, initial=done, total=total, mininterval=2, ncols=88))
