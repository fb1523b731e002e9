"""The plot of a decoding trace."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.patches import FancyBboxPatch

from zcalc.geometry.plots.canvas import (
    BLUE,
    INK,
    ORANGE,
    PAPER,
    SOFT,
    InlineFigure,
    new_figure,
    shorten,
    style_axes,
)
from zcalc.geometry.trace import Trace


def draw_trace(trace: Trace) -> InlineFigure:
    """Draw a column of candidates for each token, coloured by their shift under guidance."""
    steps, width = trace.clip.shape
    figure = new_figure(max(6.0, 1.6 + 1.12 * steps), 1.9 + 0.62 * width)
    axes = figure.add_subplot()
    shift = trace.shift - np.nanmean(trace.shift) if np.isfinite(trace.shift).any() else trace.shift
    extreme = max(1.0, float(np.nanmax(np.abs(shift), initial=0.0)))
    colours = LinearSegmentedColormap.from_list("shift", [ORANGE, PAPER, BLUE])
    scale = Normalize(-extreme, extreme)
    for i in range(steps):
        for j in range(len(trace.candidates[i])):
            _draw_cell(axes, trace, i, j, colours(scale(np.nan_to_num(shift[i, j]))))
    axes.set_xlim(-0.55, steps - 0.45)
    axes.set_ylim(width - 0.45, -0.55)
    axes.set_xticks(range(steps), [shorten(t.strip(), 11) for t in trace.tokens], parse_math=False)
    axes.set_yticks(range(width), [str(j + 1) for j in range(width)])
    title = f"“{trace.text}”: candidates per token (bold: chosen; number: CLIP)"
    style_axes(axes, title, "token of the caption", "rank with guidance")
    axes.tick_params(axis="x", colors=INK, labelsize=9)
    bar = figure.colorbar(ScalarMappable(scale, colours), ax=axes, fraction=0.05, pad=0.02)
    label = "log-probability shift: guided − unguided\n(mean subtracted)"
    bar.set_label(label, fontsize=8.5)
    bar.ax.tick_params(labelsize=8, colors=SOFT)
    bar.outline.set_visible(False)
    return figure


def _draw_cell(axes: Axes, trace: Trace, i: int, j: int, colour: tuple[float, ...]) -> None:
    """Draw candidate j of token i: its text, and its cosine below."""
    token = trace.candidates[i][j]
    chosen = token == trace.tokens[i]
    corner, boxstyle = (i - 0.46, j - 0.42), "round,pad=0,rounding_size=0.08"
    fill: dict[str, Any] = {"facecolor": colour, "alpha": 0.75, "linewidth": 0}
    axes.add_patch(FancyBboxPatch(corner, 0.92, 0.84, boxstyle=boxstyle, **fill))
    if chosen:
        border: dict[str, Any] = {"facecolor": "none", "edgecolor": INK, "linewidth": 1.6}
        axes.add_patch(FancyBboxPatch(corner, 0.92, 0.84, boxstyle=boxstyle, **border))
    style: dict[str, Any] = {"ha": "center", "color": INK}
    if np.isfinite(trace.clip[i, j]):
        axes.text(i, j + 0.2, f"{trace.clip[i, j]:.2f}", va="center", fontsize=8, **style)
    weight = "bold" if chosen else "normal"
    text = shorten(token.strip() or "␣", 11)
    axes.text(i, j - 0.1, text, fontsize=9, fontweight=weight, parse_math=False, **style)
