"""Objectives: what a decoder maximises, a score of texts and their embeddings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from zcalc.compound import Compound, Spread
from zcalc.errors import ZcalcError

_LEAST = 1e-12  # of a probability, so that its quantile is finite


class Objective(Protocol):
    """A score of texts, higher is better; a decoder divides it by its temperature."""

    def __call__(self, vectors: Tensor, texts: Sequence[str]) -> Tensor:
        """Scores (n,) of texts with unit vectors (n, d)."""
        ...


@dataclass(frozen=True, eq=False)
class Toward:
    """The weighted sum of a text's cosines with points (m, d); a negative weight repels.

    `direction` (d,) is that sum of unit points; numpy takes it for the array. `words(k)`, if given,
    are the `k` nearest words, for decoders that read them.

    One point of weight 1 is ZeroCap's objective. With several points the score is the cosine with
    the weighted sum of their directions, times that sum's length, so the length divides the
    decoder's temperature.

    Raises ZcalcError for a point without direction, or if points and weights don't match.

    >>> likes = Toward(np.eye(2), weights=(1.0, -0.5))
    >>> scores = likes(torch.tensor([[1.0, 0.0], [0.6, 0.8]]), ["a", "b"])
    >>> [round(score, 3) for score in scores.tolist()]
    [1.0, 0.2]
    """

    points: np.ndarray
    weights: Sequence[float] = (1.0,)
    words: Callable[[int], Sequence[str]] | None = None
    direction: Tensor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        rows = torch.as_tensor(np.asarray(self.points, dtype=np.float32))
        rows = rows[None] if rows.ndim == 1 else rows  # (m, d)
        weights = torch.tensor(self.weights, dtype=torch.float32)  # (m,)
        if rows.ndim != 2 or len(rows) != len(weights) or not weights.isfinite().all():
            raise ZcalcError(
                f"Points of shape {tuple(rows.shape)} don't match {len(weights)} weights.",
                "Pass points (m, d) and one finite weight per point.",
            )
        if not rows.isfinite().all() or not rows.norm(dim=1).all():
            raise ZcalcError(
                "The point to decode has no direction: it is all zeros, or has NaN or infinite "
                "values.",
                "Check the expression's operands, and whether they cancel out.",
            )
        object.__setattr__(self, "direction", weights @ normalize(rows, dim=1))  # (d,)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.direction.numpy(), dtype=dtype, copy=copy)

    def __call__(self, vectors: Tensor, texts: Sequence[str] = ()) -> Tensor:
        """Scores (n,) of unit vectors (n, d)."""
        if vectors.shape[1] != len(self.direction):
            raise ZcalcError(
                f"The point to decode has {len(self.direction)} dimensions, but the text encoder "
                f"has {vectors.shape[1]} dimensions.",
                "Decode a point with the model that embedded it.",
            )
        return vectors @ self.direction.to(vectors.device)


@dataclass(frozen=True, eq=False)
class Meets:
    """How well a text meets a query, on the scale of cosines.

    The query's score p from 0 to 1 (see `compound.Compound`) becomes μ + σ Φ⁻¹(p), with the mean
    and standard deviation of its points' cosines. A prefix decoder reads `direction` (d,).
    """

    query: Compound
    spread: Spread
    words: Callable[[int], Sequence[str]] | None = None
    direction: Tensor = field(init=False, repr=False)
    scale: tuple[float, float] = field(init=False, repr=False)  # μ and σ

    def __post_init__(self) -> None:
        direction = torch.from_numpy(self.query.direction(self.spread))
        object.__setattr__(self, "direction", direction)
        moments = [self.spread.moments(point) for point, _ in self.query.points()]  # (p, 2)
        object.__setattr__(self, "scale", tuple(np.mean(moments, axis=0)))

    def __call__(self, vectors: Tensor, texts: Sequence[str] = ()) -> Tensor:
        """Scores (n,) of unit vectors (n, d)."""
        from scipy.special import ndtri

        rows = vectors.detach().cpu().double().numpy()  # (n, d)
        p = np.clip(self.query.scores(rows, self.spread), _LEAST, 1 - _LEAST)  # (n,)
        mean, deviation = self.scale
        return torch.from_numpy(mean + deviation * ndtri(p)).float().to(vectors.device)


def objective(target: "np.ndarray | Objective") -> Objective:
    """A target as an objective: for a point (d,), the cosine with it."""
    return target if callable(target) else Toward(_point(target))


def _point(target: np.ndarray) -> np.ndarray:
    point = np.asarray(target)
    if point.ndim != 1:
        raise ZcalcError(
            f"The point to decode has shape {point.shape}, not (d,).",
            "Decode several points one by one, or together as Toward(points, weights).",
        )
    return point
