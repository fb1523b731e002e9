"""Pictures that come from the browser, in pieces, and are checked before they are used."""

import base64
import binascii
import warnings
from pathlib import PurePath

from PIL.Image import Image

from zcalc.errors import ZcalcError
from zcalc.gallery import decode, printable, why_unreadable

MOST = 20_000_000  # bytes of a file


class Uploads:
    """Takes the pieces of one file after the other and gives the picture when it is whole."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def take(self, name: str, part: int, parts: int, data: str) -> Image | None:
        """Take a piece in base64, the first of which is number 0; None while more are to come.

        Raises ZcalcError for what is too large, out of order, or no picture.
        """
        if part == 0:
            self._pieces = []
        if part != len(self._pieces):
            self._pieces = []
            raise ZcalcError(f"{shown(name)} did not arrive whole.", "Try it again.")
        try:
            self._pieces.append(base64.b64decode(data, validate=True))
        except (binascii.Error, ValueError) as error:
            raise ZcalcError(f"{shown(name)} did not arrive whole.", "Try it again.") from error
        size = sum(map(len, self._pieces))
        if size > MOST:
            self._pieces = []
            hint = f"{MOST // 1_000_000} MB is the most; make it smaller first."
            raise ZcalcError(f"{shown(name)} is too large.", hint)
        if part + 1 < parts:
            return None
        whole, self._pieces = b"".join(self._pieces), []
        return picture_of(whole, name)


def picture_of(data: bytes, name: str) -> Image:
    """Read a picture's bytes; raises ZcalcError with the reason where they are none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return decode(data)
    except Exception as error:  # Pillow raises almost anything on a damaged file
        hint = "JPEG, PNG, WebP, GIF, BMP, TIFF and AVIF files can be used."
        message = f"{shown(name)} can't be read as a picture: {why_unreadable(error)}."
        raise ZcalcError(message, hint) from error


def stem(name: str) -> str | None:
    """What a file from the browser is called in the gallery, None for one without a name."""
    kept = printable(PurePath(name.replace("\\", "/")).stem).strip()[:80]
    return kept or None


def shown(name: str) -> str:
    """A file's name as messages have it."""
    short = printable(name.strip())[:60]
    return f"“{short}”" if short else "The picture"
