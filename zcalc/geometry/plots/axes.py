"""The plot of concept axes."""

from zcalc.geometry.axes import ConceptAxes
from zcalc.geometry.plots.canvas import (
    MAX_LABELS,
    SOFT,
    InlineFigure,
    new_figure,
    shorten,
    style_axes,
)
from zcalc.geometry.plots.points import draw_points


def draw_axes(concept: ConceptAxes) -> InlineFigure:
    """Draw the points over the two axes, with dashed lines at their means."""
    figure = new_figure(7.6, 6)
    axes = figure.add_subplot()
    x, y = concept.axes
    count = len(concept.names)
    title = f"Concept axes, {concept.angle:.0f}° apart (dashed: mean of all {count})"
    style_axes(axes, title, f"cosine with {shorten(x, 60)}", f"cosine with {shorten(y, 50)}")
    mean = concept.places.mean(axis=0)
    axes.axvline(mean[0], color=SOFT, linestyle="--", linewidth=0.8)
    axes.axhline(mean[1], color=SOFT, linestyle="--", linewidth=0.8)
    axes.update_datalim(concept.places)
    axes.margins(0.12 if count <= MAX_LABELS else 0.05)
    axes.autoscale_view()
    draw_points(axes, concept.names, concept.places, concept.paths)
    return figure
