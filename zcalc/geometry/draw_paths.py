"""Drawings of a path between two things, and of the trace of a decode."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize

from zcalc.geometry.canvas import (
    BLUE,
    INK,
    LINE,
    ORANGE,
    PAPER,
    SERIES,
    SOFT,
    Drawing,
    dressed,
    paper,
    short,
    thumbnail,
)

if TYPE_CHECKING:
    from zcalc.geometry.paths import Path
    from zcalc.geometry.trace import Trace

_CURVES = 8


def draw_path(shown: "Path") -> Drawing:
    """What is met along the arc, by cosine, and how the straight line differs from it."""
    figure = paper(8.6, 6.4)
    upper, lower = figure.subplots(2, 1, height_ratios=(3, 2), sharex=True)
    a, b = shown.names
    dressed(upper, f"From {short(a, 30)} to {short(b, 30)}: what is met", "", "cosine")
    styles = iter(SERIES)
    met = list(dict.fromkeys(name for name, _ in shown.ways["slerp"].words))[:_CURVES]
    for name in met:
        curve = shown.curves[name]
        upper.plot(shown.t, curve, color=next(styles), linewidth=1.8, label=short(name, 24))
    upper.legend(fontsize=8.5, frameon=False, labelcolor=INK, loc="center left",
                 bbox_to_anchor=(1.0, 0.5), title="words", title_fontsize=8.5)  # fmt: skip
    upper.grid(color=LINE, linewidth=0.6)
    _thumbnails(upper, shown)
    for way, style in zip(shown.ways.values(), ("--", "-"), strict=True):
        colour = BLUE if way.kind == "slerp" else ORANGE
        look: dict[str, Any] = {"color": colour, "linestyle": style, "linewidth": 1.8}
        lower.plot(shown.t, way.angles, label=way.kind, **look)
    dressed(lower, "", "share of the way, t", "degrees from the start")
    lower.grid(color=LINE, linewidth=0.6)
    beside = lower.twinx()
    beside.plot(shown.t, shown.ways["lerp"].lengths, color=SOFT, linestyle=":", linewidth=1.8)
    beside.set_ylim(0, 1.05)
    dressed(beside, "", "", "length of lerp (dotted)")
    beside.spines["right"].set_visible(True)
    beside.spines["left"].set_visible(False)
    lower.legend(fontsize=8.5, frameon=False, labelcolor=INK, loc="lower right")
    return figure


def _thumbnails(axes: Axes, shown: "Path") -> None:
    """The nearest picture of each stretch, above the curves, where it begins to be the nearest."""
    last = ""
    names = [name for name, _ in shown.ways["slerp"].pictures]
    if not names:
        return
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.34 * (high - low))
    for t, name in zip(shown.t, names, strict=True):
        if name != last and name in shown.paths:
            at = (t, high + 0.17 * (high - low))
            thumbnail(axes, at, shown.paths[name], 34)
        last = name


def draw_trace(shown: "Trace") -> Drawing:
    """A column for each token with its candidates, coloured by what the guidance did to them."""
    steps, width = shown.clip.shape
    figure = paper(max(6.0, 1.6 + 1.12 * steps), 1.9 + 0.62 * width)
    axes = figure.add_subplot()
    shift = shown.shift - np.nanmean(shown.shift) if np.isfinite(shown.shift).any() else shown.shift
    size = max(1.0, float(np.nanmax(np.abs(shift), initial=0.0)))
    colours = LinearSegmentedColormap.from_list("shift", [ORANGE, PAPER, BLUE])
    scale = Normalize(-size, size)
    for i in range(steps):
        for j, token in enumerate(shown.candidates[i]):
            _cell(axes, shown, i, j, colours(scale(np.nan_to_num(shift[i, j]))))
            chosen = token == shown.tokens[i]
            weight = "bold" if chosen else "normal"
            look: dict[str, Any] = {
                "ha": "center",
                "fontweight": weight,
                "parse_math": False,
                "color": INK,
            }
            axes.text(i, j - 0.1, short(token.strip() or "␣", 11), fontsize=9, **look)
    axes.set_xlim(-0.55, steps - 0.45)
    axes.set_ylim(width - 0.45, -0.55)
    axes.set_xticks(range(steps), [short(t.strip(), 11) for t in shown.tokens], parse_math=False)
    axes.set_yticks(range(width), [str(j + 1) for j in range(width)])
    title = f"“{shown.text}”: what each token was chosen from (bold: taken; number: CLIP)"
    dressed(axes, title, "token of the caption", "rank with guidance")
    axes.tick_params(axis="x", colors=INK, labelsize=9)
    from matplotlib.cm import ScalarMappable

    bar = figure.colorbar(ScalarMappable(scale, colours), ax=axes, fraction=0.05, pad=0.02)
    bar.set_label("log-probability: guided − plain\n(less the mean shift)", fontsize=8.5)
    bar.ax.tick_params(labelsize=8, colors=SOFT)
    bar.outline.set_visible(False)
    return figure


def _cell(axes: Axes, shown: "Trace", i: int, j: int, colour: tuple[float, ...]) -> None:
    """A candidate's cell, with its cosine below the token."""
    from matplotlib.patches import FancyBboxPatch

    chosen = shown.candidates[i][j] == shown.tokens[i]
    look: dict[str, Any] = {
        "facecolor": colour,
        "alpha": 0.75,
        "boxstyle": "round,pad=0,rounding_size=0.08",
    }
    axes.add_patch(FancyBboxPatch((i - 0.46, j - 0.42), 0.92, 0.84, linewidth=0, **look))
    if chosen:
        edge: dict[str, Any] = {"facecolor": "none", "edgecolor": INK, "linewidth": 1.6}
        box = "round,pad=0,rounding_size=0.08"
        axes.add_patch(FancyBboxPatch((i - 0.46, j - 0.42), 0.92, 0.84, boxstyle=box, **edge))
    if np.isfinite(shown.clip[i, j]):
        text: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 8, "color": INK}
        axes.text(i, j + 0.2, f"{shown.clip[i, j]:.2f}", **text)
