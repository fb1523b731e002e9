"""The unit of indexing: one picture, in a file of its own or inside a tar shard."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zcalc.errors import ZcalcError

_LATEST_NS = (1 << 63) - 1
_MAX_BYTES = 512 << 20  # larger files are skipped


@dataclass(frozen=True, slots=True)
class Item:
    """A picture to index: its name and location, and the size and time that reveal a change.

    `path` identifies the picture in the index. `file` is what to open: the same path, or the tar
    shard that contains the picture from byte `offset`. `skipped` is why it can't be read, if so.
    """

    name: str
    path: str
    file: str
    size: int = 0
    mtime_ns: int = 0
    offset: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)
    skipped: str = ""

    def __post_init__(self) -> None:
        """Clamp times past the year 2262, which don't fit the index's 64-bit column."""
        object.__setattr__(self, "mtime_ns", min(self.mtime_ns, _LATEST_NS))

    def read(self) -> bytes:
        """Read the bytes of the picture; raises OSError on failure."""
        if self.size > _MAX_BYTES:
            raise OSError(0, f"the file is larger than {_MAX_BYTES >> 20} MB")
        with open(self.file, "rb") as file:
            file.seek(self.offset)
            return file.read(self.size)


def resolve_file(path: Path) -> Path:
    """The absolute path of an existing file, links followed; raises ZcalcError if missing."""
    try:
        return path.expanduser().resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise ZcalcError(f"There is no file {path}.", "Check the path.") from error
