"""What is left out of a folder: thumbnails of other programs, `.zcalcignore`, and patterns.

Patterns are those of .gitignore: `*.gif`, `drafts/`, `/raw/**`, `!keep.gif`.
"""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pathspec import GitIgnoreSpec

from zcalc.errors import ZcalcError
from zcalc.pictures import printable
from zcalc.progress import notice

FILE = ".zcalcignore"
# What Synology, QNAP, macOS, Windows and file systems put beside people's pictures.
FOLDERS = {
    "@eaDir", "#recycle", "@Recycle", "@Recently-Snapshot", "__MACOSX", "$RECYCLE.BIN",
    "System Volume Information", "lost+found",
}  # fmt: skip


class Ignored:
    """Whether a path below one of some folders matches a pattern; raises ZcalcError for bad ones.

    >>> Ignored(["drafts/", "*.gif"], ["/photos"])("/photos/drafts/a.jpg")
    True
    """

    def __init__(self, patterns: Sequence[str], roots: Sequence[str]) -> None:
        self._prefixes = [root.rstrip(os.sep) + os.sep for root in roots]
        try:
            self._spec = GitIgnoreSpec.from_lines(patterns) if patterns else None
        except ValueError as error:
            message = f"The pattern of --exclude is invalid: {printable(str(error))}"
            raise ZcalcError(message, "Write it as in .gitignore: '*.gif' or 'drafts/'.") from error

    def __call__(self, path: str) -> bool:
        """Whether to leave out a picture."""
        if self._spec is None:
            return False
        inside = next((path[len(p) :] for p in self._prefixes if path.startswith(p)), path)
        return self._spec.match_file(inside.lstrip(os.sep))


class IgnoreFiles:
    """The `.zcalcignore` files on the way through a folder; those further down win."""

    def __init__(self) -> None:
        self._folder = ""
        self._chains: dict[str, tuple[tuple[str, GitIgnoreSpec], ...]] = {}

    def enter(self, folder: str) -> None:
        """Go into a folder, after the one that it is in."""
        chain = self._chains.get(os.path.dirname(folder), ())
        spec = _spec(folder)
        self._folder = folder
        self._chains[folder] = ((folder, spec), *chain) if spec else chain

    def file(self, name: str) -> bool:
        """Whether to leave out a file of the folder."""
        return self._is_left_out(name)

    def subfolder(self, name: str) -> bool:
        """Whether to leave out a subfolder of the folder, with all that is in it."""
        return name in FOLDERS or self._is_left_out(f"{name}/")

    def _is_left_out(self, name: str) -> bool:
        for folder, spec in self._chains[self._folder]:
            inside = os.path.relpath(self._folder, folder).replace(os.sep, "/")
            verdict = spec.check_file(name if inside == "." else f"{inside}/{name}").include
            if verdict is not None:
                return verdict
        return False


def _spec(folder: str) -> GitIgnoreSpec | None:
    file = os.path.join(folder, FILE)
    try:
        stamp = os.stat(file).st_mtime_ns
    except OSError:
        return None
    return _read(Path(file), stamp)


@cache
def _read(file: Path, _stamp: int) -> GitIgnoreSpec | None:
    try:
        return GitIgnoreSpec.from_lines(file.read_text("utf-8-sig").splitlines())
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        notice(f"{printable(str(file))} is not used: {printable(reason)}.")
        return None
