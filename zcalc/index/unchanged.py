"""Seeing at a glance that nothing has changed in the folders of an index.

Listing pictures takes a gallery: names, links, captions. Whether any file was added, changed or
removed takes no more than each folder's entries with their sizes and times. Whatever isn't plain
(links, tars, ignore files, a folder that can't be read) is left to the listing.
"""

import os
import stat
from collections.abc import Sequence

from zcalc import formats, sidecars
from zcalc.archives import SUFFIXES as ARCHIVES
from zcalc.ignore import FILE, FOLDERS, Ignored
from zcalc.index.manifest import SourceInfo
from zcalc.index.store import Index
from zcalc.index.table import numbers
from zcalc.pictures import SUFFIXES
from zcalc.videos import split_time

_Stamps = dict[str, tuple[int, int]]  # size and time of files by path


class _NotPlain(Exception):
    """Something that only the listing can judge."""


def is_unchanged(index: Index, infos: Sequence[SourceInfo], exclude: Sequence[str]) -> bool:
    """Whether the folders of an index have the pictures and captions that it has, by their stats.

    False where that can't be seen at a glance. `infos` are the sources of the build, `exclude` the
    patterns of what it leaves out.
    """
    folders = [info.path for info in infos]
    if [info.path for info in index.manifest.sources] != folders or index.roots != tuple(folders):
        return False
    try:
        pictures, texts = _scan(folders, exclude, bool(index.caption_share))
    except (OSError, _NotPlain):
        return False
    skipped = _skipped(index, pictures)
    if skipped is None or any(text is None for text in index.written):
        return False
    times = numbers(index.table["mtime_ns"]).tolist()
    videos = set()
    plain = 0
    for path, size, mtime_ns in zip(
        index.paths, numbers(index.table["size"]).tolist(), times, strict=True
    ):
        if pictures.get(path) == (size, mtime_ns):
            plain += 1
            continue
        video, seconds = split_time(path)
        if seconds is None or pictures.get(video) != (size, mtime_ns):
            return False
        videos.add(video)
    if plain + len(videos) + skipped != len(pictures):
        return False
    return not index.caption_share or _same_captions(index, texts)


def _skipped(index: Index, pictures: _Stamps) -> int | None:
    """How many pictures are skipped for good; None if one has changed or may be read now."""
    for entry in index.skipped:
        reason = formats.why_not(os.path.splitext(entry.path)[1])
        if entry.passing and entry.skipped != reason:
            return None
        if pictures.get(entry.path) != (entry.size, entry.mtime_ns):
            return None
    return len(index.skipped)


def _same_captions(index: Index, texts: _Stamps) -> bool:
    """Whether the text files beside the pictures are those that the index has."""
    for path, caption in zip(index.paths, index.captions, strict=True):
        if caption.text and not caption.sidecar:  # it was given in another way
            return False
        found = texts.get(os.path.splitext(path)[0] + sidecars.SUFFIX)
        if caption.sidecar != (f"{found[0]} {found[1]}" if found else ""):
            return False
    return True


def _scan(
    folders: Sequence[str], exclude: Sequence[str], with_texts: bool
) -> tuple[_Stamps, _Stamps]:
    """The picture files below folders, and the text files; raises what only the listing handles."""
    pictures: _Stamps = {}
    texts: _Stamps = {}
    left_out = Ignored(exclude, folders) if exclude else None
    waiting = list(folders)
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                name = entry.name
                if name[0] == ".":
                    if name == FILE:
                        raise _NotPlain
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if name not in FOLDERS:
                        waiting.append(entry.path)
                    continue
                suffix = os.path.splitext(name)[1].lower()
                if suffix in SUFFIXES:
                    if left_out is None or not left_out(entry.path):
                        pictures[entry.path] = _stamp(entry)
                elif suffix == sidecars.SUFFIX:
                    if with_texts:
                        texts[entry.path] = _stamp(entry)
                elif name.lower().endswith(ARCHIVES):
                    raise _NotPlain
    return pictures, texts


def _stamp(entry: "os.DirEntry[str]") -> tuple[int, int]:
    """The size and time of a regular file."""
    status = entry.stat(follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode):
        raise _NotPlain
    return status.st_size, status.st_mtime_ns
