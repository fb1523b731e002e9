"""The cone effect: embeddings concentrate around one direction."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from zcalc.errors import ZcalcError
from zcalc.geometry.base import Measure, Table
from zcalc.geometry.checks import as_directions, require_spread


@dataclass(frozen=True, eq=False)
class Cone(Measure):
    """The cone that a set of directions occupies.

    `mean` (d,) is the unit mean direction, `length` the norm of the mean (1: all point the same
    way), `along` (n,) each direction's cosine with it. `anisotropy` is the mean cosine of two
    different directions. `variances` (d,) are those of the principal components, largest first.
    """

    mean: np.ndarray
    length: float
    along: np.ndarray
    anisotropy: float
    variances: np.ndarray
    of: str = "points"

    @property
    def dimension(self) -> float:
        """The effective dimension: the participation ratio of the variances, from 1 to d."""
        return participation(self.variances)

    def table(self) -> Table:
        """Return the anisotropy, the mean's norm and cosine, and the effective dimension."""
        rows = [
            ("anisotropy (mean pairwise cosine)", self.anisotropy),
            ("norm of the mean", self.length),
            ("mean cosine with the mean direction", float(self.along.mean())),
            (f"effective dimension (of {len(self.variances)})", round(self.dimension, 1)),
        ]
        return (f"cone of {len(self.along)} {self.of}", ""), rows

    def data(self) -> dict[str, Any]:
        """Return the anisotropy, the norm of the mean, and the effective dimension."""
        values = {"anisotropy": self.anisotropy, "length": self.length, "dimension": self.dimension}
        return {name: round(value, 4) for name, value in values.items()}


def cone(points: np.ndarray, of: str = "points") -> Cone:
    """Measure the cone of directions (n, d), at least three and not all identical.

    `of` names the points in headings and messages. Source: Ethayarajh 2019, "How contextual are
    contextualized word representations?", for anisotropy as a mean cosine.
    """
    rows = require_spread(as_directions(points, 3, of), of)
    count, mean = len(rows), rows.mean(axis=0)
    length = float(np.linalg.norm(mean))
    if length < 1e-9:
        raise ZcalcError(f"The {of} cancel out, so they have no mean direction.")
    total = rows.sum(axis=0)
    anisotropy = float((total @ total - count) / (count * (count - 1)))
    singular = np.linalg.svd(np.linalg.qr(rows - mean, mode="r"), compute_uv=False)
    variances = np.zeros(rows.shape[1])
    variances[: len(singular)] = singular**2 / (count - 1)
    return Cone(mean / length, length, rows @ (mean / length), anisotropy, variances, of)


def participation(variances: np.ndarray) -> float:
    """Compute the participation ratio (Σλ)² / Σλ² of variances (d,): the effective dimension.

    Source: Gao et al. 2017, "A theory of multineuronal dimensionality, dynamics and measurement".

    >>> participation(np.array([1.0, 1.0, 0.0]))
    2.0
    """
    return float(variances.sum() ** 2 / (variances**2).sum())
