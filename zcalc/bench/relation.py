"""Relations: questions in picture arithmetic, scored by B@1, R@5, R@10 and the CLIP score.

The experiment of Tewel et al. 2022 (ZeroCap).
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zcalc.algebra import unit
from zcalc.bench.questions import Question, read_questions, select_questions, set_gallery
from zcalc.bench.report import Metric, Report, Skip, recall_at
from zcalc.calculator import Calculator
from zcalc.errors import ZcalcError
from zcalc.language import plan
from zcalc.progress import track
from zcalc.result import Result
from zcalc.words import stems

_BATCH = 64  # questions embedded together
_WORDS = 10  # kept of each answer
_UNRANKED = _WORDS + 1  # the rank of an answer that is not among the words


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answer: its first ten words, and a caption if asked for.

    `clip` is the cosine of the result with the closest accepted answer.
    """

    question: Question
    words: tuple[str, ...]
    clip: float
    caption: str | None = None

    @property
    def rank(self) -> int | None:
        """The rank, from 1, of the first accepted word; None if none of the ten is accepted."""
        ranks = (i for i, word in enumerate(self.words, 1) if self.question.accepts(word))
        return next(ranks, None)

    @property
    def in_caption(self) -> bool:
        """Whether the caption has all words of one of the accepted answers."""
        written = stems(self.caption or "")
        return any(stems(answer) <= written for answer in self.question.answers)


def relations(
    calculator: Calculator,
    data: Path | str | None = None,
    *,
    split: str = "test",
    photos: Path | None = None,
    captions: bool = False,
) -> Report:
    """Ask questions in picture arithmetic: B@1, R@5, R@10 and the CLIP score by section.

    `data` is a TSV or CSV file with the columns `section`, `expression` and `answers` (separated by
    `|`) about pictures of the calculator's gallery. Without it the questions are those of zcalc's
    own set in `split`, about its drawings, the sample pictures and the folder `photos`. Questions
    that can't be asked are skipped with the reason. Raises ZcalcError if none can be asked.
    """
    start = time.perf_counter()
    if data is None:
        calculator = calculator.with_gallery(set_gallery(photos))
        questions, missing = select_questions(split, calculator.gallery)
        skipped = [Skip(question.expression, "its pictures are missing") for question in missing]
    else:
        questions, skipped = read_questions(Path(data), calculator.gallery)
    answers, failed = _answer_each(calculator, questions, captions)
    return Report(
        "relations",
        calculator.models.name,
        tuple(answer.question.expression for answer in answers),
        tuple(answer.question.section for answer in answers),
        metrics(answers),
        tuple({"words": answer.words, "caption": answer.caption} for answer in answers),
        (*skipped, *failed),
        seconds=time.perf_counter() - start,
    )


def ask(
    calculator: Calculator, questions: Sequence[Question], captions: bool = False
) -> list[Answer]:
    """A calculator's answers to questions; `captions` adds a caption to each, which is slow.

    Operands are left out of the words, as `Result.words` leaves them out.
    """
    batches = [questions[i : i + _BATCH] for i in range(0, len(questions), _BATCH)]
    answers: list[Answer] = []
    for batch in track(batches, "Asking"):
        steps = [plan(question.expression)[0][0] for question in batch]
        evaluation = calculator.evaluation([step.tree for step in steps], "")
        texts = [answer for question in batch for answer in question.answers]
        vectors = dict(zip(texts, unit(calculator.models.encoder.texts(texts)), strict=True))
        for question, step in zip(batch, steps, strict=True):
            result = Result.of_step(calculator, step, evaluation, question.expression)
            words = tuple(word.text for word in result.words(_WORDS))
            clip = max(float(vectors[answer] @ result.vector) for answer in question.answers)
            caption = result.caption().text if captions else None
            answers.append(Answer(question, words, clip, caption))
    return answers


def metrics(answers: Sequence[Answer]) -> tuple[Metric, ...]:
    """B@1, R@5, R@10, CLIP and, with captions, the share that contain an accepted answer."""
    ranks = np.array([answer.rank or _UNRANKED for answer in answers], np.int64)
    in_caption = np.array([float(answer.in_caption) for answer in answers])
    captioned = bool(answers) and answers[0].caption is not None
    return (
        Metric("B@1", ranks, recall_at(1)),
        Metric("R@5", ranks, recall_at(5)),
        Metric("R@10", ranks, recall_at(_WORDS)),
        Metric("CLIP", np.array([answer.clip for answer in answers])),
        *([Metric("caption", in_caption)] if captioned else []),
    )


def _answer_each(
    calculator: Calculator, questions: Sequence[Question], captions: bool
) -> tuple[list[Answer], list[Skip]]:
    """The answers to questions; one that can't be evaluated is skipped on its own."""
    try:
        return ask(calculator, questions, captions), []
    except ZcalcError:
        answers, failed = [], []
    for question in track(questions, "Asking one by one"):
        try:
            answers += ask(calculator, [question], captions)
        except ZcalcError as error:
            failed.append(Skip(question.expression, error.message))
    return answers, failed
