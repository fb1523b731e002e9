"""Drawings of maps and of concept axes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch

from zcalc.errors import ZcalcError
from zcalc.geometry.canvas import (
    BLUE,
    INK,
    LABELS,
    LINE,
    ORANGE,
    SOFT,
    THUMBNAILS,
    Drawing,
    apart,
    dressed,
    labels,
    paper,
    short,
    side_of,
    thumbnail,
)

if TYPE_CHECKING:
    from zcalc.geometry.axes import ConceptAxes
    from zcalc.geometry.maps import Map

_SIGNS = {"+": BLUE, "−": ORANGE}


def draw_map(shown: "Map") -> Drawing:
    """The points, with thumbnails and names while there is room, and the arithmetic as arrows."""
    figure = paper(7, 5.4)
    axes = figure.add_subplot()
    if shown.share is None:
        title, names = f"UMAP of {len(shown.names)} points: neighbours stay neighbours", ("", "")
    else:
        title = f"Principal axes of {len(shown.names)} points: {shown.share:.1%} of their variance"
        names = ("first principal axis", "second principal axis")
    dressed(axes, title, *names)
    if shown.share is None:
        axes.set_xticks([])
        axes.set_yticks([])
    axes.grid(color=LINE, alpha=0.6, linewidth=0.6)
    axes.set_axisbelow(True)
    everything = np.vstack([shown.places, *(walk.places for walk in shown.walks)])
    axes.update_datalim(everything)
    axes.margins(0.16 if len(shown.names) <= LABELS else 0.05)
    axes.set_aspect("equal", adjustable="datalim")
    axes.autoscale_view()
    _walks(axes, shown)
    stars = [name.startswith("★") for name in shown.names]
    arrows = [walk.places[i : i + 2] for walk in shown.walks for i in range(len(walk.signs))]
    _points(axes, shown, stars, arrows)
    return figure


def draw_axes(shown: "ConceptAxes") -> Drawing:
    """The things over the two axes; dashed lines are their means."""
    figure = paper(7.6, 6)
    axes = figure.add_subplot()
    x, y = shown.axes
    title = f"Concept axes, {shown.angle:.0f}° apart (dashed: the mean of all {len(shown.names)})"
    dressed(axes, title, f"cosine with {short(x, 60)}", f"cosine with {short(y, 50)}")
    mean = shown.places.mean(axis=0)
    axes.axvline(mean[0], color=SOFT, linestyle="--", linewidth=0.8)
    axes.axhline(mean[1], color=SOFT, linestyle="--", linewidth=0.8)
    axes.update_datalim(shown.places)
    axes.margins(0.12 if len(shown.names) <= LABELS else 0.05)
    axes.autoscale_view()
    _points(axes, shown, [False] * len(shown.names))
    return figure


def _points(
    axes: Axes,
    shown: "Map | ConceptAxes",
    stars: Sequence[bool],
    arrows: Sequence[np.ndarray] = (),
) -> None:
    """Thumbnails where there are pictures, stars for results, dots for the rest, and names.

    Where there are many, a picture that would lie over another one is a dot too.
    """
    places, names, paths = shown.places, shown.names, shown.paths
    count = len(places)
    room, dots, side = [9.0] * count, [], side_of(count)
    free = np.ones(count, bool) if count <= LABELS else apart(axes, places, side)
    for i, place in enumerate(places):
        path = paths[i] if paths and count <= THUMBNAILS and free[i] else None
        if path is not None and thumbnail(axes, place, path, side):
            room[i] = side * 0.9
        elif stars[i]:
            room[i] = 14.0
            star: dict[str, Any] = {"marker": "*", "s": 210, "color": "#E69F00", "edgecolor": INK}
            axes.scatter(place[0], place[1], zorder=5, linewidth=0.7, **star)
        else:
            dots.append(i)
    if dots:
        size, seen = (36, 1.0) if count <= LABELS else (14, 0.8) if count < 1000 else (5, 0.4)
        look: dict[str, Any] = {"s": size, "color": BLUE, "alpha": seen, "linewidth": 0}
        axes.scatter(places[dots, 0], places[dots, 1], zorder=2.5, rasterized=True, **look)
    if count <= THUMBNAILS and not free.all() and any(paths):
        axes.set_title("dots: pictures without room", fontsize=8.5, color=SOFT, loc="right")
    named = [i for i in range(count) if count <= LABELS or stars[i]]
    if named:
        texts, rooms = [short(names[i]) for i in named], [room[i] for i in named]
        labels(axes, places[named], texts, rooms, arrows)


def _walks(axes: Axes, shown: "Map") -> None:
    """Arrows for what is added and taken away, and a dotted line to the sum at length 1."""
    if not shown.walks:
        return
    for walk in shown.walks:
        if shown.share is not None:
            axes.scatter(
                walk.places[0, 0],
                walk.places[0, 1],
                marker="+",
                s=60,
                color=SOFT,
                linewidth=1.2,
                zorder=2,
            )
        for start, end, sign in zip(walk.places[:-1], walk.places[1:], walk.signs, strict=True):
            arrow: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 13, "linewidth": 1.7}
            colour = _SIGNS[sign]
            axes.add_patch(FancyArrowPatch(start, end, color=colour, zorder=4, **arrow))
        last = np.array([walk.places[-1], shown.places[walk.end]])
        axes.plot(*last.T, color=SOFT, linestyle=":", linewidth=1.4, zorder=2)
    handles = [
        Line2D([], [], color=BLUE, linewidth=2, label="added"),
        Line2D([], [], color=ORANGE, linewidth=2, label="taken away"),
        Line2D([], [], color=SOFT, linestyle=":", label="brought to length 1"),
    ]
    if shown.share is not None:
        zero: dict[str, Any] = {"marker": "+", "linestyle": "none", "markersize": 8}
        handles.append(Line2D([], [], color=SOFT, label="zero, where all begins", **zero))
    axes.figure.legend(
        handles=handles, loc="outside lower center", ncols=4, fontsize=8.5, frameon=False,
        labelcolor=INK,
    )  # fmt: skip


def scatter(shown: "Map") -> Any:
    """The map as a widget to pan and zoom; raises ZcalcError where jupyter-scatter is missing."""
    try:
        import jscatter
        import pandas
    except ImportError as error:
        hint = "Install it: pip install 'zcalc[geometry]'"
        message = "An interactive map needs jupyter-scatter, which isn't installed."
        raise ZcalcError(message, hint) from error
    table = pandas.DataFrame(
        {"x": shown.places[:, 0], "y": shown.places[:, 1], "name": list(shown.names)}
    )
    plot = jscatter.Scatter(data=table, x="x", y="y", height=480, axes=False)
    plot.color(default=BLUE)
    plot.size(default=8 if len(table) < 1000 else 3)
    plot.tooltip(True, properties=["name"])
    return plot.show()
