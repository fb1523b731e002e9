"""The plot of an analogy: both differences, and the best answers."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

from zcalc.geometry.analogy import Analogy
from zcalc.geometry.maps import plane
from zcalc.geometry.plots.canvas import (
    BLUE,
    INK,
    LINE,
    ORANGE,
    SOFT,
    InlineFigure,
    add_labels,
    new_figure,
    shorten,
    style_axes,
)


def draw_analogy(analogy: Analogy) -> InlineFigure:
    """Draw the corners on their principal plane, and the best answers of both methods."""
    figure = new_figure(9.6, 4.8)
    grid = figure.add_gridspec(2, 2, width_ratios=(3, 2))
    axes = figure.add_subplot(grid[:, 0])
    flat, share = plane(analogy.corners)
    title = f"Angle between the differences: {analogy.angle:.0f}° (plane: {share:.0%})"
    style_axes(axes, title, "first principal component", "second principal component")
    axes.grid(color=LINE, alpha=0.6, linewidth=0.6)
    axes.set_axisbelow(True)
    for start, end, colour in ((0, 1, BLUE), (2, 3, ORANGE)):
        style: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 16, "linewidth": 2}
        axes.add_patch(FancyArrowPatch(flat[start], flat[end], color=colour, zorder=2, **style))
    for start, end in ((0, 2), (1, 3)):
        axes.plot(*flat[[start, end]].T, color=SOFT, linestyle=":", linewidth=1, zorder=1)
    axes.scatter(flat[:, 0], flat[:, 1], s=40, color=INK, zorder=3)
    axes.margins(0.22)
    axes.set_aspect("equal", adjustable="datalim")
    for row, method in enumerate(analogy.answers):
        _draw_answers(figure.add_subplot(grid[row, 1]), analogy, method)
    names = [shorten(name) for name in analogy.names]
    add_labels(axes, flat, names, [10.0] * 4, [flat[[0, 1]], flat[[2, 3]]])
    return figure


def _draw_answers(axes: Axes, analogy: Analogy, method: str) -> None:
    """Draw the scores of one method's best answers, with d highlighted."""
    answers, d = analogy.answers[method], analogy.names[3]
    names = [shorten(name, 22) for name, _ in answers]
    scores = np.array([score for _, score in answers])
    colours = [ORANGE if name == _bare_name(d) else SOFT for name, _ in answers]
    axes.barh(range(len(names)), scores, color=colours)
    axes.set_yticks(range(len(names)), names, fontsize=9, parse_math=False)
    axes.invert_yaxis()
    axes.set_xlim(min(0.0, float(scores.min())), max(float(scores.max()) * 1.08, 1e-9))
    style_axes(axes, f"{method}: {shorten(d, 16)} has rank {analogy.ranks[method]}", "score")
    axes.tick_params(axis="y", colors=INK, labelsize=9, length=0)


def _bare_name(name: str) -> str:
    """Strip a text's quotes, or the img( ) around a picture's name."""
    return name[1:-1] if name[:1] in "\"'" else name.removeprefix("img(").removesuffix(")")
