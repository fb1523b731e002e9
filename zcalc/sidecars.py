"""Captions that people gave their pictures: text files beside them, and a share of their points.

A caption is what a person wrote: the file `obama.txt` beside `obama.jpg`, a column that was named,
or an argument. What a camera or a program wrote into the picture itself is never one.
"""

import os
import stat
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from zcalc.errors import ZcalcError
from zcalc.pictures import printable
from zcalc.progress import notice

if TYPE_CHECKING:
    import numpy as np

SUFFIX = ".txt"
MAX_SHARE = 4  # at 1 a caption counts as much as its picture; 50 would be meant as per cent
MAX_BYTES = 16_384  # larger files are taken for documents
MAX_LENGTH = 1000  # characters; encoders read some 300
_JOINERS = "\u200c\u200d"  # not printable, but part of Persian words and of emoji


class TextEncoder(Protocol):
    """The text side of an encoder."""

    def texts(self, texts: Sequence[str]) -> "np.ndarray":
        """Embeddings (n, d) of texts."""
        ...


def with_captions(
    encoder: TextEncoder, pictures: "np.ndarray", captions: Sequence[str | None], share: float
) -> "np.ndarray":
    """Move the embeddings (n, d) of pictures toward those of their captions (n), if they have one.

    Without captions, and for a share of 0, these are the same embeddings. A caption that is longer
    than the encoder's context counts with its first words.
    """
    from zcalc.algebra import captioned

    rows = [row for row, caption in enumerate(captions) if caption]
    if not share or not rows:
        return pictures
    texts = encoder.texts([captions[row] or "" for row in rows])  # (m, d)
    points = pictures.copy()
    points[rows] = captioned(pictures[rows], texts, share)
    return points


def check_share(share: float) -> None:
    """Raise ZcalcError unless a caption's share is between 0 and 4."""
    if not 0 <= share <= MAX_SHARE:  # NaN too
        message = f"The share of a caption must be between 0 and {MAX_SHARE}, not {share}."
        hint = "0 leaves captions out; at 1 a caption counts as much as its picture."
        raise ZcalcError(message, hint)


def clean(text: str) -> str:
    """A caption on one line, at most 1,000 characters: no control or formatting characters.

    >>> clean("  Barack Obama,\\n\\tpresident\\x00 ")
    'Barack Obama, president'
    """
    line = " ".join("".join(c for c in text if _is_kept(c)).split())
    if len(line) <= MAX_LENGTH:
        return line
    return line[: MAX_LENGTH + 1].rpartition(" ")[0] or line[:MAX_LENGTH]


def parse(data: bytes) -> str:
    """The caption in the bytes of a text file; raises ZcalcError with the reason if it isn't text.

    >>> parse("Ein Café\\n".encode())
    'Ein Café'
    """
    if len(data) > MAX_BYTES:
        raise _unusable(f"it is larger than {MAX_BYTES:,} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unusable("it is not UTF-8 text") from error
    if any(unicodedata.category(c) == "Cc" and not c.isspace() for c in text):
        raise _unusable("it is not text")
    return clean(text)


def stamp(picture: Path) -> str:
    """The size and time of the text file beside a picture; "" if there is none. Opens nothing."""
    if picture.suffix == SUFFIX:
        return ""
    try:
        status = os.stat(picture.with_suffix(SUFFIX))
    except (OSError, ValueError):
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"


def read(picture: Path, roots: Sequence[Path | str] = ()) -> str:
    """The caption in the text file beside a picture; "" if there is none, or an empty one.

    No file outside `roots` is opened, without roots none outside the picture's folder. Raises
    ZcalcError with the reason if the file is outside, not a regular file, too large or not text.
    """
    if not stamp(picture):
        return ""
    try:
        file = picture.with_suffix(SUFFIX).resolve(strict=True)
        if not any(map(file.is_relative_to, roots or (picture.parent.resolve(),))):
            raise _unusable("it is outside the gallery")
        if not stat.S_ISREG(file.stat().st_mode):
            raise _unusable("it is not a regular file")
        with file.open("rb") as opened:
            return parse(opened.read(MAX_BYTES + 1))
    except (OSError, RuntimeError) as error:
        raise _unusable(getattr(error, "strerror", None) or "it can't be read") from error


def find(picture: Path, roots: Sequence[Path | str] = ()) -> str | None:
    """Like `read`, but None if there is no caption; one that can't be used is remarked on, once."""
    try:
        return read(picture, roots) or None
    except ZcalcError as error:
        name = printable(picture.with_suffix(SUFFIX).name)
        _remark(f"The caption {name} is not used: {error.message}.")
        return None


@cache
def _remark(text: str) -> None:
    notice(text)


def _unusable(reason: str) -> ZcalcError:
    return ZcalcError(reason, "Write one line of UTF-8 text, or remove the file.")


def _is_kept(character: str) -> bool:
    return character.isprintable() or character.isspace() or character in _JOINERS
