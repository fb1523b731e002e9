"""Keeping an index current while its pictures change."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event

from zcalc.errors import ZcalcError
from zcalc.index.sources import Source

QUIET = 2.0  # seconds without a change before the index is updated
MOST = 30.0  # seconds after which it is updated although changes go on


def watch(
    source: Source,
    update: Callable[[], None],
    stop: Event,
    *,
    ignore: Path,
    quiet: float = QUIET,
) -> None:
    """Call `update` now and after changes in the folders of a source, until `stop` is set.

    Changes inside the folder `ignore`, the index itself, count for nothing.
    Changes that come together are one update. It runs in the calling thread, so that an interrupt
    or a kill leaves the index as any build does. Raises ZcalcError if watchdog isn't installed.
    """
    try:
        from watchdog.events import FileSystemEvent, FileSystemEventHandler
        from watchdog.observers import Observer
    except ImportError as error:
        command = "pip install 'zcalc[watch]'"
        raise ZcalcError("Watching needs another package.", command) from error
    changes: list[float] = []  # times of changes that are not in the index yet

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: FileSystemEvent) -> None:
            own = Path(os.fsdecode(event.src_path)).is_relative_to(ignore)
            if not own and event.event_type not in ("opened", "closed_no_write"):
                changes.append(time.monotonic())

    observer = Observer()
    for info in source.infos:
        place = Path(info.path)
        folder = place if place.is_dir() else place.parent
        observer.schedule(Handler(), str(folder), recursive=place.is_dir())
    observer.start()  # before the first update, so that no change falls between the two
    try:
        update()
        while not stop.wait(min(quiet, 0.2)):
            now = time.monotonic()
            if changes and (now - changes[-1] >= quiet or now - changes[0] >= MOST):
                changes.clear()
                update()
    finally:
        observer.stop()
        observer.join()
