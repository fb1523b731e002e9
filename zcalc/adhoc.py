"""Ad hoc operands: pictures and embeddings added from Python that are in no gallery."""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from zcalc import sidecars
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery, Picture
from zcalc.pictures import bounded, open_picture, printable, to_rgb

_MAX_NAME = 80  # characters


class AdHoc:
    """Pictures and embeddings by name, for as long as their calculator lives."""

    def __init__(self) -> None:
        self._pictures: dict[str, Picture] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._pictures)

    def get(self, name: str) -> Picture | None:
        """The operand with that name, if there is one."""
        return self._pictures.get(name)

    def put(self, name: str, vector: np.ndarray) -> None:
        """Add an embedding (d,) under this very name, in place of what had it."""
        self._pictures[name] = vector_operand(vector, len(vector), name)

    def add(self, picture: Picture, gallery: Gallery) -> str:
        """Add a picture and return its name, numbered if that name is taken.

        Adding the same picture again returns the name it already has.
        """
        name = printable(picture.name).strip()[:_MAX_NAME] or "picture"
        for number in count(1):
            unique = name if number == 1 else f"{name}_{number}"
            existing = self._pictures.get(unique)
            if existing is not None and _equal(existing, picture):
                return unique
            if existing is None and not _taken(gallery, unique):
                break
        self._pictures[unique] = replace(picture, name=unique)
        return unique


def picture_operand(
    picture: PIL.Image.Image | Path, name: str | None, caption: str | None = None
) -> Picture:
    """Convert a PIL picture or a path to an operand: upright RGB, downscaled, named, captioned.

    Without a `caption`, a file has the one beside it; "" is none. Raises ZcalcError for anything
    else, an unreadable file, and a picture without pixels.
    """
    if caption is not None and not isinstance(caption, str):
        message = f"A {type(caption).__name__} is not a caption."
        raise ZcalcError(message, 'Pass a text: caption="Barack Obama".')
    words = None if caption is None else sidecars.clean(caption) or None
    if isinstance(picture, Path):
        path, pixels = picture.resolve(), open_picture(picture)
        words = sidecars.find(path) if caption is None else words
        return Picture(name or picture.stem, path, pixels, caption_source=words)
    if not isinstance(picture, PIL.Image.Image):
        hint = "Pass a PIL picture or a path: PIL.Image.open(…), Path(…)."
        raise ZcalcError(f"A {type(picture).__name__} is not a picture.", hint)
    limit = PIL.Image.MAX_IMAGE_PIXELS or math.inf
    if not 0 < picture.width * picture.height <= limit:
        message = f"The picture has {picture.width} × {picture.height} pixels."
        raise ZcalcError(message, f"Pass one with 1 to {limit:,} pixels.")
    rgb = to_rgb(picture)
    rgb = rgb.copy() if rgb is picture else rgb
    rgb.thumbnail(bounded(rgb.size))
    stem = name or Path(getattr(picture, "filename", "") or "picture").stem
    return Picture(stem, Path(stem), rgb, caption_source=words)


def vector_operand(vector: Any, dim: int, name: str) -> Picture:
    """Convert an embedding (dim,) to an operand; raises ZcalcError if it can't be one."""
    values = np.asarray(vector)
    if values.dtype.kind not in "iuf" or values.shape != (dim,):
        message = f"This encoder's embeddings have shape ({dim},), not {_description(values)}"
        raise ZcalcError(message, f"Pass an array of shape ({dim},), such as r.vector.")
    values = values.astype(np.float64)  # (d,)
    if not np.isfinite(values).all():
        raise ZcalcError("The embedding holds NaN or infinity", "Check how it was computed.")
    if not values.any():
        raise ZcalcError("The embedding is all zeros, so it has no direction", "Pass another one.")
    return Picture(name, Path(name), None, values)


def _description(values: np.ndarray) -> str:
    if values.dtype.kind not in "iuf":
        return f"an array of {values.dtype}"
    return str(values.shape)


def _equal(a: Picture, b: Picture) -> bool:
    """Whether two pictures have the same pixels and caption, or two embeddings the same numbers."""
    if a.vector is not None and b.vector is not None:
        return np.array_equal(a.vector, b.vector)
    if a.pixels is None or b.pixels is None or a.pixels.size != b.pixels.size:
        return False
    if a.caption != b.caption:
        return False
    return a.pixels.tobytes() == b.pixels.tobytes()


def _taken(gallery: Gallery, name: str) -> bool:
    """Whether the gallery has a picture with that name or path."""
    try:
        gallery.find(name)
    except ZcalcError:
        return False
    return True
