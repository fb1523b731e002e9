"""Pictures by name: the sample pictures, or the folders that a person names."""

import math
import os
import stat
import tarfile
import threading
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.util import find_spec
from io import BytesIO
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from zcalc.errors import ZcalcError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM")
_READ = "bmp gif jfif jpe jpeg jpg png ppm pgm pnm tif tiff webp avif"
_REPORTED = "eps heic heif ico jp2 psd svg tga"  # pictures too, skipped with a reason
SUFFIXES = {f".{suffix}" for suffix in f"{_READ} {_REPORTED}".split()}
SIZE = (1024, 1024)  # pixels kept of a picture; encoders look at 224 to 448
_MANY = 16_000_000  # pixels from which pictures are read one at a time
_LARGE = threading.Lock()

# zcalc's own: the flags of countries (us_flag) and everyday drawings (king).
_DRAWN = Path(__file__).parent / "data/pictures"
# The photographs that the wheels of scikit-image and scikit-learn carry, under plain names;
# silhouettes, drawings and medical scans are left out.
_SAMPLES = {
    "skimage/data": {
        "astronaut": "astronaut.png",
        "brick": "brick.png",
        "cat": "chelsea.png",
        "coffee": "coffee.png",
        "coins": "coins.png",
        "galaxies": "hubble_deep_field.jpg",
        "grass": "grass.png",
        "moon": "moon.png",
        "motorcycle": "motorcycle_left.png",
        "page": "page.png",
        "photographer": "camera.png",
        "rocket": "rocket.jpg",
    },
    "sklearn/datasets/images": {"flower": "flower.jpg", "pagoda": "china.jpg"},
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture: the name it goes by and its file.

    One that was given in Python has its `pixels`; an embedding that was, its `vector` (d,).
    """

    name: str
    path: Path
    pixels: Image.Image | None = field(default=None, compare=False, repr=False)
    vector: np.ndarray | None = field(default=None, compare=False, repr=False)

    def open(self) -> Image.Image:
        """The picture as upright RGB; raises ZcalcError where it can't be read."""
        return open_picture(self.path) if self.pixels is None else self.pixels.copy()


class Gallery:
    """Named pictures: those of `roots`, folders searched whole, or those given by name.

    A picture's name is its file's without the ending, or its path inside its root where several
    files would have the same name. Nothing outside `roots` is ever opened; pictures given by name
    are, unless there are roots as well. Raises ZcalcError for a folder without pictures.
    """

    def __init__(self, roots: Iterable[Path] = (), named: Mapping[str, Path] | None = None) -> None:
        self.roots = tuple(_folder(Path(root)) for root in roots)
        if named is None:
            named = _names(self.roots)
            if not named:
                where = " and ".join(map(str, self.roots))
                hint = "Name a folder that holds JPEG, PNG, WebP, GIF, BMP or TIFF files."
                raise ZcalcError(f"There are no pictures in {where}.", hint)
        self._named: Mapping[str, Path] = named

    @classmethod
    def samples(cls) -> "Gallery":
        """The photographs that scikit-image and scikit-learn carry; flags and drawings of our own.

        >>> {"coffee", "us_flag", "king"} <= {picture.name for picture in Gallery.samples()}
        True
        """
        places = {
            name: _installed(folder) / file
            for folder, files in _SAMPLES.items()
            for name, file in files.items()
        }
        places = {name: path for name, path in sorted(places.items()) if path.is_file()}
        drawn = {path.stem: path for path in sorted(_DRAWN.glob("*/*.png"))}
        return cls(named=places | drawn)

    def __iter__(self) -> Iterator[Picture]:
        return (Picture(name, path) for name, path in self._named.items())

    def __len__(self) -> int:
        return len(self._named)

    def find(self, name: str) -> Picture:
        """Find the picture of that name, or at that path inside the roots; nothing is opened.

        Raises ZcalcError for an unknown name (with the closest ones), a URL, and a path that leads
        out of the roots, by `..`, by a symbolic link or by being absolute.
        """
        if "://" in name or name.lower().startswith("data:"):
            hint = "Save the picture in the gallery's folder and name it."
            raise ZcalcError("zcalc opens files only, no addresses", hint)
        if name in self._named:
            return Picture(name, self.locate(Picture(name, self._named[name])))
        outside = False
        for base in dict.fromkeys(base for root in self.roots for base in (root, root.parent)):
            try:
                path = (base / name).resolve(strict=True)
            except (OSError, RuntimeError, ValueError):  # missing, a loop of links, a zero byte
                continue
            if self._inside(path) and path.is_file():
                return Picture(self._name_of(path), path)
            outside = outside or not self._inside(path)
        if outside or Path(name).is_absolute():
            raise self._refused(name)
        raise ZcalcError(f"There is no picture {printable(name)!r}", self._advice(name))

    def locate(self, picture: Picture) -> Path:
        """The file of a picture, its links followed.

        Raises ZcalcError where there is none any more, it isn't regular, or it leads out of the
        roots.
        """
        try:
            file, member = _split(picture.path)
            path = file.resolve(strict=True)
            regular = stat.S_ISREG(path.stat().st_mode)
        except (OSError, RuntimeError) as error:
            hint = f"It was {printable(str(picture.path))}."
            raise ZcalcError(f"The picture {picture.name!r} is gone", hint) from error
        if self.roots and not self._inside(path):
            raise self._refused(picture.name)
        if not regular:
            hint = "Only regular files are opened."
            raise ZcalcError(f"The picture {picture.name!r} is no regular file", hint)
        return Path(f"{path}!{member}") if member else path

    def _inside(self, path: Path) -> bool:
        return any(path.is_relative_to(root) for root in self.roots)

    def _refused(self, name: str) -> ZcalcError:
        folders = ", ".join(map(str, self.roots)) or "it has named pictures only"
        message = f"{printable(name)!r} is outside the gallery ({folders})"
        return ZcalcError(message, "Put the picture in the gallery's folder.")

    def _name_of(self, path: Path) -> str:
        return next((n for n, known in self._named.items() if known == path), printable(path.stem))

    def _advice(self, name: str) -> str:
        """The names closest to one that isn't there, or some of those that are."""
        alike: dict[str, list[str]] = defaultdict(list)
        for known in islice(self._named, 100_000):
            alike[Path(known).stem.lower()].append(known)
        close = get_close_matches(Path(name).stem.lower(), alike, n=3, cutoff=0.6)
        if close:
            return f"Did you mean {_listed([n for key in close for n in alike[key]][:3], 'or')}?"
        names = list(islice(self._named, 13))
        if not names:
            return "The gallery is empty: name a folder of pictures."
        more = f" and {len(self) - 12} more" if len(self) > 12 else ""
        return f"The gallery has {_listed(names[:12], ',' if more else 'and')}{more}."


def open_picture(path: Path) -> Image.Image:
    """Read a picture as upright RGB, at most 1,024 pixels on its longer side.

    Raises ZcalcError with the reason where the file is no picture, damaged, or far too large.
    """
    try:
        data = _read(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return decode(data)
    except Exception as error:  # Pillow raises almost anything on a damaged file
        hint = "Open it in a picture program and save it as PNG or JPEG, or take it away."
        message = f"Can't read {printable(path.name)}: {why_unreadable(error)}"
        raise ZcalcError(message, hint) from error


def _split(path: Path) -> tuple[Path, str]:
    """The file of a picture's path, and the member of it where that is a tar: `a.tar!b.jpg`."""
    file, mark, member = str(path).partition(".tar!")
    return (Path(f"{file}.tar"), member) if mark and not path.exists() else (path, "")


def _read(path: Path) -> bytes:
    file, member = _split(path)
    if not member:
        return path.read_bytes()
    with tarfile.open(file, "r:") as opened:
        found = opened.extractfile(opened.getmember(member))
        return found.read() if found else b""


def decode(data: bytes) -> Image.Image:
    """Read a picture's bytes as `open_picture` does; from any thread, large ones one at a time.

    Raises whatever Pillow does on a damaged one: `why_unreadable` says it in words.
    """
    from zcalc.models.pictures import to_rgb

    if not data:
        raise OSError("the file is empty")
    with Image.open(BytesIO(data), formats=FORMATS) as picture:
        pixels = picture.width * picture.height
        if pixels > (Image.MAX_IMAGE_PIXELS or math.inf):
            raise Image.DecompressionBombError
        with _LARGE if pixels > _MANY else nullcontext():
            if picture.mode not in ("1", "P", "PA"):  # those shrink well only as RGB
                picture.thumbnail(SIZE)
            rgb = to_rgb(picture)
            rgb.thumbnail(SIZE)
    return rgb


def printable(text: str) -> str:
    """A file name as it can be shown: without control characters and broken encodings."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def why_unreadable(error: BaseException) -> str:
    """What is wrong with a picture that could not be read."""
    if isinstance(error, ZcalcError) and error.__cause__:
        return why_unreadable(error.__cause__)
    if isinstance(error, UnidentifiedImageError):
        return f"it is none of {', '.join(FORMATS)}, or damaged"
    if isinstance(error, Image.DecompressionBombWarning | Image.DecompressionBombError):
        return f"it has more than {Image.MAX_IMAGE_PIXELS or 0:,} pixels"
    return printable(getattr(error, "strerror", "") or str(error) or type(error).__name__)


def _folder(path: Path) -> Path:
    try:
        found = path.expanduser().resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise ZcalcError(f"There is no folder {path}.", "Check the path.") from error
    if not found.is_dir():
        raise ZcalcError(f"{path} is no folder.", "Name the folder that the pictures are in.")
    return found


def _names(roots: tuple[Path, ...]) -> dict[str, Path]:
    """The pictures in folders by name: the plain one where only one file has it."""
    alike: dict[str, list[tuple[Path, Path]]] = defaultdict(list)
    root_of = {path: root for root in roots for path in _walk(root)}
    for path, root in root_of.items():
        alike[printable(path.stem)].append((path, root))
    named = {}
    for name, places in alike.items():
        for path, root in places:
            longer = path.relative_to(root if len(roots) == 1 else root.parent)
            named[name if len(places) == 1 else printable(str(longer))] = path
    return dict(sorted(named.items()))


def _walk(root: Path) -> Iterator[Path]:
    """The picture files below a folder, hidden ones left out, links to folders not followed."""
    for folder, below, files in os.walk(root):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for file in sorted(files):
            if not file.startswith(".") and Path(file).suffix.lower() in SUFFIXES:
                yield Path(folder, file)


def _installed(folder: str) -> Path:
    """A folder inside an installed package, found without importing the package."""
    package, _, inside = folder.partition("/")
    spec = find_spec(package)
    places = spec.submodule_search_locations if spec else None
    return Path(places[0] if places else package, inside)


def _listed(names: list[str], last: str) -> str:
    from zcalc.language import image, unparse

    shown = [unparse(image(name)) for name in names]
    if len(shown) == 1 or last == ",":
        return ", ".join(shown)
    return f"{', '.join(shown[:-1])} {last} {shown[-1]}"
