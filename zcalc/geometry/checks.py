"""Input checks shared by all measures: enough points, finite, and not all identical."""

import numpy as np

from zcalc.algebra import unit
from zcalc.errors import ZcalcError


def as_points(points: np.ndarray, least: int = 1, what: str = "points") -> np.ndarray:
    """Return points as an array (n, d) float64.

    Raises ZcalcError for another shape, fewer than `least` rows, and NaN or infinity.

    >>> as_points(np.ones((2, 3)), least=3, what="pictures")
    Traceback (most recent call last):
    zcalc.errors.ZcalcError: Expected at least 3 pictures, got 2.
    """
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] == 0:
        message = f"Expected {what} of shape (n, d), got shape {array.shape}."
        raise ZcalcError(message, "Pass a 2-D array with one embedding per row.")
    if len(array) < least:
        raise ZcalcError(f"Expected at least {least} {what}, got {len(array)}.")
    broken = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if len(broken):
        message = f"{len(broken)} of the {what} contain NaN or infinity, the first at row"
        raise ZcalcError(f"{message} {broken[0]}.", "Remove these rows.")
    return array


def as_directions(points: np.ndarray, least: int = 1, what: str = "points") -> np.ndarray:
    """Return points (n, d) scaled to unit length.

    Raises ZcalcError as `as_points` does, and for zero vectors.
    """
    array = as_points(points, least, what)
    zeros = np.flatnonzero(~array.any(axis=1))
    if len(zeros):
        message = f"{len(zeros)} of the {what} are zero vectors, the first at row {zeros[0]}."
        raise ZcalcError(message, "A zero vector has no direction: remove these rows.")
    return unit(array)


def require_spread(points: np.ndarray, what: str = "points") -> np.ndarray:
    """Return points (n, d) unchanged; raises ZcalcError where all of them are identical."""
    scale = np.abs(points).max()
    if np.ptp(points, axis=0).max() <= 1e-7 * scale:
        raise ZcalcError(f"All {what} are identical.", "Use at least two different ones.")
    return points


def evenly_spaced(count: int, most: int) -> np.ndarray:
    """Return the indices of at most `most` of `count` rows, evenly spaced.

    >>> evenly_spaced(10, 4).tolist()
    [0, 3, 6, 9]
    """
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).round().astype(int)
