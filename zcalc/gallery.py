"""Pictures by name: the sample pictures, or those in folders."""

import math
import os
import stat
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from zcalc import sidecars
from zcalc.errors import ZcalcError
from zcalc.ignore import IgnoreFiles
from zcalc.language import image, unparse
from zcalc.pictures import SUFFIXES, open_picture, printable, spellings, split_path, why_missing
from zcalc.progress import notice
from zcalc.videos import is_video_suffix

if TYPE_CHECKING:
    import numpy as np

# Pictures that zcalc ships: flags of countries (us_flag), drawings (king), photographs (obama).
_OWN = Path(__file__).parent / "data/pictures"
# Photographs that the wheels of scikit-image and scikit-learn ship, under plain names.
_PHOTOGRAPHS = {
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
    """A picture's name and file.

    Pictures added from Python carry `pixels` instead; embeddings added from Python carry a
    `vector` (d,). `caption_source` is a caption, or what finds it once it is asked for. `box` is
    the part of it that is meant: left, top, right and bottom in shares of its sides.
    """

    name: str
    path: Path
    pixels: Image.Image | None = field(default=None, compare=False, repr=False)
    vector: "np.ndarray | None" = field(default=None, compare=False, repr=False)
    caption_source: str | Callable[[], str | None] | None = field(
        default=None, compare=False, repr=False
    )
    box: tuple[float, float, float, float] | None = None

    @property
    def caption(self) -> str | None:
        """What a person wrote about the picture, if anything; read when it is asked for."""
        source = self.caption_source
        return source() if callable(source) else source

    def open(self, within: tuple[int, int] | None = None) -> Image.Image:
        """The picture as upright RGB (see `open_picture`), or the part of it in `box`.

        Raises ZcalcError if it is unreadable.
        """
        picture = open_picture(self.path, within) if self.pixels is None else self.pixels.copy()
        if self.box is None:
            return picture
        left, top, right, bottom = self.box
        x, y = int(left * picture.width), int(top * picture.height)
        far = math.ceil(right * picture.width), math.ceil(bottom * picture.height)
        return picture.crop((x, y, max(x + 1, far[0]), max(y + 1, far[1])))


class Gallery:
    """Named pictures: all those below the folders `roots`, or those passed by name.

    A picture's name is its file name without the suffix, or its path relative to its root where
    several files share that name. Its caption is in the text file beside it: `obama.txt` for
    `obama.jpg`, unless `captions` has one for its name. No file outside `roots` is ever opened;
    with `named` and no roots, exactly the named files and the captions beside them may be. Raises
    ZcalcError for a folder without pictures.
    """

    caption_share: float | None = None  # of an index: how much of the captions its points have
    allow_files = False  # whether any file may be named by its path, inside the roots or not

    def __init__(
        self,
        roots: Iterable[Path] = (),
        named: Mapping[str, Path] | None = None,
        captions: Mapping[str, str] | None = None,
    ) -> None:
        self.roots = tuple(_folder(Path(root)) for root in roots)
        if named is None:
            named = _names(self.roots)
            if not named:
                folders = " and ".join(map(str, self.roots))
                hint = "Name a folder that holds JPEG, PNG, WebP, GIF, BMP or TIFF files."
                raise ZcalcError(f"There are no pictures in {folders}.", hint)
        self._named: Mapping[str, Path] = named
        self._captions = captions or {}

    @classmethod
    def samples(cls) -> "Gallery":
        """The sample pictures: photographs (from scikit-image and scikit-learn), flags, drawings.

        >>> {"coffee", "us_flag", "king", "obama"} <= {p.name for p in Gallery.samples()}
        True
        """
        photographs = {
            name: _package_folder(folder) / file
            for folder, files in _PHOTOGRAPHS.items()
            for name, file in files.items()
        }
        photographs |= {path.stem: path for path in _OWN.glob("photographs/*.jpg")}
        photographs = {name: path for name, path in sorted(photographs.items()) if path.is_file()}
        drawings = {path.stem: path for path in sorted(_OWN.glob("*/*.png"))}
        lines = (_OWN / "photographs/captions.tsv").read_text(encoding="utf-8").splitlines()
        captions = dict(line.split("\t") for line in lines)
        return cls(named=photographs | drawings, captions=captions)

    def __iter__(self) -> Iterator[Picture]:
        return (self._picture(name, path) for name, path in self._named.items())

    def __len__(self) -> int:
        return len(self._named)

    def find(self, name: str) -> Picture:
        """Find the picture with that name, or at that path inside the roots, without opening it.

        Raises ZcalcError for an unknown name (with the closest ones), a URL, and, unless
        `allow_files`, a path that leaves the roots through `..`, a symbolic link, or by being
        absolute.
        """
        if "://" in name or name.lower().startswith("data:"):
            hint = "Save the picture in a folder of the gallery and use its name."
            raise ZcalcError("zcalc opens files, not URLs", hint)
        for known in spellings(name):
            if known in self._named:
                return self._picture(known, self.locate(Picture(known, self._named[known])))
        outside = False
        for base in dict.fromkeys(base for root in self.roots for base in (root, root.parent)):
            try:
                path = (base / name).resolve(strict=True)
            except (OSError, RuntimeError, ValueError):  # missing, a symlink loop, a NUL byte
                continue
            if self._inside(path) and path.is_file():
                return self._picture(self._name_of(path), path)
            outside = outside or not self._inside(path)
        if self.allow_files and Path(name).expanduser().is_file():
            path = Path(name).expanduser().resolve()
            return Picture(printable(name), path, caption_source=partial(sidecars.find, path))
        if outside or Path(name).is_absolute():
            raise self._refused(name)
        raise ZcalcError(f"There is no picture called {printable(name)!r}", self._suggestion(name))

    def locate(self, picture: Picture) -> Path:
        """Resolve a picture's file, following links.

        Raises ZcalcError if it no longer exists, is not a regular file, or is outside the roots.
        """
        try:
            file, member = split_path(picture.path)
            path = file.resolve(strict=True)
            regular = stat.S_ISREG(path.stat().st_mode)
        except (OSError, RuntimeError) as error:
            hint = why_missing(picture.path) or f"It was at {printable(str(picture.path))}."
            raise ZcalcError(f"The picture {picture.name!r} no longer exists", hint) from error
        if self.roots and not self._inside(path) and not self.allow_files:
            raise self._refused(picture.name)
        if not regular:
            message = f"The picture {picture.name!r} is not a regular file"
            raise ZcalcError(message, "zcalc opens regular files only.")
        if not member:
            return path
        return Path(f"{path}{member}" if member.startswith("#") else f"{path}!{member}")

    def stored(self, name: str, model: str) -> "np.ndarray | None":
        """The unit vector (d,) by `model` that is stored of a picture; here, none is."""
        return None

    def _picture(self, name: str, path: Path) -> Picture:
        """A picture with its caption; one in a file beside it is not read yet."""
        known = self._captions.get(name)
        return Picture(name, path, caption_source=known or partial(sidecars.find, path, self.roots))

    def _inside(self, path: Path) -> bool:
        return any(path.is_relative_to(root) for root in self.roots)

    def _refused(self, name: str) -> ZcalcError:
        folders = ", ".join(map(str, self.roots)) or "which has named pictures only"
        message = f"{printable(name)!r} is outside the gallery ({folders})"
        hint = "Move the picture into a folder of the gallery, or allow any file: --allow-files."
        return ZcalcError(message, hint)

    def _name_of(self, path: Path) -> str:
        names = (name for name, file in self._named.items() if file == path)
        return next(names, printable(path.stem))

    def _suggestion(self, name: str) -> str:
        """The closest names to an unknown one, or a few of the gallery's."""
        by_stem: dict[str, list[str]] = defaultdict(list)
        for known in islice(self._named, 100_000):
            by_stem[Path(known).stem.lower()].append(known)
        close = get_close_matches(Path(name).stem.lower(), by_stem, n=3, cutoff=0.6)
        if close:
            return f"Did you mean {_listed([n for key in close for n in by_stem[key]][:3], 'or')}?"
        names = list(islice(self._named, 13))
        if not names:
            return "The gallery is empty; pass a folder of pictures."
        more = f" and {len(self) - 12} more" if len(self) > 12 else ""
        return f"The gallery has {_listed(names[:12], ',' if more else 'and')}{more}."


def _folder(path: Path) -> Path:
    try:
        folder = path.expanduser().resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise ZcalcError(f"There is no folder {path}.", "Check the path.") from error
    if not folder.is_dir():
        raise ZcalcError(f"{path} is not a folder.", "Name the folder that holds the pictures.")
    return folder


def _names(roots: tuple[Path, ...]) -> dict[str, Path]:
    """Name every picture in the folders: by its stem where that is unique, else by its path."""
    by_stem: dict[str, list[tuple[Path, Path]]] = defaultdict(list)
    root_of = {path: root for root in roots for path in _walk(root)}
    for path, root in root_of.items():
        stem, suffix = os.path.splitext(path.name)
        # A phone pairs IMG_1.HEIC and IMG_1.MOV.
        by_stem[printable(path.name if is_video_suffix(suffix) else stem)].append((path, root))
    named = {}
    for stem, files in by_stem.items():
        if len(files) == 1:
            named[stem] = files[0][0]
            continue
        for path, root in files:
            relative = path.relative_to(root if len(roots) == 1 else root.parent)
            named[printable(str(relative))] = path
    return dict(sorted(named.items()))


def _walk(root: Path) -> Iterator[Path]:
    """The picture files below a folder, without hidden ones; links to folders aren't followed."""
    ignored = IgnoreFiles()
    for folder, subfolders, files in os.walk(root, onerror=unreadable_folder):
        ignored.enter(folder)
        shown = (name for name in sorted(subfolders) if not name.startswith("."))
        subfolders[:] = [name for name in shown if not ignored.subfolder(name)]
        for file in sorted(files):
            is_picture = os.path.splitext(file)[1].lower() in SUFFIXES
            if is_picture and not file.startswith(".") and not ignored.file(file):
                yield Path(folder, file)


def unreadable_folder(error: OSError) -> None:
    """Say that the pictures of a folder are left out, because it can't be read."""
    reason = error.strerror or "it can't be read"
    notice(f"{printable(str(error.filename))} is left out: {reason}.")


def _package_folder(folder: str) -> Path:
    """A folder inside an installed package, located without importing the package."""
    package, _, inside = folder.partition("/")
    spec = find_spec(package)
    locations = spec.submodule_search_locations if spec else None
    return Path(locations[0] if locations else package, inside)


def _listed(names: list[str], last: str) -> str:
    expressions = [unparse(image(name)) for name in names]
    if len(expressions) == 1 or last == ",":
        return ", ".join(expressions)
    return f"{', '.join(expressions[:-1])} {last} {expressions[-1]}"
