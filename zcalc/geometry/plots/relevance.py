"""The plot of a relevance map."""

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize

from zcalc.geometry.plots.canvas import BLUE, ORANGE, InlineFigure, new_figure, shorten
from zcalc.geometry.relevance import Relevance

_STRENGTH = 0.75  # opacity of the largest value


def draw_relevance(measure: Relevance) -> InlineFigure:
    """Draw the map over the picture: orange speaks for the text, blue against it."""
    height, width = measure.pixels.shape[:2]
    figure = new_figure(6.4, 1.2 + 5.2 * min(1.6, height / width))
    axes = figure.add_subplot()
    axes.imshow(measure.pixels, extent=(0, width, height, 0))
    extreme = max(1e-3, float(np.abs(measure.values).max()))
    colours = LinearSegmentedColormap.from_list("relevance", [BLUE, "#ffffff", ORANGE])
    scale = Normalize(-extreme, extreme)
    rgba = colours(scale(measure.values))  # (g, g, 4)
    rgba[..., 3] = _STRENGTH * np.abs(measure.values) / extreme
    axes.imshow(np.clip(rgba, 0, 1), extent=(0, width, height, 0), interpolation="bilinear")
    axes.set_axis_off()
    title = f"What in {shorten(measure.name, 24)} answers to “{shorten(measure.text, 32)}”"
    axes.set_title(title, parse_math=False)
    bar = figure.colorbar(ScalarMappable(scale, colours), ax=axes, shrink=0.8)
    bar.set_label("cosine lost where it is hidden")
    return figure
