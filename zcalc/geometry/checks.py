"""What every measure asks of its points: enough of them, finite, and not all the same."""

import numpy as np

from zcalc.errors import ZcalcError


def points_of(points: np.ndarray, least: int = 1, what: str = "points") -> np.ndarray:
    """Points as an array (n, d) float64; raises ZcalcError where a measure can't use them.

    >>> points_of(np.ones((2, 3)), least=3, what="pictures")
    Traceback (most recent call last):
    zcalc.errors.ZcalcError: 2 pictures are too few: at least 3 are needed.
    """
    array = np.asarray(points, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] == 0:
        message = f"The {what} have the shape {array.shape}."
        raise ZcalcError(message, "Give one row for each: an array (n, d).")
    if len(array) < least:
        verb = "is" if len(array) == 1 else "are"
        few = f"{len(array)} {what if len(array) != 1 else what.removesuffix('s')}"
        raise ZcalcError(f"{few} {verb} too few: at least {least} are needed.")
    broken = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if len(broken):
        message = f"{len(broken)} of the {what} hold NaN or infinity, first number {broken[0]}"
        raise ZcalcError(message, "Leave those rows out.")
    return array


def directions_of(points: np.ndarray, least: int = 1, what: str = "points") -> np.ndarray:
    """Points (n, d) at length 1; raises ZcalcError as `points_of` does, and for one of length 0."""
    from zcalc.algebra import unit

    array = points_of(points, least, what)
    empty = np.flatnonzero(~array.any(axis=1))
    if len(empty):
        message = f"{len(empty)} of the {what} are zero, first number {empty[0]}"
        raise ZcalcError(message, "A vector of zeros has no direction: leave it out.")
    return unit(array)


def vary(points: np.ndarray, what: str = "points") -> np.ndarray:
    """Points (n, d) that are not all the same; raises ZcalcError where they are."""
    scale = np.abs(points).max()
    if np.ptp(points, axis=0).max() <= 1e-7 * scale:
        raise ZcalcError(f"All {what} are the same.", "Give some that differ.")
    return points


def spread_rows(count: int, most: int) -> np.ndarray:
    """At most `most` of `count` rows, evenly spread.

    >>> spread_rows(10, 4).tolist()
    [0, 3, 6, 9]
    """
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).round().astype(int)
