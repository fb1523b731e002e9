"""How words are ranked: by their cosines with the result and with each operand."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

NEIGHBOURS = 8  # entries whose kinds decide what kind of thing a picture shows
NAMED = 46  # the kind of people by name; the kinds below it are WordNet's lexicographer files


@dataclass(frozen=True, slots=True)
class Parts:
    """The operands of an expression: unit vectors (n, d) and weights (n,).

    `subject` is the index of the first picture with a positive weight, or None; `lenders` are the
    names of the pictures and subtracted texts, whose words no compound should borrow. Operands that
    only set the scene, such as "a photo", are left out; `aim` (d,) is then the direction of the
    result without them.
    """

    vectors: "np.ndarray"
    weights: "np.ndarray"  # (n,)
    subject: int | None = None
    lenders: tuple[str, ...] = ()
    aim: "np.ndarray | None" = None  # (d,)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Weights of the terms in a text's rank; with all of them 0 it is the cosine.

    With several operands, `together` rewards texts near all added operands (the minimum of their
    cosines), `repeated` penalises texts that repeat one operand (the maximum of all cosines), and
    `kind` rewards texts of the subject's kind (a food for a food). `common` weights a prior for
    frequent words: the log of the frequency rank, standardised. `glossed` is the weight of a word's
    definition in its vector. `borrowed` penalises compounds that borrow a word from a picture or a
    subtracted text ("tiger shark" for a tiger); `named` penalises people by name, whom few models
    can tell apart.
    """

    together: float = 0.0
    repeated: float = 0.0
    common: float = 0.0
    kind: float = 0.0
    glossed: float = 0.0
    borrowed: float = 0.0
    named: float = 0.0

    def scores(
        self,
        vectors: "np.ndarray",
        target: "np.ndarray",
        parts: Parts | None = None,
        kinds: "np.ndarray | None" = None,
    ) -> "np.ndarray":
        """The ranks (m,) of unit vectors (m, d) for a unit vector (d,): the best has the highest.

        The vectors are sorted by word frequency; `kinds` (m,) are their kinds, 0 if unknown.
        """
        import numpy as np

        scores = vectors @ target  # (m,)
        if self.common:
            log = np.log(np.arange(len(vectors)) + 10)
            scores = scores - self.common * (log - log.mean()) / log.std()
        if self.named and kinds is not None:
            scores = scores - self.named * (kinds == NAMED)
        if parts is None or len(parts.weights) < 2:
            return scores
        cosines = vectors @ parts.vectors.T  # (m, n)
        added = cosines[:, parts.weights > 0]
        if self.together and added.shape[1] > 1:
            scores = scores + self.together * added.min(axis=1)
        if self.kind and kinds is not None and parts.subject is not None:
            scores = scores + self.kind * _kind_shares(cosines[:, parts.subject], kinds)
        return scores - self.repeated * cosines.max(axis=1)


def _kind_shares(cosines: "np.ndarray", kinds: "np.ndarray") -> "np.ndarray":
    """For each entry, the share (m,) of the subject's nearest entries that have its kind."""
    import numpy as np

    near = kinds[np.argsort(-cosines)[:NEIGHBOURS]]
    shares = np.bincount(near, minlength=kinds.max() + 1) / NEIGHBOURS
    shares[0] = 0
    return shares[kinds]
