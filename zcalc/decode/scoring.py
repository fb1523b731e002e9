"""What objectives think of texts, and of the tokens that may follow a context."""

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

from zcalc.decode.objective import Objective
from zcalc.decode.protocols import TextEncoder
from zcalc.errors import ZcalcError

TOO_LONG = -1.0  # what a text past the encoder's context is said to score


class TextScorer:
    """Scores of texts under several objectives; every text is embedded once.

    Raises ZcalcError when `prompt` fills the encoder's context, or an objective can't score it.
    """

    def __init__(self, objectives: Sequence[Objective], encoder: TextEncoder, prompt: str) -> None:
        self.objectives, self.encoder = objectives, encoder
        self._vectors: dict[str, Tensor] = {}
        self._candidates: dict[str, tuple[Tensor, int]] = {}  # the last token's: rows, and which
        self._said = False
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
        """Scores (n,) of texts under objective `target`; `TOO_LONG` for those too long."""
        for text in texts:
            if text not in self._vectors and text in self._candidates:
                rows, row = self._candidates[text]
                self._vectors[text] = rows[row]
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if new:
            vectors = self.encoder.continuations([""]).vectors([0] * len(new), new)  # (n, d)
            self._vectors.update(zip(new, vectors, strict=True))
        known = [self._vectors[text] for text in texts]
        scores = torch.full((len(texts),), TOO_LONG)
        fitting = [i for i, vector in enumerate(known) if not vector.isnan().any()]
        if fitting:
            rows = torch.stack([known[i] for i in fitting])  # (m, d)
            found = self.objectives[target](rows, [texts[i] for i in fitting])  # (m,)
            scores[fitting] = found.float().cpu()
        return scores

    def continuing(self, prefixes: Sequence[str], targets: Sequence[int]) -> "_Continuing":
        """The same for texts that begin with a prefix; each prefix has its own objective."""
        self._candidates = {}
        return _Continuing(self, prefixes, targets)

    def remember(self, texts: Sequence[str], vectors: Tensor) -> None:
        """Keep what candidates (n,) embedded as, (n, d), until the next token's are asked for."""
        self._candidates.update((text, (vectors, row)) for row, text in enumerate(texts))

    def skip(self, text: str) -> None:
        """Say once that texts are too long to be scored."""
        if not self._said:
            self._said = True
            most = self.encoder.context_length
            short = text if len(text) <= 60 else f"{text[:40]} … {text[-15:]}"
            warnings.warn(
                f"Longer than the text encoder's {most} tokens, so skipped, as all such: {short!r}",
                stacklevel=2,
            )


class _Continuing:
    def __init__(self, scorer: TextScorer, prefixes: Sequence[str], targets: Sequence[int]) -> None:
        self._scorer, self._prefixes, self._targets = scorer, prefixes, targets
        self._read = scorer.encoder.continuations(prefixes)

    def __call__(self, sources: list[int], pieces: Sequence[str]) -> Tensor:
        """Scores (n,) of prefixes `sources` followed by pieces; -inf for what is too long."""
        texts = [self._prefixes[s] + piece for s, piece in zip(sources, pieces, strict=True)]
        vectors = self._read.vectors(sources, texts)  # (n, d)
        self._scorer.remember(texts, vectors)
        scores = vectors.new_full((len(texts),), -torch.inf)
        fits = ~vectors.isnan().any(1)  # (n,)
        if not fits.all():
            self._scorer.skip(texts[int(fits.int().argmin())])
        owners = torch.tensor([self._targets[s] for s in sources], device=fits.device)  # (n,)
        for target in dict.fromkeys(self._targets):
            rows = (fits & (owners == target)).nonzero()[:, 0]  # (m,)
            if len(rows):
                named = [texts[i] for i in rows.tolist()]
                scores[rows] = self._scorer.objectives[target](vectors[rows], named).float()
        return scores


class Candidates:
    """Scores of the tokens that may follow some contexts: each (context, token) worked out once."""

    def __init__(
        self,
        continuing: _Continuing,
        pieces: Sequence[str],
        shape: tuple[int, int],
        device: torch.device,
    ) -> None:
        self._continuing, self._pieces = continuing, pieces
        self._scores = torch.full(shape, torch.nan, device=device)  # (a, V)

    def known(self, tokens: Tensor) -> Tensor:
        """Scores (a, k) worked out so far, NaN for the others."""
        return self._scores.gather(1, tokens)

    def __call__(self, tokens: Tensor) -> Tensor:
        """Scores (a, k) of each context's tokens (a, k); -inf where the text is too long."""
        new = self.known(tokens).isnan()  # (a, k)
        if new.any():
            rows = new.nonzero()[:, 0]  # (n,)
            ids = tokens[new]  # (n,)
            pieces = [self._pieces[i] for i in ids.tolist()]
            self._scores[rows, ids] = self._continuing(rows.tolist(), pieces).to(ids.device)
        return self.known(tokens)
