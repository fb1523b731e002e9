"""Which parts of a picture answer to a text: occlusion, for any encoder.

Occlusion sensitivity: Zeiler and Fergus 2014, "Visualizing and understanding convolutional
networks".
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.algebra import unit
from zcalc.errors import ZcalcError
from zcalc.geometry.base import Measure, Table

if TYPE_CHECKING:
    from PIL.Image import Image

    from zcalc.models.encoder import Encoder

MOST = 32  # cells a side
_SHOWN = 512  # pixels of the picture behind the map


@dataclass(frozen=True, eq=False)
class Relevance(Measure):
    """How much each cell of a picture adds to its cosine with a text, (g, g), rows from the top.

    A cell's value is the mean loss of cosine over the occluded squares of 2 × 2 cells that cover
    it: above 0 it speaks for the text, below 0 against it. `cosine` is that of the whole picture,
    `pixels` (h, w, 3) the picture to draw the map on.
    """

    name: str
    text: str
    values: np.ndarray
    cosine: float
    pixels: np.ndarray = field(repr=False)

    def table(self) -> Table:
        """Return one row per row of cells."""
        headings = ("row", *(str(i + 1) for i in range(self.values.shape[1])))
        rows = [(str(i + 1), *map(float, row)) for i, row in enumerate(self.values)]
        return headings, rows

    def data(self) -> dict[str, Any]:
        """Return the text, the whole picture's cosine, and the map, rows from the top."""
        grid = [[round(float(value), 4) for value in row] for row in self.values]
        return {"text": self.text, "cosine": round(self.cosine, 4), "relevance": grid}


def relevance(
    encoder: "Encoder", picture: "Image", name: str, text: str, grid: int = 7
) -> Relevance:
    """Map the relevance of an upright RGB picture's parts for a text, in `grid` × `grid` cells.

    It encodes the picture (grid − 1)² times with a grey square in it. The map shows what this
    encoder reacts to, not what a person would point at: a square also hides what surrounds a thing,
    and what the encoder sees anywhere may make any one place dispensable. Raises ZcalcError for a
    grid below 2 or above 32.
    """
    if not 2 <= grid <= MOST:
        raise ZcalcError(f"The grid has {grid} cells a side.", f"Use 2 to {MOST}: grid=7.")
    width, height = picture.size
    x = np.linspace(0, width, grid + 1).round().astype(int)  # (g + 1,)
    y = np.linspace(0, height, grid + 1).round().astype(int)
    grey = tuple(np.asarray(picture).reshape(-1, 3).mean(axis=0).round().astype(int).tolist())
    places = [(i, j) for i in range(grid - 1) for j in range(grid - 1)]

    def hidden() -> "Iterator[Image]":
        yield picture
        for i, j in places:
            copy = picture.copy()
            copy.paste(grey, (int(x[j]), int(y[i]), int(x[j + 2]), int(y[i + 2])))
            yield copy

    vectors = unit(encoder.images(hidden()).astype(np.float64))  # (1 + n, d)
    cosines = vectors @ unit(encoder.texts([text])[0].astype(np.float64))  # (1 + n,)
    total, count = np.zeros((grid, grid)), np.zeros((grid, grid))
    for (i, j), cosine in zip(places, cosines[1:], strict=True):
        total[i : i + 2, j : j + 2] += cosines[0] - cosine
        count[i : i + 2, j : j + 2] += 1
    shown = picture.copy()
    shown.thumbnail((_SHOWN, _SHOWN))
    return Relevance(name, text, total / count, float(cosines[0]), np.asarray(shown))
