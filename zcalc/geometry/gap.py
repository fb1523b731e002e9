"""The modality gap: how far pictures are from texts in their shared space."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from zcalc.algebra import unit
from zcalc.geometry.base import Measure, Table
from zcalc.geometry.checks import as_directions, evenly_spaced, require_spread


@dataclass(frozen=True, eq=False)
class Gap(Measure):
    """The modality gap between pictures and texts.

    `vector` (d,) is the mean picture minus the mean text; its `norm` is at most 2, and 0 where
    there is no gap. `before` and `after` map each kind of pair ("image–image", "text–text",
    "image–text") to its cosines, before and after subtracting each modality's mean.
    """

    vector: np.ndarray
    before: dict[str, np.ndarray]
    after: dict[str, np.ndarray]

    @property
    def norm(self) -> float:
        """The length of the gap vector."""
        return float(np.linalg.norm(self.vector))

    def table(self) -> Table:
        """Return the mean and standard deviation of each kind of pair."""
        rows: list[tuple[Any, ...]] = [
            (kind, before.mean(), before.std(), after.mean(), after.std())
            for (kind, before), after in zip(self.before.items(), self.after.values(), strict=True)
        ]
        headings = ("pairs", "mean cosine", "std", "centred: mean", "std")
        return headings, [*rows, ("norm of the gap", self.norm, "", "", "")]

    def data(self) -> dict[str, Any]:
        """Return the norm of the gap, and the mean cosines before and after centring."""
        means = {
            stage: {kind: round(float(c.mean()), 4) for kind, c in cosines.items()}
            for stage, cosines in (("before", self.before), ("after", self.after))
        }
        return {"norm": round(self.norm, 4), **means}


def gap(images: np.ndarray, texts: np.ndarray, most: int = 1000) -> Gap:
    """Measure the gap between pictures (n, d) and texts (m, d), at least two of each.

    Vectors are L2-normalised first. The cosines are those of all distinct pairs among at most
    `most` evenly spaced rows of each modality.
    Source: Liang et al. 2022, "Mind the gap: understanding the modality gap in multi-modal
    contrastive representation learning", section 2. Raises ZcalcError for fewer than two pictures
    or texts, and where all of one modality are identical.
    """
    image_rows = require_spread(as_directions(images, 2, "pictures"), "pictures")
    text_rows = require_spread(as_directions(texts, 2, "texts"), "texts")
    mean_image, mean_text = image_rows.mean(axis=0), text_rows.mean(axis=0)  # (d,), (d,)
    image_rows = image_rows[evenly_spaced(len(image_rows), most)]
    text_rows = text_rows[evenly_spaced(len(text_rows), most)]
    before = _pair_cosines(image_rows, text_rows)
    after = _pair_cosines(unit(image_rows - mean_image), unit(text_rows - mean_text))
    return Gap(mean_image - mean_text, before, after)


def _pair_cosines(images: np.ndarray, texts: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "image–image": _distinct_pairs(images @ images.T),
        "text–text": _distinct_pairs(texts @ texts.T),
        "image–text": (images @ texts.T).ravel(),
    }


def _distinct_pairs(matrix: np.ndarray) -> np.ndarray:
    """Return the upper triangle of a matrix (n, n) without its diagonal, flattened."""
    return matrix[np.triu_indices(len(matrix), 1)]
