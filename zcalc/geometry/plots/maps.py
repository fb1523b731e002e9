"""The plot of a map, as a figure or as an interactive scatter plot."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch

from zcalc.errors import require
from zcalc.geometry.maps import Map
from zcalc.geometry.plots.canvas import (
    BLUE,
    INK,
    LINE,
    MAX_LABELS,
    ORANGE,
    SOFT,
    new_figure,
    style_axes,
)
from zcalc.geometry.plots.points import draw_points

_SIGN_COLOURS = {"+": BLUE, "−": ORANGE}


def draw_map(atlas: Map, interactive: bool = False) -> Any:
    """Draw the points and the arithmetic as arrows; `interactive` returns a widget instead."""
    if interactive:
        return _scatter_widget(atlas)
    figure = new_figure(7, 5.4)
    axes = figure.add_subplot()
    if atlas.share is None:
        style_axes(axes, f"UMAP of {len(atlas.names)} points (distances are not to scale)")
        axes.set_xticks([])
        axes.set_yticks([])
    else:
        title = f"PCA of {len(atlas.names)} points: {atlas.share:.1%} of the variance"
        style_axes(axes, title, "first principal component", "second principal component")
    axes.grid(color=LINE, alpha=0.6, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.update_datalim(np.vstack([atlas.places, *(chain.places for chain in atlas.chains)]))
    axes.margins(0.16 if len(atlas.names) <= MAX_LABELS else 0.05)
    axes.set_aspect("equal", adjustable="datalim")
    axes.autoscale_view()
    if atlas.chains:
        _draw_chains(axes, atlas)
    arrows = [c.places[i : i + 2] for c in atlas.chains for i in range(len(c.signs))]
    draw_points(axes, atlas.names, atlas.places, atlas.paths, arrows)
    return figure


def _draw_chains(axes: Axes, atlas: Map) -> None:
    """Draw arrows for the terms, a dotted line from each sum to the result, and the legend."""
    for chain in atlas.chains:
        if atlas.share is not None:
            x, y = chain.places[0]
            axes.scatter(x, y, marker="+", s=60, color=SOFT, linewidth=1.2, zorder=2)
        for start, end, sign in zip(chain.places[:-1], chain.places[1:], chain.signs, strict=True):
            style: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 13, "linewidth": 1.7}
            colour = _SIGN_COLOURS[sign]
            axes.add_patch(FancyArrowPatch(start, end, color=colour, zorder=4, **style))
        last = np.array([chain.places[-1], atlas.places[chain.end]])
        axes.plot(*last.T, color=SOFT, linestyle=":", linewidth=1.4, zorder=2)
    handles = [
        Line2D([], [], color=BLUE, linewidth=2, label="added"),
        Line2D([], [], color=ORANGE, linewidth=2, label="subtracted"),
        Line2D([], [], color=SOFT, linestyle=":", label="normalised"),
    ]
    if atlas.share is not None:
        marker: dict[str, Any] = {"marker": "+", "linestyle": "none", "markersize": 8}
        handles.append(Line2D([], [], color=SOFT, label="origin", **marker))
    axes.figure.legend(
        handles=handles, loc="outside lower center", ncols=4, fontsize=8.5, frameon=False,
        labelcolor=INK,
    )  # fmt: skip


def _scatter_widget(atlas: Map) -> Any:
    """Build a jupyter-scatter widget; raises ZcalcError where it is not installed."""
    jscatter = require("jscatter", "geometry", "An interactive map")
    pandas = require("pandas", "geometry", "An interactive map")
    table = pandas.DataFrame(
        {"x": atlas.places[:, 0], "y": atlas.places[:, 1], "name": list(atlas.names)}
    )
    plot = jscatter.Scatter(data=table, x="x", y="y", height=480, axes=False)
    plot.color(default=BLUE)
    plot.size(default=8 if len(table) < 1000 else 3)
    plot.tooltip(True, properties=["name"])
    return plot.show()
