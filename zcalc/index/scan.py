"""The sizes and times of the files below folders, one look at each folder's entries."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from zcalc import sidecars
from zcalc.archives import SUFFIXES as ARCHIVES
from zcalc.ignore import FILE, FOLDERS
from zcalc.pictures import SUFFIXES

Stamps = dict[str, tuple[int, int]]  # size and time in ns of files by path


class Scan:
    """The regular picture and text files below folders, hidden ones left out.

    `others` has what takes more than a look: links, files that are none, tars, ignore files.
    `unreadable` are the folders that can't be looked into.
    """

    def __init__(self, folders: Sequence[str]) -> None:
        self.unreadable: list[str] = []
        self.pictures: Stamps = {}
        self.texts: Stamps = {}
        self.others: set[str] = set()
        waiting = list(folders)
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        self._look(entry, waiting)
            except OSError:
                self.unreadable.append(folder)

    def _look(self, entry: "os.DirEntry[str]", waiting: list[str]) -> None:
        name = entry.name
        if name[0] == ".":
            if name == FILE:
                self.others.add(entry.path)
            return
        if entry.is_dir(follow_symlinks=False):
            if name.endswith(sidecars.SUFFIX):
                self.others.add(entry.path)
            if name not in FOLDERS:
                waiting.append(entry.path)
            return
        suffix = os.path.splitext(name)[1].lower()
        if suffix in SUFFIXES:
            self._stamp(entry, self.pictures)
        elif suffix == sidecars.SUFFIX:
            self._stamp(entry, self.texts)
        elif name.lower().endswith(ARCHIVES):
            self.others.add(entry.path)

    def _stamp(self, entry: "os.DirEntry[str]", stamps: Stamps) -> None:
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISREG(status.st_mode):
            stamps[entry.path] = status.st_size, status.st_mtime_ns
        else:
            self.others.add(entry.path)

    def sidecar(self, picture: str) -> str:
        """The size and time of the text file beside a picture, as `sidecars.stamp` has them."""
        beside = os.path.splitext(picture)[0] + sidecars.SUFFIX
        if beside in self.others:  # a link, or no file
            return sidecars.stamp(Path(picture))
        found = self.texts.get(beside)
        return f"{found[0]} {found[1]}" if found else ""
