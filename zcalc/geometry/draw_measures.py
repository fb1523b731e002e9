"""Drawings of cosines, of the gap, the cone and hubs, and of attribution."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from zcalc.geometry.canvas import (
    BLUE,
    GREEN,
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
    from zcalc.geometry.attribution import Attribution
    from zcalc.geometry.hubness import Hubs
    from zcalc.geometry.measures import Cone, Cosines, Gap

_NUMBERS = 14  # things up to which the cells hold numbers
_KINDS = {"image–image": BLUE, "text–text": ORANGE, "image–text": GREEN}


def draw_cosines(shown: "Cosines") -> Drawing:
    """The matrix in colours: blue for alike, orange for opposed, white for 0."""
    count = len(shown.names)
    side = float(np.clip(2.2 + 0.52 * count, 4, 9))
    figure = paper(side + 1.4, side)
    axes = figure.add_subplot()
    dressed(axes, f"Cosines of {count} things with one another")
    drawn = axes.imshow(shown.matrix, cmap=_diverging(), vmin=-1, vmax=1)
    names = [short(name, 20) for name in shown.names]
    size = 9 if count <= 24 else 6
    axes.set_xticks(range(count), names, rotation=45, ha="right", fontsize=size, parse_math=False)
    axes.set_yticks(range(count), names, fontsize=size, parse_math=False)
    axes.tick_params(colors=INK, length=0, labelsize=size)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if count <= _NUMBERS:
        for (row, column), value in np.ndenumerate(shown.matrix):
            colour = PAPER if abs(value) > 0.6 else INK
            text: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 8, "color": colour}
            axes.text(column, row, f"{value:.2f}".replace("0.", ".", 1), **text)
        for i, path in enumerate(shown.paths):
            if path is not None:
                thumbnail(axes, (i, i), path, 22)
    bar = figure.colorbar(drawn, ax=axes, shrink=0.7, label="cosine")
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, colors=SOFT)
    return figure


def _diverging() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("opposed", [ORANGE, PAPER, BLUE])


def draw_gap(shown: "Gap") -> Drawing:
    """Histograms of the cosines by kind of pair, before and after centring."""
    figure = paper(9, 3.9)
    parts = figure.subplots(1, 2, sharex=True, sharey=True)
    titles = (f"As they are: the gap is {shown.norm:.2f} long", "Each modality's mean taken out")
    bins = np.linspace(-1, 1, 81)
    for axes, title, found in zip(parts, titles, (shown.before, shown.after), strict=True):
        for kind, cosines in found.items():
            look: dict[str, Any] = {"bins": bins, "density": True, "color": _KINDS[kind]}
            axes.hist(cosines, alpha=0.28, **look)
            axes.hist(cosines, histtype="step", linewidth=1.4, label=kind, **look)
            axes.axvline(cosines.mean(), color=_KINDS[kind], linestyle="--", linewidth=1)
        dressed(axes, title, "cosine of a pair (dashed: mean)", "density")
    low = min(float(c.min()) for found in (shown.before, shown.after) for c in found.values())
    parts[0].set_xlim(max(-1, low - 0.05), 1)
    parts[1].set_ylabel("")
    parts[1].legend(fontsize=9, frameon=False, labelcolor=INK)
    return figure


def draw_cone(shown: "Cone") -> Drawing:
    """How far from the mean direction they lie, and how the variance is spread over axes."""
    figure = paper(9, 3.7)
    left, right = figure.subplots(1, 2)
    left.hist(shown.along, bins=40, color=BLUE, alpha=0.85)
    left.axvline(shown.along.mean(), color=ORANGE, linestyle="--", linewidth=1.5)
    title = f"{len(shown.along)} {shown.of}: two have the cosine {shown.anisotropy:.2f} on average"
    dressed(left, title, "cosine with the mean direction (dashed: mean)", shown.of)
    share = np.cumsum(shown.variances) / shown.variances.sum()
    right.plot(range(1, len(share) + 1), share, color=BLUE, linewidth=2)
    right.axvline(shown.dimension, color=ORANGE, linestyle="--", linewidth=1.5)
    right.set_xscale("log")
    right.set_ylim(0, 1.03)
    right.grid(color=LINE, linewidth=0.6)
    title = f"Effective dimension {shown.dimension:.0f} of {len(share)} (dashed)"
    dressed(right, title, "principal axes, largest first", "share of the variance so far")
    return figure


def draw_hubs(shown: "Hubs") -> Drawing:
    """How many are near to how many, before and after whitening, and the greatest hubs."""
    figure = paper(9.4, 4.2)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    most = max(int(shown.counts.max()), int(shown.whitened.max()))
    bins = np.unique(np.round(np.concatenate([[0, 1], np.geomspace(2, most + 1, 24)]))) - 0.5
    for counts, colour, name in (
        (shown.counts, BLUE, f"as it is: skewness {shown.skewness:.1f}"),
        (shown.whitened, ORANGE, f"whitened: skewness {shown.skewness_whitened:.1f}"),
    ):
        left.hist(counts, bins=bins, color=colour, alpha=0.25)
        look: dict[str, Any] = {"histtype": "step", "linewidth": 1.6, "label": name}
        left.hist(counts, bins=bins, color=colour, **look)
    left.set_xscale("symlog", linthresh=2)
    left.set_yscale("log")
    left.set_xlim(-0.5, most + 1)
    left.legend(fontsize=9, frameon=False, labelcolor=INK)
    title = f"How often each is among the {shown.k} nearest"
    dressed(left, title, f"N_{shown.k}: so often among the nearest", shown.of)
    _largest(right, shown)
    return figure


def _largest(axes: Axes, shown: "Hubs") -> None:
    hubs = shown.largest(10)
    rows = np.arange(len(hubs))
    axes.barh(rows - 0.2, [before for _, before, _ in hubs], 0.4, color=BLUE)
    axes.barh(rows + 0.2, [after for _, _, after in hubs], 0.4, color=ORANGE)
    axes.set_yticks(rows, [short(name, 20) for name, *_ in hubs], parse_math=False)
    axes.invert_yaxis()
    dressed(axes, "The greatest hubs", f"N_{shown.k}")
    axes.tick_params(axis="y", colors=INK, labelsize=9, length=0)


def draw_attribution(shown: "Attribution") -> Drawing:
    """A bar for each word: what pulls toward it to the right, what pushes away to the left."""
    figure = paper(8, max(3.0, 1.7 + 0.36 * len(shown.words)))
    axes = figure.add_subplot()
    rows = np.arange(len(shown.words))
    ends = np.zeros((2, len(rows)))  # where the next part begins: below 0, above 0
    for i, (term, shares) in enumerate(zip(shown.terms, shown.shares, strict=True)):
        start = np.where(shares < 0, ends[0], ends[1])
        colour = SERIES[i % len(SERIES)]
        look: dict[str, Any] = {
            "color": colour,
            "edgecolor": PAPER,
            "linewidth": 0.8,
            "label": short(term),
        }
        axes.barh(rows, shares, 0.66, left=start, **look)
        ends += np.stack([np.minimum(shares, 0), np.maximum(shares, 0)])
    axes.scatter(shown.cosines, rows, marker="D", s=26, color=INK, zorder=3, label="their sum")
    axes.axvline(0, color=SOFT, linewidth=0.8)
    axes.set_yticks(rows, [short(word, 26) for word in shown.words], parse_math=False)
    axes.invert_yaxis()
    dressed(axes, "Which term pulls toward which word", "part of the cosine with the result")
    axes.tick_params(axis="y", colors=INK, labelsize=9, length=0)
    figure.legend(
        loc="outside lower center", ncols=min(3, len(shown.terms) + 1), fontsize=9,
        frameon=False, labelcolor=INK,
    )  # fmt: skip
    return figure
