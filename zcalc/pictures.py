"""Reading pictures: any file or bytes as upright RGB, guarded against damaged and huge ones."""

import math
import os
import shlex
import tarfile
import threading
import unicodedata
import warnings
from contextlib import nullcontext, suppress
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from zcalc import formats
from zcalc.archives import plain_tar, split_member
from zcalc.errors import ZcalcError
from zcalc.videos import is_video, read_frame, split_time

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM")
_READABLE = "bmp gif jfif jpe jpeg jpg png ppm pgm pnm tif tiff webp avif"
_UNREADABLE = "eps ico jp2 psd svg tga"  # listed, then skipped with a reason
SUFFIXES = {f".{suffix}" for suffix in f"{_READABLE} {_UNREADABLE}".split()} | formats.SUFFIXES
PREPARATION = 2  # version of what encoders are given; part of every encoder's identity
SHOWN = (1024, 1024)  # pixels: enough for any picture that is only shown
MAX_PIXELS = 50_000_000  # larger pictures are shrunk to it before an encoder sees them
_HUGE_SIZE = (7000, 7000)  # pixels: what a picture that Pillow can't decode whole is shrunk to
_LARGE_PIXELS = 16_000_000  # larger pictures are decoded one at a time, to bound memory
_LARGE_LOCK = threading.Lock()
_PNG = b"\x89PNG\r\n\x1a\n"
_WHITE = (255, 255, 255)


