"""The plot of the modality gap."""

from typing import Any

import numpy as np

from zcalc.geometry.gap import Gap
from zcalc.geometry.plots.canvas import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    InlineFigure,
    new_figure,
    style_axes,
)

_COLOURS = {"image–image": BLUE, "text–text": ORANGE, "image–text": GREEN}


def draw_gap(gap: Gap) -> InlineFigure:
    """Draw histograms of the cosines by kind of pair, before and after centring."""
    figure = new_figure(9, 3.9)
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    titles = (f"Original: gap norm {gap.norm:.2f}", "Each modality's mean subtracted")
    bins = np.linspace(-1, 1, 81)
    for axes, title, pairs in zip(panels, titles, (gap.before, gap.after), strict=True):
        for kind, cosines in pairs.items():
            style: dict[str, Any] = {"bins": bins, "density": True, "color": _COLOURS[kind]}
            axes.hist(cosines, alpha=0.28, **style)
            axes.hist(cosines, histtype="step", linewidth=1.4, label=kind, **style)
            axes.axvline(cosines.mean(), color=_COLOURS[kind], linestyle="--", linewidth=1)
        style_axes(axes, title, "cosine of a pair (dashed: mean)", "density")
    low = min(float(c.min()) for pairs in (gap.before, gap.after) for c in pairs.values())
    panels[0].set_xlim(max(-1, low - 0.05), 1)
    panels[1].set_ylabel("")
    panels[1].legend(fontsize=9, frameon=False, labelcolor=INK)
    return figure
