"""Kinds of pictures that need another package: HEIC, JPEG XL, camera RAW, videos, huge pictures.

They are detected where they are installed (`pip install 'zcalc[camera]'`); without them such files
are listed, and skipped with the command that helps.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from typing import Any

from PIL import Image

from zcalc.errors import ZcalcError

MAX_HUGE = 2_000_000_000  # pixels of a huge picture; decoding more takes minutes
_FLIPS = {
    3: Image.Transpose.ROTATE_180,
    5: Image.Transpose.ROTATE_90,
    6: Image.Transpose.ROTATE_270,
}


class MissingPackage(ZcalcError):
    """A package that some kind of picture needs is not installed."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: its name, suffixes, and the package and extra of zcalc that read it."""

    name: str
    suffixes: frozenset[str]
    package: str
    extra: str = "camera"

    @property
    def is_installed(self) -> bool:
        """Whether its package is installed."""
        return _is_installed(self.package)

    def require(self) -> None:
        """Raise ZcalcError with the command that installs what it needs, unless it is there."""
        if not self.is_installed:
            command = f"pip install 'zcalc[{self.extra}]'"
            raise MissingPackage(f"{self.name} needs another package: {command}", command)


def _kind(name: str, suffixes: str, package: str) -> Kind:
    return Kind(name, frozenset(f".{suffix}" for suffix in suffixes.split()), package)


HEIC = _kind("HEIC", "heic heif hif heics heifs", "pillow_heif")
JPEG_XL = _kind("JPEG XL", "jxl", "pillow_jxl")
RAW = _kind("camera RAW", "3fr arw cr2 cr3 crw dng erf nef nrw orf pef raf raw rw2 sr2 srw x3f",
            "rawpy")  # fmt: skip
VIDEO = _kind("video", "3gp avi m2ts m4v mkv mov mp4 mpeg mpg mts webm wmv", "av")
HUGE = Kind("A picture of this size", frozenset(), "pyvips")
OCR = Kind("Reading text", frozenset(), "rapidocr", "ocr")
KINDS = (HEIC, JPEG_XL, RAW, VIDEO)
SUFFIXES = frozenset(suffix for kind in KINDS for suffix in kind.suffixes)
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def why_not(suffix: str) -> str:
    """Why files with a suffix can't be read here; "" if they can."""
    for kind in KINDS:
        if suffix.lower() in kind.suffixes and not kind.is_installed:
            return f"{kind.name} needs another package: pip install 'zcalc[{kind.extra}]'"
    return ""


def kind_of(data: bytes, suffix: str) -> Kind | None:
    """The kind of a picture by its first bytes or, of a RAW file, its suffix; None for others."""
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS and b"avif" not in data[8:64]:
        return HEIC
    if data[:2] == b"\xff\x0a" or data[:12] == b"\x00\x00\x00\x0cJXL \r\n\x87\n":
        return JPEG_XL
    return RAW if suffix.lower() in RAW.suffixes else None


def opened(kind: Kind, data: bytes) -> Image.Image:
    """Open a picture of a kind; raises ZcalcError if its package is missing."""
    kind.require()
    return _OPENERS[kind.name](data)


def shrunk(data: bytes, size: tuple[int, int]) -> Image.Image:
    """Decode a huge picture to fit `size` (width, height), row by row, in bounded memory.

    Raises ZcalcError if its package is missing or the picture is larger than `MAX_HUGE`.
    """
    HUGE.require()
    import pyvips

    try:
        header = pyvips.Image.new_from_buffer(data, "", access="sequential")
        pixels = header.width * header.height
        if pixels > MAX_HUGE:
            raise OSError(f"more than {MAX_HUGE:,} pixels")
        if header.get_typeof("interlaced") and header.get("interlaced"):
            raise OSError("interlaced, which takes memory for all of its pixels at once")
        small = pyvips.Image.thumbnail_buffer(data, size[0], height=size[1], size="down")
        small = small.colourspace("srgb")
        if small.hasalpha():
            small = small.flatten(background=[255, 255, 255])
        return Image.fromarray(small.cast("uchar").numpy()[..., :3].copy())
    except pyvips.Error as error:
        raise OSError(str(error).splitlines()[0]) from error


def _open_heif(data: bytes) -> Image.Image:
    _register_heif()
    return Image.open(BytesIO(data), formats=("HEIF",))


def _open_jxl(data: bytes) -> Image.Image:
    import pillow_jxl  # noqa: F401  (registers the format)

    return Image.open(BytesIO(data), formats=("JXL",))


def _open_raw(data: bytes) -> Image.Image:
    """The preview that the camera put into a RAW file; developed at half size if there is none."""
    import rawpy

    try:
        with rawpy.imread(BytesIO(data)) as raw:
            try:
                preview: Any = raw.extract_thumb()
            except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
                return Image.fromarray(raw.postprocess(half_size=True, use_camera_wb=True))
            flip = _FLIPS.get(raw.sizes.flip)
            if preview.format == rawpy.ThumbFormat.JPEG:
                picture: Image.Image = Image.open(BytesIO(preview.data), formats=("JPEG",))
                if picture.getexif().get(0x0112, 1) != 1:
                    return picture  # it says itself how to turn it
            else:
                picture = Image.fromarray(preview.data)
            return picture.transpose(flip) if flip is not None else picture
    except rawpy.LibRawError as error:
        text = error.args[0] if error.args else error
        reason = text.decode() if isinstance(text, bytes) else str(text)
        raise OSError(f"not a RAW file that LibRaw reads: {reason}") from error


_OPENERS: dict[str, Callable[[bytes], Image.Image]] = {
    HEIC.name: _open_heif,
    JPEG_XL.name: _open_jxl,
    RAW.name: _open_raw,
}


@cache
def _register_heif() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()


@cache
def _is_installed(package: str) -> bool:
    return find_spec(package) is not None
