"""Operands that a person gives in Python: pictures that are in no gallery, and embeddings."""

import math
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from zcalc.errors import ZcalcError
from zcalc.gallery import SIZE, Gallery, Picture, open_picture, printable

_LONGEST = 80  # characters of a name


class Given:
    """Pictures and embeddings by name, for as long as their calculator lives."""

    def __init__(self) -> None:
        self._pictures: dict[str, Picture] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._pictures)

    def get(self, name: str) -> Picture | None:
        """What was given under a name."""
        return self._pictures.get(name)

    def add(self, picture: Picture, gallery: Gallery) -> str:
        """Keep a picture under its name, or under one of its own where that name is taken.

        The same picture given again has the name that it had.
        """
        name = printable(picture.name).strip()[:_LONGEST] or "picture"
        for number in count(1):
            unique = name if number == 1 else f"{name}_{number}"
            known = self._pictures.get(unique)
            if known is not None and _same(known, picture):
                return unique
            if known is None and not _taken(gallery, unique):
                break
        self._pictures[unique] = Picture(unique, picture.path, picture.pixels, picture.vector)
        return unique


def picture_of(picture: PIL.Image.Image | Path, name: str | None) -> Picture:
    """Any picture as one of a gallery: upright RGB, small, with a name.

    Raises ZcalcError for what is no picture, can't be read, or has no pixels.
    """
    from zcalc.models.pictures import to_rgb

    if isinstance(picture, Path):
        return Picture(name or picture.stem, picture.resolve(), open_picture(picture))
    if not isinstance(picture, PIL.Image.Image):
        hint = "Give a PIL picture or the path of one: PIL.Image.open(…), Path(…)."
        raise ZcalcError(f"A {type(picture).__name__} is no picture.", hint)
    pixels = picture.width * picture.height
    if not 0 < pixels <= (PIL.Image.MAX_IMAGE_PIXELS or math.inf):
        message = f"The picture is {picture.width} by {picture.height} pixels large."
        raise ZcalcError(message, "Give one with at least one pixel, and not millions of them.")
    rgb = to_rgb(picture)
    rgb = rgb.copy() if rgb is picture else rgb
    rgb.thumbnail(SIZE)
    named = name or Path(getattr(picture, "filename", "") or "picture").stem
    return Picture(named, Path(named), rgb)


def vector_of(vector: Any, dim: int, name: str) -> Picture:
    """An embedding (d,) as an operand; raises ZcalcError where it is none of this encoder's."""
    values = np.asarray(vector)
    if values.dtype.kind not in "iuf" or values.shape != (dim,):
        message = f"An embedding of this encoder is {dim} numbers, and this is {_described(values)}"
        raise ZcalcError(message, f"Give an array of shape ({dim},), such as r.vector.")
    values = values.astype(np.float64)  # (d,)
    if not np.isfinite(values).all():
        raise ZcalcError("This embedding has numbers that are not finite", "Look for NaN and inf.")
    if not values.any():
        raise ZcalcError("This embedding is zero, so it has no direction", "Give another one.")
    return Picture(name, Path(name), None, values)


def _described(values: np.ndarray) -> str:
    if values.dtype.kind not in "iuf":
        return f"an array of {values.dtype}"
    return f"an array of shape {values.shape}"


def _same(one: Picture, other: Picture) -> bool:
    """Tell whether two pictures, or two vectors, are the same in every number."""
    if one.vector is not None and other.vector is not None:
        return np.array_equal(one.vector, other.vector)
    if one.pixels is None or other.pixels is None or one.pixels.size != other.pixels.size:
        return False
    return one.pixels.tobytes() == other.pixels.tobytes()


def _taken(gallery: Gallery, name: str) -> bool:
    """Tell whether a name, or what it is as a path, leads to a picture of the gallery."""
    try:
        gallery.find(name)
    except ZcalcError:
        return False
    return True
