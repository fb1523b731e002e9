"""What every drawing is made of: paper, colours, thumbnails, and labels that keep apart.

Drawings bring their own light paper, so that they read alike on light and dark pages. The colours
are told apart by the colour-blind too (Okabe, Ito 2008, "Color universal design").
"""

import io
import textwrap
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

from zcalc.errors import ZcalcError
from zcalc.gallery import open_picture

INK, SOFT, LINE, PAPER = "#1f2328", "#59636e", "#d8dee4", "#ffffff"
BLUE, ORANGE, GREEN, PURPLE, SKY = "#0072B2", "#D55E00", "#009E73", "#AA4499", "#56B4E9"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, "#E69F00", SKY, "#7F7F7F", "#332288")
THUMBNAILS = 250  # points above which pictures are dots
LABELS = 40  # points above which only results are named
_DPI = 110
_SIDE = 128  # pixels of a thumbnail as it is read


class Drawing(Figure):
    """A matplotlib figure that shows itself in a notebook."""

    def _repr_png_(self) -> bytes:
        return png(self)


def png(figure: Figure) -> bytes:
    """A figure as a PNG of few colours' size, on its paper."""
    from PIL import Image

    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", dpi=_DPI, facecolor=PAPER)
    picture = Image.open(drawn).convert("RGB")
    picture.quantize(255, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    return small.getvalue()


def paper(width: float, height: float) -> Drawing:
    """An empty figure of that many inches."""
    return Drawing(figsize=(width, height), layout="constrained", facecolor=PAPER)


def dressed(axes: Axes, title: str, x: str = "", y: str = "") -> Axes:
    """Axes with their title and labels, in the style of all drawings."""
    wide = axes.figure.get_figwidth() * axes.get_position().width  # type: ignore[union-attr]
    lines = textwrap.wrap(title, max(24, round(11.5 * wide)), max_lines=3, placeholder=" …")
    axes.set_title("\n".join(lines), fontsize=11, color=INK, parse_math=False, loc="left")
    axes.set_xlabel(x, fontsize=9.5, color=INK, parse_math=False)
    axes.set_ylabel(y, fontsize=9.5, color=INK, parse_math=False)
    axes.set_facecolor(PAPER)
    axes.tick_params(colors=SOFT, labelsize=8.5, length=3)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(LINE)
    return axes


def short(text: str, most: int = 34) -> str:
    """A name that fits.

    >>> short("a rather long name", 10)
    'a rather …'
    """
    return text if len(text) <= most else text[: most - 1] + "…"


@lru_cache(maxsize=1024)
def picture(path: Path) -> np.ndarray | None:
    """A picture as a small array (h, w, 3); None where it can't be read."""
    try:
        opened = open_picture(path)
    except ZcalcError:
        return None
    opened.thumbnail((_SIDE, _SIDE))
    return np.asarray(opened)


def thumbnail(axes: Axes, at: Sequence[float], path: Path, side: float, **where: Any) -> bool:
    """Put a picture there, `side` points wide or high; says whether it could be read."""
    pixels = picture(path)
    if pixels is None:
        return False
    zoom = side / max(pixels.shape[:2])
    box = AnnotationBbox(
        OffsetImage(pixels, zoom=zoom, interpolation="antialiased"),
        (float(at[0]), float(at[1])),
        pad=0.1,
        bboxprops={"edgecolor": LINE, "linewidth": 0.8},
        **where,
    )
    box.set_in_layout(not where)
    axes.add_artist(box)
    return True


def side_of(count: int) -> float:
    """How large thumbnails are, in points, where there are that many."""
    return float(np.clip(300 / np.sqrt(count + 4), 17, 40))


def apart(axes: Axes, places: np.ndarray, side: float) -> np.ndarray:
    """Which of places (n, 2) have room for a picture `side` points wide, the first ones first."""
    spots = _in_points(axes, places)
    chosen: list[int] = []
    for i, spot in enumerate(spots):
        near = np.abs(spots[chosen] - spot).max(axis=1)
        if (near > side).all():
            chosen.append(i)
    return np.isin(np.arange(len(places)), chosen)


def _in_points(axes: Axes, places: np.ndarray) -> np.ndarray:
    """Places (n, 2) in points of the paper, once the layout is settled."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    return axes.transData.transform(places) * (72 / figure.dpi)


def labels(
    axes: Axes,
    places: np.ndarray,
    texts: Sequence[str],
    room: Sequence[float],
    lines: Sequence[np.ndarray] = (),
) -> None:
    """Name places (n, 2) beside their markers, `room` points wide, where it overlaps least.

    Names also keep off lines, each from one place to another (2, 2).
    """
    spots = _in_points(axes, places)  # (n, 2)
    frame = np.array(axes.get_window_extent().extents) * (72 / axes.figure.dpi)
    taken = [(x - r / 2, y - r / 2, x + r / 2, y + r / 2) for (x, y), r in zip(spots, room)]  # noqa: B905
    along = np.linspace(0, 1, 41)[:, None]
    for line in lines:
        start, end = _in_points(axes, line)
        taken += [(x - 4, y - 4, x + 4, y + 4) for x, y in start + along * (end - start)]
    for i, text in enumerate(texts):
        wide, high, gap = 5.3 * len(text), 11.0, room[i] / 2 + 3
        x, y = spots[i]
        options = [
            (x + dx - wide * ax, y + dy - high * ay, ax, ay)
            for dx, dy, ax, ay in (
                (gap, 0, 0, 0.5), (0, gap, 0.5, 0), (0, -gap, 0.5, 1), (-gap, 0, 1, 0.5),
                (gap, gap, 0, 0), (gap, -gap, 0, 1), (-gap, gap, 1, 0), (-gap, -gap, 1, 1),
            )
        ]  # fmt: skip
        boxes = [(left, low, left + wide, low + high) for left, low, _, _ in options]
        costs = [_cost(box, [t for j, t in enumerate(taken) if j != i], frame) for box in boxes]
        best = int(np.argmin(costs))
        taken.append(boxes[best])
        left, low, *_ = boxes[best]
        axes.annotate(
            text,
            places[i],
            xytext=(left - x, low - y + 2),
            textcoords="offset points",
            fontsize=9,
            color=INK,
            parse_math=False,
            annotation_clip=False,
            bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.75, "pad": 0.5},
        )


def _cost(box: Sequence[float], taken: Sequence[Sequence[float]], frame: np.ndarray) -> float:
    """How much of a box lies over others, or outside the frame."""
    others = np.array([*taken]).reshape(-1, 4)
    wide = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    high = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    over = float((wide.clip(0) * high.clip(0)).sum())
    left_out = max(0.0, frame[0] - box[0]) + max(0.0, box[2] - frame[2])
    left_out += max(0.0, frame[1] - box[1]) + max(0.0, box[3] - frame[3])
    return over + 12 * left_out
