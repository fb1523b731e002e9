"""Reading pictures: any file or bytes as upright RGB, guarded against damaged and huge ones."""

import math
import tarfile
import threading
import warnings
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from zcalc.errors import ZcalcError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM")
_READABLE = "bmp gif jfif jpe jpeg jpg png ppm pgm pnm tif tiff webp avif"
_UNREADABLE = "eps heic heif ico jp2 psd svg tga"  # listed, then skipped with a reason
SUFFIXES = {f".{suffix}" for suffix in f"{_READABLE} {_UNREADABLE}".split()}
PREPARATION = 2  # version of what encoders are given; part of every encoder's identity
SHOWN = (1024, 1024)  # pixels: enough for any picture that is only shown
MAX_PIXELS = 50_000_000  # larger pictures are shrunk to it before an encoder sees them
_LARGE_PIXELS = 16_000_000  # larger pictures are decoded one at a time, to bound memory
_LARGE_LOCK = threading.Lock()
_WHITE = (255, 255, 255)


def open_picture(path: Path, within: tuple[int, int] | None = None) -> Image.Image:
    """Read a picture file as upright RGB, whole, or shrunk to fit `within` (width, height).

    Encoders prepare whole pictures, of up to `MAX_PIXELS`; what is only shown is read faster
    within `SHOWN`. `path` may point into a tar archive: `a.tar!b.jpg`.
    Raises ZcalcError with the reason if the file is not a picture, damaged, or far too large.
    """
    try:
        data = _read(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return decode(data, within)
    except Exception as error:  # Pillow raises almost anything on a damaged file
        message = f"Can't read {printable(path.name)}: {why_unreadable(error)}"
        raise ZcalcError(message, "Save it again as PNG or JPEG, or remove it.") from error


def decode(data: bytes, within: tuple[int, int] | None = None) -> Image.Image:
    """Decode a picture's bytes as `open_picture` does. Thread-safe.

    Raises whatever Pillow raises on a damaged picture; `why_unreadable` puts it into words.
    """
    if not data:
        raise OSError("the file is empty")
    with Image.open(BytesIO(data), formats=FORMATS) as picture:
        pixels = picture.width * picture.height
        if pixels > (Image.MAX_IMAGE_PIXELS or math.inf):
            raise Image.DecompressionBombError
        with _LARGE_LOCK if pixels > _LARGE_PIXELS else nullcontext():
            size = within or bounded(picture.size)
            if picture.mode not in ("1", "P", "PA"):  # these only downscale well as RGB
                picture.thumbnail(size)
            rgb = to_rgb(picture)
            if rgb.width > max(size) or rgb.height > max(size):
                rgb.thumbnail(size)
    return rgb


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
    """Split a path into the file and, for one inside a tar (`a.tar!b.jpg`), its member."""
    file, mark, member = str(path).partition(".tar!")
    return (Path(f"{file}.tar"), member) if mark and not path.exists() else (path, "")


def printable(text: str) -> str:
    """A file name safe to display: without control characters or broken encodings."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def why_unreadable(error: BaseException) -> str:
    """The reason a picture could not be read, in words."""
    if isinstance(error, ZcalcError) and error.__cause__:
        return why_unreadable(error.__cause__)
    if isinstance(error, UnidentifiedImageError):
        return f"not one of {', '.join(FORMATS)}, or damaged"
    if isinstance(error, Image.DecompressionBombWarning | Image.DecompressionBombError):
        return f"more than {Image.MAX_IMAGE_PIXELS or 0:,} pixels"
    return printable(getattr(error, "strerror", "") or str(error) or type(error).__name__)


def _read(path: Path) -> bytes:
    file, member = split_path(path)
    if not member:
        return path.read_bytes()
    with tarfile.open(file, "r:") as archive:
        stream = archive.extractfile(archive.getmember(member))
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
