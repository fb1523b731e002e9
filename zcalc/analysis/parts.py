"""An embedding as a sparse sum of words: orthogonal matching pursuit over the vocabulary.

SpLiCE (Bhalla et al. 2024, arXiv 2402.10376) centres pictures and words by the mean of their
modality first. There the weights are non-negative; here they have either sign, since the points are
often differences.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zcalc.algebra import unit


@dataclass(frozen=True, slots=True)
class Term:
    """A word with its weight, and its share of what the words explain together."""

    text: str
    weight: float
    share: float


@dataclass(frozen=True, slots=True)
class Parts:
    """The words of a sum, heaviest first.

    `expr` is the sum as an expression of the language, `residual` the distance, from 0 to 1, of its
    direction's projection from the unit point that it stands for: √(1 − cos²).
    """

    terms: tuple[Term, ...]
    residual: float
    expr: str

    @property
    def cosine(self) -> float:
        """The cosine of the sum with the point it stands for."""
        return float(np.sqrt(max(0.0, 1 - self.residual**2)))


def parts(target: np.ndarray, texts: Sequence[str], vectors: np.ndarray, k: int) -> Parts:
    """A unit target (d,) as a sum of at most `k` of the texts with vectors (n, d).

    Both are centred by the means of their modalities. Each step adds the text that correlates most
    with what is left, and fits all weights anew (orthogonal matching pursuit, Pati et al. 1993).
    """
    lengths = np.linalg.norm(vectors, axis=1)  # (n,)
    atoms = vectors / np.maximum(lengths, 1e-9)[:, None]  # (n, d)
    chosen: list[int] = []
    weights, rest = np.empty(0), target.astype(np.float64)
    for _ in range(k):
        scores = np.abs(atoms @ rest)  # (n,)
        scores[chosen] = -1.0
        best = int(scores.argmax())
        if scores[best] < 1e-6:
            break
        chosen.append(best)
        basis = vectors[chosen].astype(np.float64)  # (m, d)
        weights = np.linalg.lstsq(basis.T, target, rcond=None)[0]  # (m,)
        rest = target - weights @ basis
    weights = np.array([float(f"{weight:.3g}") for weight in weights])
    kept = [(i, w) for i, w in zip(chosen, weights.tolist(), strict=True) if w]
    kept.sort(key=lambda pair: -abs(pair[1]) * lengths[pair[0]])
    total = np.sum([w * vectors[i] for i, w in kept], axis=0)
    cosine = float(unit(total) @ target)
    pull = np.array([w * float(vectors[i] @ target) for i, w in kept])  # adds up to total @ target
    shares = pull / pull.sum()
    terms = tuple(
        Term(texts[i], w, float(share)) for (i, w), share in zip(kept, shares, strict=True)
    )
    return Parts(terms, float(np.sqrt(max(0.0, 1 - cosine**2))), _expression(terms))


def _expression(terms: Sequence[Term]) -> str:
    """`center(0.6 * "tea" - 0.2 * "plate")`: the sum in the language."""
    from zcalc.language import Call, Neg, Node, Number, Text, product, total, unparse

    nodes: list[Node] = []
    for term in terms:
        node = product(Number(abs(term.weight)), Text(term.text))
        nodes.append(Neg(node) if term.weight < 0 else node)
    return unparse(Call("center", (total(*nodes) if len(nodes) > 1 else nodes[0],)))
