"""The report of `zcalc bench arithmetic`: zcalc's own question set by section."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zcalc.bench.questions import Question, missing_pictures, select_questions, set_gallery
from zcalc.bench.relation import Answer, ask, metrics
from zcalc.calculator import Calculator

_SWAP_SECTIONS = ("food", "buildings", "dress")  # with swaps of countries
_ON_PHOTOGRAPHS = "photo_"  # how the sections start that are about photographs alone


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A model's answers to a split, and the questions whose pictures are missing.

    `notice` says how many those are and what they lack; it is empty if there are none.
    """

    model: str
    split: str
    answers: tuple[Answer, ...]
    left_out: tuple[Question, ...]
    notice: str

    def data(self, items: bool = False) -> dict[str, Any]:
        """The scores as JSON; `items` adds every answer."""
        header = {"split": self.split, "model": self.model, "left_out": len(self.left_out)}
        answers = {"answers": [_answer_data(answer) for answer in self.answers]} if items else {}
        return summary(self.answers) | header | answers

    def cells(self) -> list[tuple[str, ...]]:
        """The cells of the table of sections, headings first."""
        scores = summary(self.answers)
        subsets = {"on photographs": scores["photographs"], "swaps of flags": scores["flags"]}
        subsets = {name: row for name, row in subsets.items() if row}
        lines = [(f"section ({self.split})", *scores["total"])]
        for section, row in (scores["sections"] | subsets | {"total": scores["total"]}).items():
            count, *values = row.values()
            lines.append((section, str(count), *(f"{value:.3f}" for value in values)))
        return lines


def measure_arithmetic(
    calculator: Calculator,
    split: str = "test",
    photos: Path | None = None,
    captions: bool = False,
) -> Arithmetic:
    """Ask the questions of a split about the set's pictures and those in the folder `photos`.

    Raises ZcalcError for an unknown split, and if no question can be asked.
    """
    calculator = calculator.with_gallery(set_gallery(photos))
    questions, left_out = select_questions(split, calculator.gallery)
    answers = ask(calculator, questions, captions)
    notice = missing_pictures(calculator.gallery, left_out) if left_out else ""
    return Arithmetic(calculator.models.name, split, tuple(answers), tuple(left_out), notice)


def summary(answers: Sequence[Answer]) -> dict[str, Any]:
    """The scores by section, of the sections on photographs, of swaps of flags, and in total."""
    sections = dict.fromkeys(answer.question.section for answer in answers)
    photographs = [a for a in answers if a.question.section.startswith(_ON_PHOTOGRAPHS)]
    swaps = [answer for answer in answers if _swaps_flags(answer.question)]
    return {
        "sections": {
            section: _scores([a for a in answers if a.question.section == section])
            for section in sections
        },
        "photographs": _scores(photographs) if photographs else None,
        "flags": _scores(swaps) if swaps else None,
        "total": _scores(answers),
    }


def _scores(answers: Sequence[Answer]) -> dict[str, float]:
    rows = np.arange(len(answers))
    values = {metric.name: metric.value(rows) for metric in metrics(answers)}
    return {"questions": len(answers)} | values


def _swaps_flags(question: Question) -> bool:
    flags = [name for name in question.pictures if name.endswith("_flag")]
    return question.section in _SWAP_SECTIONS and len(flags) == 2


def _answer_data(answer: Answer) -> dict[str, Any]:
    output = {"words": answer.words, "rank": answer.rank}
    return asdict(answer.question) | output | {"clip": answer.clip, "caption": answer.caption}
