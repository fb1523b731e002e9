"""The plot of a cone of directions."""

import numpy as np

from zcalc.geometry.cone import Cone
from zcalc.geometry.plots.canvas import (
    BLUE,
    LINE,
    ORANGE,
    InlineFigure,
    new_figure,
    style_axes,
)


def draw_cone(cone: Cone) -> InlineFigure:
    """Draw the cosines with the mean direction, and the cumulative variance of the components."""
    figure = new_figure(9, 3.7)
    left, right = figure.subplots(1, 2)
    left.hist(cone.along, bins=40, color=BLUE, alpha=0.85)
    left.axvline(cone.along.mean(), color=ORANGE, linestyle="--", linewidth=1.5)
    title = f"{len(cone.along)} {cone.of}: mean pairwise cosine {cone.anisotropy:.2f}"
    style_axes(left, title, "cosine with the mean direction (dashed: mean)", cone.of)
    share = np.cumsum(cone.variances) / cone.variances.sum()  # (d,)
    right.plot(range(1, len(share) + 1), share, color=BLUE, linewidth=2)
    right.axvline(cone.dimension, color=ORANGE, linestyle="--", linewidth=1.5)
    right.set_xscale("log")
    right.set_ylim(0, 1.03)
    right.grid(color=LINE, linewidth=0.6)
    title = f"Effective dimension {cone.dimension:.0f} of {len(share)} (dashed)"
    style_axes(right, title, "principal components, largest first", "cumulative share of variance")
    return figure
