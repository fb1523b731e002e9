"""Labelled points, drawn as thumbnails, stars, or dots: for maps and concept axes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from zcalc.geometry.plots.canvas import (
    BLUE,
    INK,
    MAX_LABELS,
    MAX_THUMBNAILS,
    SOFT,
    add_labels,
    add_thumbnail,
    shorten,
    thumbnail_side,
    without_overlap,
)


def draw_points(
    axes: Axes,
    names: Sequence[str],
    places: np.ndarray,
    paths: Sequence[Path | None] = (),
    arrows: Sequence[np.ndarray] = (),
) -> None:
    """Draw pictures as thumbnails, results (★) as stars, and the rest as dots.

    Labels avoid `arrows`, each (2, 2). Above 40 points only results are labelled, and a picture
    that would cover another is a dot; above 250 all pictures are dots.
    """
    count, side = len(places), thumbnail_side(len(places))
    stars = [name.startswith("★") for name in names]
    room, dots = [9.0] * count, []
    free = np.ones(count, bool) if count <= MAX_LABELS else without_overlap(axes, places, side)
    for i, place in enumerate(places):
        path = paths[i] if paths and count <= MAX_THUMBNAILS and free[i] else None
        if path is not None and add_thumbnail(axes, place, path, side):
            room[i] = side * 0.9
        elif stars[i]:
            room[i] = 14.0
            star: dict[str, Any] = {"marker": "*", "s": 210, "color": "#E69F00", "edgecolor": INK}
            axes.scatter(place[0], place[1], zorder=5, linewidth=0.7, **star)
        else:
            dots.append(i)
    if dots:
        _draw_dots(axes, places[dots], count)
    if count <= MAX_THUMBNAILS and not free.all() and any(paths):
        title = "dots: thumbnails that would overlap"
        axes.set_title(title, fontsize=8.5, color=SOFT, loc="right")
    labelled = [i for i in range(count) if count <= MAX_LABELS or stars[i]]
    if labelled:
        texts, rooms = [shorten(names[i]) for i in labelled], [room[i] for i in labelled]
        add_labels(axes, places[labelled], texts, rooms, arrows)


def _draw_dots(axes: Axes, places: np.ndarray, count: int) -> None:
    """Draw places (m, 2) as dots, smaller and more transparent the more points there are."""
    size, alpha = (36, 1.0) if count <= MAX_LABELS else (14, 0.8) if count < 1000 else (5, 0.4)
    style: dict[str, Any] = {"s": size, "color": BLUE, "alpha": alpha, "linewidth": 0}
    axes.scatter(places[:, 0], places[:, 1], zorder=2.5, rasterized=True, **style)
