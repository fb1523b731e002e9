"""Plain questions about the sample pictures: the picture for "a dog", the word for a picture.

The answers in `plain.tsv` were written by looking at the pictures, not at any model's answers. A
question is dev (to tune on) where the SHA-256 of its first picture's name is divisible by three,
else test; so the two never ask for the same picture.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zcalc.bench.data import parse_references, read_table
from zcalc.bench.questions import check_split
from zcalc.bench.report import Metric, Report, Skip, recall_at
from zcalc.gallery import Gallery
from zcalc.geometry.hubness import skewness
from zcalc.progress import track
from zcalc.words import stems

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

QUERY, PICTURE = "query", "picture"
_FILE = Path(__file__).parent / "plain.tsv"
_ANSWERS = 5  # kept of each question
_LISTED = 8  # of the pictures near to most words


@dataclass(frozen=True, slots=True)
class PlainQuestion:
    """A query with the pictures that may come first, or a picture's name with its words."""

    split: str
    section: str
    item: str
    accepted: tuple[str, ...]

    def answers(self, calculator: "Calculator") -> tuple[str, ...]:
        """The first five pictures or words."""
        if self.section == QUERY:
            return tuple(hit.name for hit in calculator.txt(self.item).nearest(_ANSWERS))
        return tuple(word.text for word in calculator.img(self.item).words(_ANSWERS))

    def rank(self, answers: Sequence[str]) -> int:
        """The rank, from 1, of the first accepted answer; one more than there are if none is.

        Words are compared by their stems, pictures by their names.
        """
        if self.section == QUERY:
            right = [answer in self.accepted for answer in answers]
        else:
            words = {stems(word) for word in self.accepted}
            right = [stems(answer) in words for answer in answers]
        return next((i for i, is_right in enumerate(right, 1) if is_right), len(answers) + 1)


def plain_questions(calculator: "Calculator", split: str = "all") -> Report:
    """Ask plain questions about the sample pictures: R@1 and R@5 of queries, and of words.

    Each item's output has the first five answers and the accepted ones. Questions whose pictures
    are missing are skipped. Raises ZcalcError for an unknown split, and if none can be asked.
    """
    start = time.perf_counter()
    check_split(split)
    calculator = calculator.with_gallery(Gallery.samples())
    names = {picture.name for picture in calculator.gallery}
    chosen = [question for question in questions() if split in (question.split, "all")]
    asked = [question for question in chosen if _pictures(question) & names]
    answers = [question.answers(calculator) for question in track(asked, "Asking")]
    ranks = np.array([q.rank(given) for q, given in zip(asked, answers, strict=True)], np.int64)
    return Report(
        "plain questions",
        calculator.models.name,
        tuple(question.item for question in asked),
        tuple(f"{question.section}, {question.split}" for question in asked),
        tuple(Metric(f"R@{k}", ranks, recall_at(k)) for k in (1, _ANSWERS)),
        tuple(
            {"answers": given, "accepted": question.accepted}
            for question, given in zip(asked, answers, strict=True)
        ),
        tuple(Skip(q.item, "its pictures are missing") for q in chosen if q not in asked),
        has_total=False,
        seconds=time.perf_counter() - start,
    )


def sample_hubs(calculator: "Calculator") -> Report:
    """How often each sample picture is among the first three for a word of the vocabulary: N_3.

    Its skewness is high where a few pictures are near to everything. Radovanović et al. 2010.
    """
    start = time.perf_counter()
    calculator = calculator.with_gallery(Gallery.samples())
    hubs = calculator.geometry.hubness(3, "pictures", "words")
    words = int(hubs.counts.sum()) // hubs.k
    listed = ", ".join(f"{name} {count}" for name, count, _ in hubs.largest(_LISTED))
    counts = hubs.counts[:, None]  # (n, 1): a column has no value of its own for each picture
    return Report(
        "hubs",
        calculator.models.name,
        hubs.names,
        ("pictures",) * len(hubs.names),
        (
            Metric("skewness of N_3", counts, skewness, resampled=False),
            Metric("largest N_3", counts, _largest, resampled=False, is_count=True),
        ),
        tuple({"N_3": int(count)} for count in hubs.counts),
        notes=(f"Among the first three for most of {words} words: {listed}",),
        seconds=time.perf_counter() - start,
    )


def questions() -> list[PlainQuestion]:
    """All questions, in the table's order."""
    columns = ("split", "section", "item", "accepted")
    return [
        PlainQuestion(row["split"], row["section"], row["item"], parse_references(row["accepted"]))
        for row in read_table(_FILE, columns)
    ]


def _pictures(question: PlainQuestion) -> set[str]:
    return set(question.accepted) if question.section == QUERY else {question.item}


def _largest(counts: np.ndarray) -> float:
    return float(counts.max())
