"""A map of a result and its operands: the plane on which they lie farthest apart."""

from typing import TYPE_CHECKING

import numpy as np

from zcalc.algebra import unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zcalc.result import Result


def plane(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Points (n, d) on their two principal axes, (n, 2), and the share of their variance there.

    Source: Pearson 1901. Each axis points to the side of its farthest point, so that the same
    points give the same map.
    """
    centred = points - points.mean(axis=0)  # (n, d)
    _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
    flat = centred @ axes[:2].T  # (n, 2), or (n, 1) of vectors of one dimension
    flat = np.pad(flat, ((0, 0), (0, 2 - flat.shape[1])))
    farthest = flat[np.abs(flat).argmax(axis=0), [0, 1]]  # (2,)
    spread = float((lengths**2).sum())
    share = float((lengths[:2] ** 2).sum()) / spread if spread else 1.0
    return flat * np.where(farthest < 0, -1, 1), share


def positions(result: "Result") -> tuple[list[tuple[str, float, float]], float]:
    """Where each operand and, last, the result lie on the map, and the share of variance it shows.

    All are directions of length 1, as cosines compare them.
    """
    named = result.directions()
    points, share = plane(unit(np.stack(list(named.values()))))
    return [(n, float(x), float(y)) for n, (x, y) in zip(named, points, strict=True)], share


def plot(result: "Result") -> "Figure":
    """Draw the map of a result, for a notebook or `figure.savefig`."""
    from matplotlib.figure import Figure

    places, share = positions(result)
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for name, x, y in places:
        ours = name == places[-1][0]
        axes.scatter(x, y, s=90 if ours else 45, marker="*" if ours else "o")
        text = name if len(name) <= 40 else name[:39] + "…"
        axes.annotate(
            text, (x, y), xytext=(6, 5), textcoords="offset points", parse_math=False, fontsize=9
        )
    axes.margins(0.25)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_title(f"Operands and result (★): {share:.1%} of their variance", fontsize=11)
    axes.set_xlabel("first principal axis")
    axes.set_ylabel("second principal axis")
    axes.grid(alpha=0.25)
    return figure
