"""The unit of indexing: one picture, in a file of its own or inside a tar shard."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from zcalc import sidecars
from zcalc.archives import plain_tar
from zcalc.errors import ZcalcError
from zcalc.videos import read_frame, split_time

_LATEST_NS = (1 << 63) - 1
_MAX_BYTES = 512 << 20  # larger files are skipped


@dataclass(frozen=True, slots=True)
class Item:
    """A picture to index: its name and location, and the size and time that reveal a change.

    `path` identifies the picture in the index. `file` is what to open: the same path, or the tar
    shard that contains the picture from byte `offset`. `skipped` is why it can't be read, if so.

    `source` is the folder, tar shard or table that it was listed from.

    `caption` is known from it; otherwise `sidecar` is the size and time of the text file
    beside the picture, which must be inside `roots`. `share` is how much of it goes into the point.
    """

    name: str
    path: str
    file: str
    size: int = 0
    mtime_ns: int = 0
    offset: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)
    skipped: str = ""
    caption: str = ""
    sidecar: str = ""
    roots: tuple[str, ...] = ()
    share: float = 0.0
    source: str = ""

    def __post_init__(self) -> None:
        """Clamp times past the year 2262, which don't fit the index's 64-bit column."""
        object.__setattr__(self, "mtime_ns", min(self.mtime_ns, _LATEST_NS))

    def read(self) -> bytes:
        """Read the bytes of the picture; raises OSError on failure."""
        video, seconds = split_time(self.path)
        if seconds is not None and video == self.file:
            return read_frame(Path(video), seconds)
        if self.size > _MAX_BYTES:
            raise OSError(0, f"the file is larger than {_MAX_BYTES >> 20} MB")
        with open(plain_tar(Path(self.file)) if "!" in self.path else self.file, "rb") as file:
            file.seek(self.offset)
            return file.read(self.size)

    def read_caption(self) -> str:
        """The caption, "" for none; raises ZcalcError if its file can't be used."""
        return sidecars.read(Path(self.file), self.roots) if self.sidecar else self.caption

    def captioned(self, share: float, column: str) -> "Item":
        """The item with a share of its caption: that in a column of its metadata, else its own."""
        text = self.metadata.get(column) if column and share else None
        caption = sidecars.clean(text) if isinstance(text, str) else ""
        if caption:
            return replace(self, caption=caption, sidecar="", share=share)
        if not (self.caption or self.sidecar):
            return self
        return replace(self, share=share) if share else replace(self, caption="", sidecar="")


def vector_key(content: bytes, caption: str, share: float) -> bytes:
    """What a vector depends on, besides the model: the picture's SHA-256, its caption, its share.

    Without a caption it is the SHA-256 of the picture itself.
    """
    if not caption or not share:
        return content
    return hashlib.sha256(content + f"{float(share)!r} {caption}".encode()).digest()


def resolve_file(path: Path) -> Path:
    """The absolute path of an existing file, links followed; raises ZcalcError if missing."""
    try:
        return path.expanduser().resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise ZcalcError(f"There is no file {path}.", "Check the path.") from error
