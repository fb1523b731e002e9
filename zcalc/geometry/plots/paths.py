"""The plot of a path between two embeddings."""

from typing import Any

from matplotlib.axes import Axes

from zcalc.geometry.paths import EmbeddingPath
from zcalc.geometry.plots.canvas import (
    BLUE,
    INK,
    LINE,
    ORANGE,
    SERIES,
    SOFT,
    InlineFigure,
    add_thumbnail,
    new_figure,
    shorten,
    style_axes,
)

_MAX_CURVES = 8


def draw_path(path: EmbeddingPath) -> InlineFigure:
    """Draw the nearest entries along the arc by cosine, and the angles of lerp and slerp."""
    figure = new_figure(8.6, 6.4)
    upper, lower = figure.subplots(2, 1, height_ratios=(3, 2), sharex=True)
    _draw_nearest(upper, path)
    _draw_angles(lower, path)
    return figure


def _draw_nearest(axes: Axes, path: EmbeddingPath) -> None:
    """Draw the cosine curves of the nearest words, with the nearest pictures above them."""
    a, b = path.names
    title = f"From {shorten(a, 30)} to {shorten(b, 30)}: nearest words and pictures"
    style_axes(axes, title, "", "cosine")
    words = list(dict.fromkeys(name for name, _ in path.ways["slerp"].words))[:_MAX_CURVES]
    for word, colour in zip(words, SERIES, strict=False):
        curve = path.curves[word]
        axes.plot(path.t, curve, color=colour, linewidth=1.8, label=shorten(word, 24))
    axes.legend(fontsize=8.5, frameon=False, labelcolor=INK, loc="center left",
                bbox_to_anchor=(1.0, 0.5), title="words", title_fontsize=8.5)  # fmt: skip
    axes.grid(color=LINE, linewidth=0.6)
    _add_thumbnails(axes, path)


def _add_thumbnails(axes: Axes, path: EmbeddingPath) -> None:
    """Place each nearest picture above the curves, at the step where it becomes the nearest."""
    names = [name for name, _ in path.ways["slerp"].pictures]
    if not names:
        return
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.34 * (high - low))
    previous = ""
    for t, name in zip(path.t, names, strict=True):
        if name != previous and name in path.paths:
            at = (t, high + 0.17 * (high - low))
            add_thumbnail(axes, at, path.paths[name], 34)
        previous = name


def _draw_angles(axes: Axes, path: EmbeddingPath) -> None:
    """Draw the angle from the start for lerp and slerp, and the norm of lerp."""
    for way, linestyle in zip(path.ways.values(), ("--", "-"), strict=True):
        colour = BLUE if way.kind == "slerp" else ORANGE
        style: dict[str, Any] = {"color": colour, "linestyle": linestyle, "linewidth": 1.8}
        axes.plot(path.t, way.angles, label=way.kind, **style)
    style_axes(axes, "", "interpolation parameter t", "degrees from the start")
    axes.grid(color=LINE, linewidth=0.6)
    right = axes.twinx()
    right.plot(path.t, path.ways["lerp"].lengths, color=SOFT, linestyle=":", linewidth=1.8)
    right.set_ylim(0, 1.05)
    style_axes(right, "", "", "norm of lerp (dotted)")
    right.spines["right"].set_visible(True)
    right.spines["left"].set_visible(False)
    axes.legend(fontsize=8.5, frameon=False, labelcolor=INK, loc="lower right")