def open_picture(path: Path, within: tuple[int, int] | None = None) -> Image.Image:
    """Read a picture file as upright RGB, whole, or shrunk to fit `within` (width, height).

    Encoders prepare whole pictures, of up to `MAX_PIXELS`; what is only shown is read faster
    within `SHOWN`. `path` may point into a tar archive, `a.tar!b.jpg`, or a video, `c.mp4#t=1.5`.
    Raises ZcalcError with the reason if the file is not a picture, damaged, or far too large.
    """
    try:
        data = _read(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return decode(data, within, split_path(path)[0].suffix)
    except FileNotFoundError as error:
        hint = f"It was at {printable(str(path))}."
        raise ZcalcError(f"The picture {printable(path.name)} no longer exists", hint) from error
    except Exception as error:  # Pillow raises almost anything on a damaged file
        message = f"Can't read {printable(path.name)}: {why_unreadable(error)}"
        raise ZcalcError(message, "Save it again as PNG or JPEG, or remove it.") from error


def decode(data: bytes, within: tuple[int, int] | None = None, suffix: str = "") -> Image.Image:
    """Decode a picture's bytes as `open_picture` does; `suffix` is that of its file. Thread-safe.

    Raises whatever Pillow raises on a damaged picture; `why_unreadable` puts it into words.
    """
    if not data:
        raise OSError("the file is empty")
    if reason := _placeholder(data):
        raise OSError(reason)
    try:
        picture = _opened(data, suffix)
    except Image.DecompressionBombError:
        return _huge(data, within)
    with picture:
        pixels = picture.width * picture.height
        if pixels > (Image.MAX_IMAGE_PIXELS or math.inf):
            return _huge(data, within)
        with _LARGE_LOCK if pixels > _LARGE_PIXELS else nullcontext():
            size = within or bounded(picture.size)
            if picture.mode not in ("1", "P", "PA"):  # these only downscale well as RGB
                picture.thumbnail(size)
            rgb = to_rgb(picture)
            if rgb.width > max(size) or rgb.height > max(size):
                rgb.thumbnail(size)
    return rgb


def _opened(data: bytes, suffix: str) -> Image.Image:
    """Open a picture, of whatever kind; its pixels are mostly not decoded yet."""
    if kind := formats.kind_of(data, suffix):
        return formats.opened(kind, data)
    return Image.open(BytesIO(_without_texts(data)), formats=FORMATS)


def _huge(data: bytes, within: tuple[int, int] | None) -> Image.Image:
    """A picture with more pixels than Pillow decodes, shrunk while it is decoded."""
    try:
        with _LARGE_LOCK:
            return formats.shrunk(data, within or _HUGE_SIZE)
    except ZcalcError as error:
        raise OSError(f"more than {Image.MAX_IMAGE_PIXELS or 0:,} pixels; {error.hint}") from error


def _placeholder(data: bytes) -> str:
    """Why a small text file stands in place of a picture; "" if it doesn't."""
    if data.startswith(b"/annex/objects/"):
        return "git-annex has its content elsewhere: git annex get"
    if data.startswith(b"version https://git-lfs.github.com/spec/"):
        return "Git LFS has its content elsewhere: git lfs pull"
    return ""


def _without_texts(png: bytes) -> bytes:
    """A PNG without its chunks of text, which Pillow refuses if they are long; else the bytes."""
    if not png.startswith(_PNG):
        return png
    kept, start = [_PNG], len(_PNG)
    while start + 12 <= len(png):
        stop = start + 12 + int.from_bytes(png[start : start + 4], "big")
        if png[start + 4 : start + 8] not in (b"tEXt", b"zTXt", b"iTXt"):
            kept.append(png[start:stop])
        start = stop
    return b"".join(kept)


def bounded(size: tuple[int, int]) -> tuple[int, int]:
    """A size (width, height) scaled down to at most `MAX_PIXELS`.

    >>> bounded((3000, 2000)), bounded((20000, 10000))
    ((3000, 2000), (10000, 5000))
    """
    share = min(1.0, math.sqrt(MAX_PIXELS / (size[0] * size[1])))
    return max(1, int(size[0] * share)), max(1, int(size[1] * share))


def to_rgb(picture: Image.Image) -> Image.Image:
    """Apply the EXIF orientation and convert to RGB: transparency over white, 16 bits to 8.

    Raises ZcalcError if the picture can't be read or its mode has no RGB equivalent.
    """
    try:
        upright = ImageOps.exif_transpose(picture)
        if upright.has_transparency_data:
            rgba = upright.convert("RGBA")
            background = Image.new("RGB", rgba.size, _WHITE)
            background.paste(rgba, mask=rgba.getchannel("A"))
            return background
        if upright.mode == "F" or upright.mode.startswith("I"):
            return _to_8_bits(upright).convert("RGB")
        return upright.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        name = getattr(picture, "filename", "") or "a picture"
        raise ZcalcError(f"Can't read {name}: {error}", "Save it again as PNG or JPEG.") from error


def split_path(path: Path) -> tuple[Path, str]:
    """Split a path into the file and what is meant inside it, "" for all of it.

    That is a member of a tar, `a.tar!b.jpg`, or the time of a frame in seconds, `c.mp4#t=1.5`.
    """
    text = str(path)
    for split, mark in ((split_member, "!"), (split_time, "#")):
        file, inside = split(text)
        if inside not in ("", None) and not os.path.lexists(path):
            return Path(file), text[len(file) :] if mark == "#" else str(inside)
    return path, ""


def spellings(name: str) -> list[str]:
    """A name and, if that differs, it in Unicode's composed and decomposed forms.

    >>> len(spellings("cafe")), len(spellings("café"))
    (1, 2)
    """
    if name.isascii():
        return [name]
    return list(dict.fromkeys([name, *(unicodedata.normalize(f, name) for f in ("NFC", "NFD"))]))


def find_file(path: Path) -> Path:
    """The file at a path, whichever way Unicode composes the letters of its name.

    A Mac may write `é` as two characters, a table as one. Returns `path` itself if there is none.
    """
    if str(path).isascii():
        return path
    for spelling in spellings(str(path)):
        if os.path.lexists(spelling):
            return Path(spelling)
    if not path.parent.name:
        return path
    folder, wanted = find_file(path.parent), unicodedata.normalize("NFC", path.name)
    with suppress(OSError):
        for name in os.listdir(folder):
            if unicodedata.normalize("NFC", name) == wanted:
                return folder / name
    return path


def why_missing(path: Path) -> str:
    """Why a picture's content isn't here although its name is; "" if that isn't known."""
    with suppress(OSError, ValueError):
        if path.is_symlink() and "annex/objects" in os.readlink(path):
            return f"git-annex has its content elsewhere: git annex get {shlex.quote(path.name)}"
    return ""


def printable(text: str) -> str:
    """A file name safe to display: without control characters or broken encodings."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def why_unreadable(error: BaseException) -> str:
    """The reason a picture could not be read, in words."""
    if isinstance(error, ZcalcError):
        return why_unreadable(error.__cause__) if error.__cause__ else printable(error.message)
    if isinstance(error, UnidentifiedImageError):
        return f"not one of {', '.join(FORMATS)}, or damaged"
    if isinstance(error, Image.DecompressionBombWarning | Image.DecompressionBombError):
        return f"more than {Image.MAX_IMAGE_PIXELS or 0:,} pixels"
    return printable(getattr(error, "strerror", "") or str(error) or type(error).__name__)


def _read(path: Path) -> bytes:
    file, inside = split_path(path)
    if is_video(path):
        return read_frame(path, 0.0)
    if not inside:
        return path.read_bytes()
    if inside.startswith("#t="):
        return read_frame(file, split_time(str(path))[1] or 0.0)
    with tarfile.open(plain_tar(file), "r:") as archive:
        stream = archive.extractfile(archive.getmember(inside))
        return stream.read() if stream else b""


def _to_8_bits(picture: Image.Image) -> Image.Image:
    """Scale 16-bit integers, or floats in 0..1, to 8-bit grey."""
    import numpy as np

    values = np.nan_to_num(np.asarray(picture, dtype=np.float32))  # (h, w)
    largest = float(values.max(initial=0))
    if picture.mode == "F":
        scale = 255.0 if largest <= 1 else 1.0
    else:
        scale = 255 / 65535 if picture.mode != "I" or largest > 255 else 1.0
    return Image.fromarray((values * scale).round().clip(0, 255).astype(np.uint8))
