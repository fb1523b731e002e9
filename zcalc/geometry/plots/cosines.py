"""The plot of pairwise cosines."""

from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from zcalc.geometry.cosines import Cosines
from zcalc.geometry.plots.canvas import (
    BLUE,
    INK,
    ORANGE,
    PAPER,
    SOFT,
    InlineFigure,
    add_thumbnail,
    new_figure,
    shorten,
    style_axes,
)

_MAX_NUMBERS = 14  # with more rows, cells have no numbers


def draw_cosines(cosines: Cosines) -> InlineFigure:
    """Draw the matrix as a heat map: blue for 1, white for 0, orange for −1."""
    count = len(cosines.names)
    side = float(np.clip(2.2 + 0.52 * count, 4, 9))
    figure = new_figure(side + 1.4, side)
    axes = figure.add_subplot()
    style_axes(axes, f"Pairwise cosines of {count} embeddings")
    colours = LinearSegmentedColormap.from_list("cosine", [ORANGE, PAPER, BLUE])
    image = axes.imshow(cosines.matrix, cmap=colours, vmin=-1, vmax=1)
    names = [shorten(name, 20) for name in cosines.names]
    size = 9 if count <= 24 else 6
    axes.set_xticks(range(count), names, rotation=45, ha="right", fontsize=size, parse_math=False)
    axes.set_yticks(range(count), names, fontsize=size, parse_math=False)
    axes.tick_params(colors=INK, length=0, labelsize=size)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if count <= _MAX_NUMBERS:
        for (row, column), value in np.ndenumerate(cosines.matrix):
            colour = PAPER if abs(value) > 0.6 else INK
            style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 8, "color": colour}
            axes.text(column, row, f"{value:.2f}".replace("0.", ".", 1), **style)
        for i, path in enumerate(cosines.paths):
            if path is not None:
                add_thumbnail(axes, (i, i), path, 22)
    bar = figure.colorbar(image, ax=axes, shrink=0.7, label="cosine")
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, colors=SOFT)
    return figure
