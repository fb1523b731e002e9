"""One decoder's run: its models, its prompt and its target, checked together before it starts."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from zcalc.decode.beam import Beams
from zcalc.decode.caption import Beam, Caption
from zcalc.decode.protocols import CausalLM, TextEncoder
from zcalc.decode.scoring import TargetScorer
from zcalc.decode.settings import DecoderSettings
from zcalc.decode.vocabulary import Vocabulary


@dataclass(frozen=True)
class Run:
    """What stays the same from a caption's first token to its last."""

    lm: CausalLM
    vocabulary: Vocabulary
    score: TargetScorer
    method: str

    @classmethod
    def prepare(
        cls,
        target: np.ndarray,
        encoder: TextEncoder,
        lm: CausalLM,
        settings: DecoderSettings,
        method: str,
    ) -> "Run":
        """Check target, prompt and tokens; raises ZcalcError where one can't be used."""
        vocabulary = Vocabulary(lm, settings)
        vocabulary.prompt, vocabulary.ends  # noqa: B018 (both raise)
        return cls(lm, vocabulary, TargetScorer(target, encoder, settings.prompt), method)

    def continuations(self, contexts: Tensor, candidates: list[list[int]]) -> list[str]:
        """The texts of every context (a, n) followed by each of its candidate tokens."""
        pieces = self.vocabulary.pieces
        return [
            prefix + pieces[token]
            for prefix, row in zip(map(self.text, contexts.tolist()), candidates, strict=True)
            for token in row
        ]

    def text(self, ids: list[int]) -> str:
        """The ids as a sentence."""
        return self.vocabulary.text(ids)

    def caption(self, beams: Beams, last: bool) -> Caption:
        """What the beams say so far; finished when all have ended or this was the last token."""
        prompt = self.vocabulary.prompt.tolist()
        sequences = beams.sequences()
        texts = [self.text([*prompt, *tokens]) for tokens in sequences]
        logprobs = (beams.logprobs / beams.lengths).tolist()
        found = [
            Beam(text, clip, logprob, tokens)
            for text, clip, logprob, tokens in zip(
                texts, self.score(texts).tolist(), logprobs, sequences, strict=True
            )
        ]
        return Caption.of(found, self.method, finished=last or bool(beams.ended.all()))


def log_probabilities(lm: CausalLM, contexts: Tensor) -> Tensor:
    """The plain language model's next-token log-probabilities (a, V) after contexts (a, n)."""
    with torch.no_grad():
        logits = lm.model(contexts).logits[:, -1]  # (a, V)
    return logits.float().log_softmax(-1)
