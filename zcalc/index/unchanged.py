"""Seeing at a glance that nothing has changed in the folders of an index.

Listing pictures takes a gallery: names, links, captions. Whether any file was added, changed or
removed takes no more than each folder's entries with their sizes and times. Whatever isn't plain
(links, tars, ignore files, a folder that can't be read) is left to the listing.
"""

import os
from collections.abc import Sequence

from zcalc import formats
from zcalc.ignore import Ignored
from zcalc.index.manifest import SourceInfo
from zcalc.index.scan import Scan, Stamps
from zcalc.index.store import Index
from zcalc.index.table import numbers
from zcalc.videos import split_time


def is_unchanged(
    index: Index, infos: Sequence[SourceInfo], exclude: Sequence[str], scan: Scan
) -> bool:
    """Whether the folders of an index have the pictures and captions that it has, by their stats.

    False where that can't be seen at a glance. `infos` are the sources of the build, `exclude` the
    patterns of what it leaves out, `scan` what there is in its folders.
    """
    folders = [info.path for info in infos]
    if [info.path for info in index.manifest.sources] != folders or index.roots != tuple(folders):
        return False
    if scan.others or scan.unreadable:
        return False
    ignored = Ignored(exclude, folders)
    pictures = (
        {p: s for p, s in scan.pictures.items() if not ignored(p)} if exclude else scan.pictures
    )
    if any(text is None for text in index.written) or not _same_pictures(index, pictures):
        return False
    return not index.caption_share or _same_captions(index, scan)


def _same_pictures(index: Index, pictures: Stamps) -> bool:
    """Whether pictures are those of the index, skipped ones included, by size and time."""
    skipped = _skipped(index, pictures)
    sizes, times = (numbers(index.table[name]).tolist() for name in ("size", "mtime_ns"))
    videos, plain = set(), 0
    for path, size, mtime_ns in zip(index.paths, sizes, times, strict=True):
        if pictures.get(path) == (size, mtime_ns):
            plain += 1
            continue
        video, seconds = split_time(path)
        if seconds is None or pictures.get(video) != (size, mtime_ns):
            return False
        videos.add(video)
    return skipped is not None and plain + len(videos) + skipped == len(pictures)


def _skipped(index: Index, pictures: Stamps) -> int | None:
    """How many pictures are skipped for good; None if one has changed or may be read now."""
    for entry in index.skipped:
        reason = formats.why_not(os.path.splitext(entry.path)[1])
        if entry.passing and entry.skipped != reason:
            return None
        if pictures.get(entry.path) != (entry.size, entry.mtime_ns):
            return None
    return len(index.skipped)


def _same_captions(index: Index, scan: Scan) -> bool:
    """Whether the text files beside the pictures are those that the index has."""
    for path, caption in zip(index.paths, index.captions, strict=True):
        if caption.text and not caption.sidecar:  # it was given in another way
            return False
        if caption.sidecar != scan.sidecar(path):
            return False
    return True
