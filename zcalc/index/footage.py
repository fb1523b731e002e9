"""Files that stand for several pictures, or none here: videos, and kinds that can't be read."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from zcalc import formats
from zcalc.errors import ZcalcError
from zcalc.index.items import Item
from zcalc.index.store import Index
from zcalc.pictures import why_unreadable
from zcalc.videos import frame_path, is_video_suffix, key_frames, split_time


def expanded(items: Iterable[Item], old: Index | None) -> Iterator[Item]:
    """The items, with an item for each key frame of a video, and the reason for what can't be read.

    A video that hasn't changed since the old index is not opened.
    """
    frames: dict[str, list[float]] | None = None
    for item in items:
        suffix = os.path.splitext(item.path)[1]
        if item.skipped or not suffix:
            yield item
        elif reason := formats.why_not(suffix):
            yield replace(item, skipped=reason)
        elif item.path == item.file and is_video_suffix(suffix):
            frames = _known_frames(old) if frames is None else frames
            yield from _frames(item, frames.get(_stamp(item.path, item.size, item.mtime_ns)))
        else:
            yield item


def _frames(item: Item, known: list[float] | None) -> Iterator[Item]:
    """An item for each key frame of a video."""
    try:
        times = known or key_frames(Path(item.file))
    except (OSError, ZcalcError) as error:
        yield replace(item, skipped=why_unreadable(error))
        return
    for seconds in times:
        path = frame_path(item.path, seconds)
        yield replace(item, name=f"{item.name}{path[len(item.path) :]}", path=path)


def _known_frames(old: Index | None) -> dict[str, list[float]]:
    """The times of the key frames in an index, by video, size and time."""
    found: dict[str, list[float]] = defaultdict(list)
    if old is None or not any("#t=" in path for path in old.paths):
        return found
    sizes, times = old.table["size"].to_pylist(), old.table["mtime_ns"].to_pylist()
    for path, size, mtime_ns in zip(old.paths, sizes, times, strict=True):
        video, seconds = split_time(path)
        if seconds is not None:
            found[_stamp(video, size, mtime_ns)].append(seconds)
    return found


def _stamp(path: str, size: int, mtime_ns: int) -> str:
    return f"{size} {mtime_ns} {path}"
