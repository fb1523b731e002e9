"""Scores of texts under objectives, and of the tokens that may follow a context."""

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

from zcalc.decode.objective import Objective
from zcalc.decode.protocols import TextEncoder
from zcalc.errors import ZcalcError

TOO_LONG = -1.0  # the score of a text longer than the encoder's context


class TextScorer:
    """Scores texts under several objectives; every text is embedded once.

    Raises ZcalcError if `prompt` fills the encoder's context or an objective can't score it.
    """

    def __init__(self, objectives: Sequence[Objective], encoder: TextEncoder, prompt: str) -> None:
        self.objectives, self.encoder = objectives, encoder
        self._vectors: dict[str, Tensor] = {}
        self._candidates: dict[str, tuple[Tensor, int]] = {}  # of the current token: matrix, row
        self._warned = False
        used = encoder.token_count(prompt)
        if used >= encoder.context_length:
            raise ZcalcError(
                f"The prompt takes {used} of the text encoder's {encoder.context_length} tokens, "
                "which leaves no room for a caption.",
                "Shorten the prompt.",
            )
        for i in range(len(objectives)):
            self(i, [prompt])

    def __call__(self, target: int, texts: Sequence[str]) -> Tensor:
        """Scores (n,) of texts under objective `target`; `TOO_LONG` if too long."""
        for text in texts:
            if text not in self._vectors and text in self._candidates:
                rows, row = self._candidates[text]
                self._vectors[text] = rows[row]
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if new:
            vectors = self.encoder.continuations([""]).vectors([0] * len(new), new)  # (n, d)
            self._vectors.update(zip(new, vectors, strict=True))
        embeddings = [self._vectors[text] for text in texts]
        scores = torch.full((len(texts),), TOO_LONG)
        fitting = [i for i, vector in enumerate(embeddings) if not vector.isnan().any()]
        if fitting:
            rows = torch.stack([embeddings[i] for i in fitting])  # (m, d)
            fitting_scores = self.objectives[target](rows, [texts[i] for i in fitting])  # (m,)
            scores[fitting] = fitting_scores.float().cpu()
        return scores

    def with_prefixes(self, prefixes: Sequence[str], targets: Sequence[int]) -> "PrefixScorer":
        """A scorer of texts that begin with a prefix; each prefix has its own objective."""
        self._candidates = {}
        return PrefixScorer(self, prefixes, targets)

    def cache(self, texts: Sequence[str], vectors: Tensor) -> None:
        """Cache the vectors (n, d) of candidates (n,) until the next token."""
        self._candidates.update((text, (vectors, row)) for row, text in enumerate(texts))

    def warn_too_long(self, text: str) -> None:
        """Warn that a candidate is too long to be scored, once per run."""
        if not self._warned:
            self._warned = True
            limit = self.encoder.context_length
            short = text if len(text) <= 60 else f"{text[:40]} … {text[-15:]}"
            warnings.warn(
                f"Skipped a candidate longer than the text encoder's {limit} tokens: {short!r} "
                "(further ones are skipped silently).",
                stacklevel=2,
            )


class PrefixScorer:
    """Scores texts that continue the prefixes of one decoding step."""

    def __init__(self, scorer: TextScorer, prefixes: Sequence[str], targets: Sequence[int]) -> None:
        self._scorer, self._prefixes, self._targets = scorer, prefixes, targets
        self._continuations = scorer.encoder.continuations(prefixes)

    def __call__(self, sources: list[int], pieces: Sequence[str]) -> Tensor:
        """Scores (n,) of prefixes `sources` followed by pieces; -inf if too long."""
        texts = [self._prefixes[s] + piece for s, piece in zip(sources, pieces, strict=True)]
        vectors = self._continuations.vectors(sources, texts)  # (n, d)
        self._scorer.cache(texts, vectors)
        scores = vectors.new_full((len(texts),), -torch.inf)
        fits = ~vectors.isnan().any(1)  # (n,)
        if not fits.all():
            self._scorer.warn_too_long(texts[int(fits.int().argmin())])
        owners = torch.tensor([self._targets[s] for s in sources], device=fits.device)  # (n,)
        for target in dict.fromkeys(self._targets):
            rows = (fits & (owners == target)).nonzero()[:, 0]  # (m,)
            if len(rows):
                own = [texts[i] for i in rows.tolist()]
                scores[rows] = self._scorer.objectives[target](vectors[rows], own).float()
        return scores


class Candidates:
    """Scores of the tokens that may follow some contexts, each computed once."""

    def __init__(
        self,
        scorer: PrefixScorer,
        pieces: Sequence[str],
        shape: tuple[int, int],
        device: torch.device,
    ) -> None:
        self._scorer, self._pieces = scorer, pieces
        self._scores = torch.full(shape, torch.nan, device=device)  # (a, V)

    def cached(self, tokens: Tensor) -> Tensor:
        """Scores (a, k) computed so far, NaN for the others."""
        return self._scores.gather(1, tokens)

    def __call__(self, tokens: Tensor) -> Tensor:
        """Scores (a, k) of each context's tokens (a, k); -inf if the text is too long."""
        new = self.cached(tokens).isnan()  # (a, k)
        if new.any():
            rows = new.nonzero()[:, 0]  # (n,)
            ids = tokens[new]  # (n,)
            pieces = [self._pieces[i] for i in ids.tolist()]
            self._scores[rows, ids] = self._scorer(rows.tolist(), pieces).to(ids.device)
        return self.cached(tokens)
