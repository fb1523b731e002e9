"""A decoder's run: its models, prompt and targets, validated before it starts, and its beams."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from zcalc.decode.beam import Beams
from zcalc.decode.caption import Beam, Caption, Choice, Trace
from zcalc.decode.english import correct
from zcalc.decode.keywords import Keywords
from zcalc.decode.objective import Objective, objective
from zcalc.decode.protocols import CausalLM, TextEncoder
from zcalc.decode.scoring import Candidates, TextScorer
from zcalc.decode.settings import DecoderSettings
from zcalc.decode.vocabulary import Vocabulary

Target = np.ndarray | Objective  # a point (d,), or anything that scores texts


@dataclass(frozen=True)
class Run:
    """What stays constant while the captions of some targets are decoded."""

    lm: CausalLM
    vocabulary: Vocabulary
    score: TextScorer
    method: str
    english: bool = False

    @classmethod
    def prepare(
        cls,
        targets: Sequence[Target],
        encoder: TextEncoder,
        lm: CausalLM,
        settings: DecoderSettings,
        method: str,
    ) -> "Run":
        """Validate targets, prompt and end token; raises ZcalcError if one is unusable."""
        vocabulary = Vocabulary(lm, settings)
        vocabulary.prompt, vocabulary.ends  # noqa: B018 (both raise)
        objectives = [objective(target) for target in targets]
        score = TextScorer(objectives, encoder, settings.prompt)
        return cls(lm, vocabulary, score, method, getattr(settings, "english", False))

    def candidates(self, group: "Group", contexts: Tensor) -> Candidates:
        """A scorer of the tokens that may follow the contexts (a, n) of a group."""
        prefixes = [self.text(ids) for ids in contexts.tolist()]
        scorer = self.score.with_prefixes(prefixes, group.owners)
        pieces = self.vocabulary.pieces
        return Candidates(scorer, pieces, (len(contexts), len(pieces)), contexts.device)

    def choices(
        self, count: int, plain: Tensor, guided: Tensor, score: Candidates | None
    ) -> list[Choice]:
        """The `count` best tokens of each row (a,), to record in traces; none for a count of 0.

        `plain` and `guided` are scores (a, V) before and after the guidance.
        """
        if not count:
            return []
        after, tokens = guided.topk(min(count, guided.shape[1]))  # (a, m)
        clip = torch.full_like(after, torch.nan) if score is None else score.cached(tokens)
        rows = zip(tokens.tolist(), clip, plain.gather(1, tokens), after, strict=True)
        return [
            Choice(tuple(self.vocabulary.pieces[i] for i in row), *map(_finite, scores))
            for row, *scores in rows
        ]

    def text(self, ids: list[int]) -> str:
        """Token ids as text."""
        return self.vocabulary.text(ids)

    def captions(
        self, group: "Group", last: bool, keywords: Keywords | None = None
    ) -> list[Caption]:
        """The caption of every target so far; `last` if no token follows.

        Beams without a keyword are left out where another has one: CLIP would often prefer them.
        """
        return [self._caption(i, group, last, keywords) for i in range(len(group.beams))]

    def _caption(
        self, target: int, group: "Group", last: bool, keywords: Keywords | None
    ) -> Caption:
        beams, traces = group.beams[target], group.traces[target]
        prompt = self.vocabulary.prompt.tolist()
        sequences = beams.sequences()
        written = [self.text([*prompt, *tokens]) for tokens in sequences]
        logprobs = (beams.logprobs / beams.lengths).tolist()
        scores = self.score(target, written).tolist()
        finished = last or bool(beams.ended.all())
        texts = written
        if self.english:
            ends = beams.ended.tolist()
            texts = [
                correct(text, ended=ended, finished=finished or ended)
                for text, ended in zip(written, ends, strict=True)
            ]
        columns = zip(texts, scores, logprobs, sequences, traces, written, strict=True)
        captions = [Beam(*row) for row in columns]
        if keywords is not None:
            named = keywords.named(target, sequences)
            captions = [beam for beam, has in zip(captions, named, strict=True) if has]
        return Caption.of(distinct(captions) if self.english else captions, self.method, finished)


def distinct(beams: Sequence[Beam]) -> list[Beam]:
    """Without beams whose text a better one has, too: corrected, two may be the same."""
    best: dict[str, Beam] = {}
    for beam in beams:
        other = best.get(beam.text)
        best[beam.text] = beam if other is None or beam.clip > other.clip else other
    return list(best.values())


def _finite(scores: Tensor) -> tuple[float | None, ...]:
    return tuple(x if math.isfinite(x) else None for x in scores.tolist())


@dataclass(frozen=True)
class Group:
    """The beams of several targets; the models run all running beams in one batch of a rows."""

    beams: list[Beams]
    traces: list[list[Trace]]  # of each beam, in the same order

    @classmethod
    def start(cls, targets: int, device: torch.device) -> "Group":
        """One empty beam for each target."""
        return cls([Beams.start(device) for _ in range(targets)], [[()] for _ in range(targets)])

    @property
    def counts(self) -> list[int]:
        """The number of running beams of each target."""
        return [int((~beams.ended).sum()) for beams in self.beams]

    @property
    def owners(self) -> list[int]:
        """The target of each row (a,)."""
        return [i for i, count in enumerate(self.counts) for _ in range(count)]

    def contexts(self, prompt: Tensor) -> Tensor:
        """Prompt (p,) and tokens of the running beams, (a, p + n)."""
        running = [beams for beams in self.beams if not beams.ended.all()]
        return torch.cat([beams.contexts(prompt) for beams in running])

    def parts(self, rows: Tensor) -> Iterator[tuple[Beams, Tensor]]:
        """Each target's beams with its part (b, …) of rows (a, …)."""
        return zip(self.beams, rows.split(self.counts), strict=True)

    def extend(
        self, steps: Tensor, plain: Tensor, run: Run, choices: Sequence[Choice]
    ) -> tuple["Group", Tensor]:
        """Every target's best continuations (see `Beams.extend`), and the rows they continue.

        `choices` (a), if any, are appended to the traces of the beams that continue their row.
        """
        vocabulary, settings = run.vocabulary, run.vocabulary.settings
        options = settings.beams, vocabulary.ends, settings.diversity, vocabulary.content_words
        extended, traces, parents, offset = [], [], [], 0
        for i, (beams, part) in enumerate(self.parts(steps)):
            if not len(part):
                extended.append(beams)
                traces.append(self.traces[i])
                continue
            longer = beams.extend(part, plain[offset : offset + len(part)], *options)
            row = offset + (~beams.ended).long().cumsum(0) - 1  # (b,), of each running beam
            parents.append(row[longer.sources][~longer.ended])
            new = [
                (choices[r],) if choices and not ended else ()
                for r, ended in zip(row.tolist(), beams.ended.tolist(), strict=True)
            ]
            traces.append([self.traces[i][s] + new[s] for s in longer.sources.tolist()])
            extended.append(longer)
            offset += len(part)
        return Group(extended, traces), torch.cat(parents)
