"""The drawing of an analogy: its two differences, and who answers it."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import FancyArrowPatch

from zcalc.geometry.canvas import (
    BLUE,
    INK,
    LINE,
    ORANGE,
    SOFT,
    Drawing,
    dressed,
    labels,
    paper,
    short,
)
from zcalc.geometry.maps import plane

if TYPE_CHECKING:
    from zcalc.geometry.analogy import Analogy


def draw_analogy(shown: "Analogy") -> Drawing:
    """The corners on their plane with both differences as arrows; beside it the best answers."""
    figure = paper(9.6, 4.8)
    grid = figure.add_gridspec(2, 2, width_ratios=(3, 2))
    axes = figure.add_subplot(grid[:, 0])
    flat, share = plane(shown.corners)
    title = f"Angle between the differences: {shown.angle:.0f}° (the plane shows {share:.0%})"
    dressed(axes, title, "first principal axis", "second principal axis")
    axes.grid(color=LINE, alpha=0.6, linewidth=0.6)
    axes.set_axisbelow(True)
    for start, end, colour in ((0, 1, BLUE), (2, 3, ORANGE)):
        look: dict[str, Any] = {
            "arrowstyle": "-|>",
            "mutation_scale": 16,
            "linewidth": 2,
            "zorder": 2,
        }
        axes.add_patch(FancyArrowPatch(flat[start], flat[end], color=colour, **look))
    for start, end in ((0, 2), (1, 3)):
        axes.plot(*flat[[start, end]].T, color=SOFT, linestyle=":", linewidth=1, zorder=1)
    axes.scatter(flat[:, 0], flat[:, 1], s=40, color=INK, zorder=3)
    axes.margins(0.22)
    axes.set_aspect("equal", adjustable="datalim")
    bars = figure.add_subplot(grid[0, 1]), figure.add_subplot(grid[1, 1])
    for one, (way, answers) in zip(bars, shown.answers.items(), strict=True):
        names = [short(name, 22) for name, _ in answers]
        scores = np.array([score for _, score in answers])
        colours = [ORANGE if name == _said(shown.names[3]) else SOFT for name, _ in answers]
        one.barh(range(len(names)), scores, color=colours)
        one.set_yticks(range(len(names)), names, fontsize=9, parse_math=False)
        one.invert_yaxis()
        low = min(0.0, float(scores.min()))
        one.set_xlim(low, max(float(scores.max()) * 1.08, 1e-9))
        rank = shown.ranks[way]
        dressed(one, f"{way}: {short(shown.names[3], 16)} is number {rank}", "score")
        one.tick_params(axis="y", colors=INK, labelsize=9, length=0)
    names = [short(name) for name in shown.names]
    labels(axes, flat, names, [10.0] * 4, [flat[[0, 1]], flat[[2, 3]]])
    return figure


def _said(name: str) -> str:
    """A text without its quotes, a picture without img( )."""
    return name[1:-1] if name[:1] in "\"'" else name.removeprefix("img(").removesuffix(")")
