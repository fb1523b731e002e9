"""Uploads: pictures sent by the browser in parts, checked before use."""

import base64
import binascii
import warnings
from pathlib import PurePath

from PIL.Image import Image

from zcalc.errors import ZcalcError
from zcalc.pictures import decode, printable, why_unreadable

MAX_BYTES = 20_000_000  # of a file


class Uploads:
    """Assembles pictures from their parts, one file at a time."""

    def __init__(self) -> None:
        self._received: list[bytes] = []

    def receive(self, name: str, part: int, parts: int, data: str) -> Image | None:
        """Receive part number `part` (from 0) in base64; returns the picture after the last.

        Raises ZcalcError for a file that is too large or not a picture, and for parts out of order.
        """
        if part == 0:
            self._received = []
        if part != len(self._received):
            self._received = []
            raise _incomplete(name)
        try:
            self._received.append(base64.b64decode(data, validate=True))
        except (binascii.Error, ValueError) as error:
            raise _incomplete(name) from error
        if sum(map(len, self._received)) > MAX_BYTES:
            self._received = []
            hint = f"The limit is {MAX_BYTES // 1_000_000} MB. Save a smaller copy."
            raise ZcalcError(f"Can't upload {display_name(name)}: it is too large.", hint)
        if part + 1 < parts:
            return None
        file, self._received = b"".join(self._received), []
        return decode_picture(file, name)


def decode_picture(data: bytes, name: str) -> Image:
    """Decode a picture's bytes; raises ZcalcError with the reason if they can't be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return decode(data)
    except Exception as error:  # Pillow raises almost anything on a damaged file
        hint = "Use a JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF file."
        message = f"Can't read {display_name(name)}: {why_unreadable(error)}."
        raise ZcalcError(message, hint) from error


def picture_name(file_name: str) -> str | None:
    """The name of an uploaded picture: its file's stem, None for a file without a name."""
    stem = printable(PurePath(file_name.replace("\\", "/")).stem).strip()[:80]
    return stem or None


def display_name(file_name: str) -> str:
    """A file's name, quoted for a message."""
    short = printable(file_name.strip())[:60]
    return f"“{short}”" if short else "the picture"


def _incomplete(name: str) -> ZcalcError:
    return ZcalcError(f"The upload of {display_name(name)} is incomplete.", "Try again.")
