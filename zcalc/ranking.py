"""In what order words answer: by cosine, and by how they stand to each operand."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

NEIGHBOURS = 8  # entries that tell what kind of thing a picture shows


@dataclass(frozen=True, slots=True)
class Parts:
    """What an expression is made of: unit vectors (n, d) of its operands and how much of each.

    `subject` is the first picture that is added, what the expression is about; None without one.
    """

    vectors: "np.ndarray"
    weights: "np.ndarray"  # (n,)
    subject: int | None = None


@dataclass(frozen=True, slots=True)
class Ranking:
    """Scores texts for an expression; all zero, a score is the cosine with the result.

    `together` rewards what is near all that was added (the least of those cosines), `repeated`
    takes off for what only repeats one operand (the largest of all cosines), both where there are
    several operands; so is `kind`, for what is of the subject's kind (a food for a food).
    `common` is a prior that falls with the log of a word's rank by frequency, standardised.
    `glossed` is how much of a word's definition goes into its vector.
    """

    together: float = 0.0
    repeated: float = 0.0
    common: float = 0.0
    kind: float = 0.0
    glossed: float = 0.0

    def scores(
        self,
        vectors: "np.ndarray",
        target: "np.ndarray",
        parts: Parts | None = None,
        kinds: "np.ndarray | None" = None,
    ) -> "np.ndarray":
        """Scores (m,) of unit vectors (m, d), common ones first, for a unit vector (d,).

        `kinds` (m,) are numbers of their kinds, 0 for an unknown one.
        """
        import numpy as np

        found = vectors @ target  # (m,)
        if self.common:
            log = np.log(np.arange(len(vectors)) + 10)
            found = found - self.common * (log - log.mean()) / log.std()
        if parts is None or len(parts.weights) < 2:
            return found
        cosines = vectors @ parts.vectors.T  # (m, n)
        added = cosines[:, parts.weights > 0]
        if self.together and added.shape[1] > 1:
            found = found + self.together * added.min(axis=1)
        if self.kind and kinds is not None and parts.subject is not None:
            found = found + self.kind * _of_its_kind(cosines[:, parts.subject], kinds)
        return found - self.repeated * cosines.max(axis=1)


def _of_its_kind(cosines: "np.ndarray", kinds: "np.ndarray") -> "np.ndarray":
    """The share (m,) of the subject's nearest entries that are of each entry's kind."""
    import numpy as np

    near = kinds[np.argsort(-cosines)[:NEIGHBOURS]]
    shares = np.bincount(near, minlength=kinds.max() + 1) / NEIGHBOURS
    shares[0] = 0
    return shares[kinds]
