"""What a decoder writes toward: anything that scores texts by their vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from zcalc.errors import ZcalcError


class Objective(Protocol):
    """Scores of texts, higher for better ones; a decoder divides them by its temperature."""

    def __call__(self, vectors: Tensor, texts: Sequence[str]) -> Tensor:
        """Scores (n,) of texts and their unit vectors (n, d)."""
        ...


@dataclass(frozen=True, eq=False)
class Toward:
    """The weighted sum of a text's cosines with some points (m, d); a negative weight repels.

    One point of weight 1 is ZeroCap's own objective. A sum of cosines is the cosine with the
    weighted sum of the points' directions, times that sum's length: what several points add is
    the length, which divides the decoder's temperature.

    Raises ZcalcError for a point without direction or numbers that don't belong together.

    >>> likes = Toward(np.eye(2), weights=(1.0, -0.5))
    >>> scores = likes(torch.tensor([[1.0, 0.0], [0.6, 0.8]]), ["a", "b"])
    >>> [round(score, 3) for score in scores.tolist()]
    [1.0, 0.2]
    """

    points: np.ndarray
    weights: Sequence[float] = (1.0,)

    def __post_init__(self) -> None:
        rows = torch.as_tensor(np.asarray(self.points, dtype=np.float32))
        rows = rows[None] if rows.ndim == 1 else rows  # (m, d)
        weights = torch.tensor(self.weights, dtype=torch.float32)  # (m,)
        if rows.ndim != 2 or len(rows) != len(weights) or not weights.isfinite().all():
            raise ZcalcError(
                f"Points of the shape {tuple(rows.shape)} don't go with {len(weights)} weights.",
                "Give one finite weight for each point, and points of one width.",
            )
        if not rows.isfinite().all() or not rows.norm(dim=1).all():
            raise ZcalcError(
                "The point to decode has no direction: it holds NaN or infinite numbers, or "
                "only 0.",
                "Check the expression's operands, and whether they cancel out.",
            )
        object.__setattr__(self, "_direction", weights @ normalize(rows, dim=1))  # (d,)

    def __call__(self, vectors: Tensor, texts: Sequence[str] = ()) -> Tensor:
        """Scores (n,) of unit vectors (n, d)."""
        direction: Tensor = self._direction  # type: ignore[attr-defined]
        if vectors.shape[1] != len(direction):
            raise ZcalcError(
                f"The point to decode has {len(direction)} numbers, the text encoder's vectors "
                f"have {vectors.shape[1]} numbers.",
                "Decode a point with the model that made it.",
            )
        return vectors @ direction.to(vectors.device)


def objective(target: "np.ndarray | Objective") -> Objective:
    """A target as an objective: a point (d,) becomes the cosine with it."""
    return target if callable(target) else Toward(_one(target))


def _one(target: np.ndarray) -> np.ndarray:
    point = np.asarray(target)
    if point.ndim != 1:
        raise ZcalcError(
            f"The point to decode has the shape {point.shape}, not (d,).",
            "Decode several points with one call for each, or as Toward(points, weights).",
        )
    return point
