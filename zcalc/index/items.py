"""A picture that is to be indexed, wherever it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zcalc.errors import ZcalcError

_LARGEST = 512 << 20  # bytes of a file that is read


@dataclass(frozen=True, slots=True)
class Item:
    """A picture to index: the name it goes by, where it is, how to tell that it has changed.

    `path` is what the index calls it, `file` what is opened: the same, or the tar that holds it,
    from byte `offset` on. One that can't be read has the reason in `skipped`.
    """

    name: str
    path: str
    file: str
    size: int = 0
    mtime_ns: int = 0
    offset: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)
    skipped: str = ""

    def read(self) -> bytes:
        """The bytes of the picture; raises OSError where they can't be read."""
        if self.size > _LARGEST:
            raise OSError(0, f"the file is larger than {_LARGEST >> 20} MB")
        with open(self.file, "rb") as opened:
            opened.seek(self.offset)
            return opened.read(self.size)


def existing(path: Path) -> Path:
    """The whole path of a file that is there; raises ZcalcError where it is not."""
    try:
        return path.expanduser().resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise ZcalcError(f"There is no file {path}.", "Check the path.") from error
