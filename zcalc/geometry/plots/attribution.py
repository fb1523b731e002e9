"""The plot of an attribution."""

from typing import Any

import numpy as np

from zcalc.geometry.attribution import Attribution
from zcalc.geometry.plots.canvas import (
    INK,
    PAPER,
    SERIES,
    SOFT,
    InlineFigure,
    new_figure,
    shorten,
    style_axes,
)


def draw_attribution(attribution: Attribution) -> InlineFigure:
    """Draw a stacked bar per word: positive shares to the right, negative ones to the left."""
    figure = new_figure(8, max(3.0, 1.7 + 0.36 * len(attribution.words)))
    axes = figure.add_subplot()
    rows = np.arange(len(attribution.words))
    ends = np.zeros((2, len(rows)))  # where the next segment starts: below 0, above 0
    for i, (term, shares) in enumerate(zip(attribution.terms, attribution.shares, strict=True)):
        start = np.where(shares < 0, ends[0], ends[1])
        style: dict[str, Any] = {"edgecolor": PAPER, "linewidth": 0.8, "label": shorten(term)}
        axes.barh(rows, shares, 0.66, left=start, color=SERIES[i % len(SERIES)], **style)
        ends += np.stack([np.minimum(shares, 0), np.maximum(shares, 0)])
    axes.scatter(attribution.cosines, rows, marker="D", s=26, color=INK, zorder=3, label="sum")
    axes.axvline(0, color=SOFT, linewidth=0.8)
    axes.set_yticks(rows, [shorten(word, 26) for word in attribution.words], parse_math=False)
    axes.invert_yaxis()
    style_axes(axes, "Contribution of each term", "share of the word's cosine with the result")
    axes.tick_params(axis="y", colors=INK, labelsize=9, length=0)
    figure.legend(
        loc="outside lower center", ncols=min(3, len(attribution.terms) + 1), fontsize=9,
        frameon=False, labelcolor=INK,
    )  # fmt: skip
    return figure
