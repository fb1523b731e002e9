"""Building blocks of all plots: colours, styled axes, thumbnails, and non-overlapping labels.

Plots have a light background of their own, so they look the same on light and dark pages. The
palette is safe for colour-blind readers (Okabe, Ito 2008, "Color universal design").
"""

import io
import textwrap
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from PIL import Image

from zcalc.errors import ZcalcError
from zcalc.pictures import SHOWN, open_picture

INK, SOFT, LINE, PAPER = "#1f2328", "#59636e", "#d8dee4", "#ffffff"
BLUE, ORANGE, GREEN, PURPLE, SKY = "#0072B2", "#D55E00", "#009E73", "#AA4499", "#56B4E9"
SERIES = (BLUE, ORANGE, GREEN, PURPLE, "#E69F00", SKY, "#7F7F7F", "#332288")
MAX_THUMBNAILS = 250  # with more points, pictures are dots
MAX_LABELS = 40  # with more points, only results are labelled
_DPI = 110
_THUMBNAIL_PIXELS = 128
Box = tuple[float, float, float, float]  # left, bottom, right, top, in points


class InlineFigure(Figure):
    """A matplotlib figure that a notebook displays as a PNG."""

    def _repr_png_(self) -> bytes:
        return png(self)


def png(figure: Figure) -> bytes:
    """Render a figure as a PNG with a palette of 255 colours."""
    rendered, compact = io.BytesIO(), io.BytesIO()
    figure.savefig(rendered, format="png", dpi=_DPI, facecolor=PAPER)
    picture = Image.open(rendered).convert("RGB")
    picture.quantize(255, dither=Image.Dither.NONE).save(compact, "png", optimize=True)
    return compact.getvalue()


def new_figure(width: float, height: float) -> InlineFigure:
    """Create an empty figure, its size in inches."""
    return InlineFigure(figsize=(width, height), layout="constrained", facecolor=PAPER)


def style_axes(axes: Axes, title: str, x: str = "", y: str = "") -> Axes:
    """Set the title and axis labels in the common style."""
    width = axes.figure.get_figwidth() * axes.get_position().width  # type: ignore[union-attr]
    lines = textwrap.wrap(title, max(24, round(11.5 * width)), max_lines=3, placeholder=" …")
    axes.set_title("\n".join(lines), fontsize=11, color=INK, parse_math=False, loc="left")
    axes.set_xlabel(x, fontsize=9.5, color=INK, parse_math=False)
    axes.set_ylabel(y, fontsize=9.5, color=INK, parse_math=False)
    axes.set_facecolor(PAPER)
    axes.tick_params(colors=SOFT, labelsize=8.5, length=3)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(LINE)
    return axes


def shorten(text: str, most: int = 34) -> str:
    """Truncate a label to `most` characters.

    >>> shorten("a rather long name", 10)
    'a rather …'
    """
    return text if len(text) <= most else text[: most - 1] + "…"


@lru_cache(maxsize=1024)
def _load_thumbnail(path: Path) -> np.ndarray | None:
    """Read a picture as a small array (h, w, 3); None if it can't be read."""
    try:
        picture = open_picture(path, SHOWN)
    except ZcalcError:
        return None
    picture.thumbnail((_THUMBNAIL_PIXELS, _THUMBNAIL_PIXELS))
    return np.asarray(picture)


def add_thumbnail(axes: Axes, at: Sequence[float], path: Path, side: float) -> bool:
    """Place a picture whose longer side is `side` points; return False if it can't be read."""
    pixels = _load_thumbnail(path)
    if pixels is None:
        return False
    zoom = side / max(pixels.shape[:2])
    box = AnnotationBbox(
        OffsetImage(pixels, zoom=zoom, interpolation="antialiased"),
        (float(at[0]), float(at[1])),
        pad=0.1,
        bboxprops={"edgecolor": LINE, "linewidth": 0.8},
    )
    axes.add_artist(box)
    return True


