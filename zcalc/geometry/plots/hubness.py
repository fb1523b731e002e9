"""The plot of hubs."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from zcalc.geometry.hubness import Hubs
from zcalc.geometry.plots.canvas import (
    BLUE,
    INK,
    ORANGE,
    InlineFigure,
    new_figure,
    shorten,
    style_axes,
)


def draw_hubs(hubs: Hubs) -> InlineFigure:
    """Draw the distribution of N_k before and after whitening, and the largest hubs."""
    figure = new_figure(9.4, 4.2)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    most = max(int(hubs.counts.max()), int(hubs.whitened.max()))
    bins = np.unique(np.round(np.concatenate([[0, 1], np.geomspace(2, most + 1, 24)]))) - 0.5
    for counts, colour, label in (
        (hubs.counts, BLUE, f"original: skewness {hubs.skewness:.1f}"),
        (hubs.whitened, ORANGE, f"whitened: skewness {hubs.skewness_whitened:.1f}"),
    ):
        left.hist(counts, bins=bins, color=colour, alpha=0.25)
        style: dict[str, Any] = {"histtype": "step", "linewidth": 1.6, "label": label}
        left.hist(counts, bins=bins, color=colour, **style)
    left.set_xscale("symlog", linthresh=2)
    left.set_yscale("log")
    left.set_xlim(-0.5, most + 1)
    left.legend(fontsize=9, frameon=False, labelcolor=INK)
    title = f"How often each is among the {hubs.k} nearest"
    style_axes(left, title, f"N_{hubs.k}: times among the {hubs.k} nearest", hubs.of)
    _draw_largest(right, hubs)
    return figure


def _draw_largest(axes: Axes, hubs: Hubs) -> None:
    """Draw N_k of the ten largest hubs, before and after whitening."""
    largest = hubs.largest(10)
    rows = np.arange(len(largest))
    axes.barh(rows - 0.2, [before for _, before, _ in largest], 0.4, color=BLUE)
    axes.barh(rows + 0.2, [after for _, _, after in largest], 0.4, color=ORANGE)
    axes.set_yticks(rows, [shorten(name, 20) for name, *_ in largest], parse_math=False)
    axes.invert_yaxis()
    style_axes(axes, "Largest hubs", f"N_{hubs.k}")
    axes.tick_params(axis="y", colors=INK, labelsize=9, length=0)