def thumbnail_side(count: int) -> float:
    """Choose the size of `count` thumbnails, in points."""
    return float(np.clip(300 / np.sqrt(count + 4), 17, 40))


def without_overlap(axes: Axes, places: np.ndarray, side: float) -> np.ndarray:
    """Select places (n, 2) where thumbnails of `side` points don't overlap, greedily: (n,) bool."""
    spots = _to_points(axes, places)
    chosen: list[int] = []
    for i, spot in enumerate(spots):
        distances = np.abs(spots[chosen] - spot).max(axis=1)
        if (distances > side).all():
            chosen.append(i)
    return np.isin(np.arange(len(places)), chosen)


def _to_points(axes: Axes, places: np.ndarray) -> np.ndarray:
    """Convert places (n, 2) from data coordinates to points (1/72 inch), after layout."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    return axes.transData.transform(places) * (72 / figure.dpi)


def add_labels(
    axes: Axes,
    places: np.ndarray,
    texts: Sequence[str],
    room: Sequence[float],
    lines: Sequence[np.ndarray] = (),
) -> None:
    """Label places (n, 2) beside their markers, `room` points wide, where labels overlap least.

    Labels also avoid `lines`, each from one place to another (2, 2).
    """
    spots = _to_points(axes, places)  # (n, 2)
    frame = np.array(axes.get_window_extent().extents) * (72 / axes.figure.dpi)
    occupied = [
        (x - r / 2, y - r / 2, x + r / 2, y + r / 2) for (x, y), r in zip(spots, room, strict=True)
    ]
    along = np.linspace(0, 1, 41)[:, None]
    for line in lines:
        start, end = _to_points(axes, line)
        occupied += [(x - 4, y - 4, x + 4, y + 4) for x, y in start + along * (end - start)]
    for i, text in enumerate(texts):
        obstacles = [box for j, box in enumerate(occupied) if j != i]
        box = _best_box(spots[i], text, room[i], obstacles, frame)
        occupied.append(box)
        axes.annotate(
            text,
            places[i],
            xytext=(box[0] - spots[i][0], box[1] - spots[i][1] + 2),
            textcoords="offset points",
            fontsize=9,
            color=INK,
            parse_math=False,
            annotation_clip=False,
            bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.75, "pad": 0.5},
        )


def _best_box(
    spot: np.ndarray, text: str, room: float, obstacles: Sequence[Box], frame: np.ndarray
) -> Box:
    """Choose the box with the least overlap among eight around a marker."""
    x, y = spot
    width, height, gap = 5.3 * len(text), 11.0, room / 2 + 3  # points, for a 9 pt font
    boxes = []
    for dx, dy, ax, ay in (
        (gap, 0, 0, 0.5), (0, gap, 0.5, 0), (0, -gap, 0.5, 1), (-gap, 0, 1, 0.5),
        (gap, gap, 0, 0), (gap, -gap, 0, 1), (-gap, gap, 1, 0), (-gap, -gap, 1, 1),
    ):  # fmt: skip
        left, low = x + dx - width * ax, y + dy - height * ay
        boxes.append((left, low, left + width, low + height))
    return boxes[int(np.argmin([_overlap(box, obstacles, frame) for box in boxes]))]


def _overlap(box: Box, others: Sequence[Box], frame: np.ndarray) -> float:
    """Compute the area of a box covered by others, plus a penalty for leaving the frame."""
    rows = np.array([*others]).reshape(-1, 4)
    width = np.minimum(box[2], rows[:, 2]) - np.maximum(box[0], rows[:, 0])
    height = np.minimum(box[3], rows[:, 3]) - np.maximum(box[1], rows[:, 1])
    area = float((width.clip(0) * height.clip(0)).sum())
    outside = max(0.0, frame[0] - box[0]) + max(0.0, box[2] - frame[2])
    outside += max(0.0, frame[1] - box[1]) + max(0.0, box[3] - frame[3])
    return area + 12 * outside
