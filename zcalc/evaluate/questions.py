"""What expressions on pictures come to, against closed lists of answers, section by section.

The experiment of Tewel et al. 2022 (ZeroCap), on questions of our own or anybody's.
"""

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zcalc.algebra import unit
from zcalc.calculator import Calculator
from zcalc.errors import ZcalcError
from zcalc.evaluate.data import read_table, references_of
from zcalc.evaluate.report import Figure, Report, Skip, within
from zcalc.gallery import Gallery
from zcalc.language import Image, Type, operands, plan
from zcalc.progress import track
from zcalc.result import Result
from zcalc.words import stems

_HERE = Path(__file__).parent
_BATCH = 64  # questions embedded together
_LOOKED_AT = 5  # words of each answer
_SWAPS = ("food", "buildings", "dress")  # the sections of country swaps
SPLITS = ("dev", "test", "all")
_COLUMNS = ("section", "expression", "answers")
_NEVER = _LOOKED_AT + 1  # the rank of an answer that wasn't given


@dataclass(frozen=True, slots=True)
class Question:
    """An expression and the words that are right for it."""

    split: str
    section: str
    expression: str
    answers: tuple[str, ...]

    @property
    def pictures(self) -> tuple[str, ...]:
        """The names of its pictures."""
        nodes = operands(plan(self.expression)[0][0].tree)
        return tuple(node.name for node in nodes if isinstance(node, Image))

    def accepts(self, word: str) -> bool:
        """Whether a word is one of the answers; inflections are alike."""
        return any(stems(word) == stems(answer) for answer in self.answers)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said: its first five words, the cosine of the best right one, a caption."""

    question: Question
    words: tuple[str, ...]
    clip: float
    caption: str | None = None

    @property
    def rank(self) -> int | None:
        """Where the first right word stands, from 0; None where none of the five is right."""
        right = (i for i, word in enumerate(self.words) if self.question.accepts(word))
        return next(right, None)

    @property
    def told(self) -> bool:
        """Whether all words of one of the answers are in the caption."""
        said = stems(self.caption or "")
        return any(stems(answer) <= said for answer in self.question.answers)


def relations(
    calculator: Calculator,
    data: Path | str | None = None,
    *,
    split: str = "test",
    photos: Path | None = None,
    captions: bool = False,
) -> Report:
    """B@1, R@5 and the CLIP score of answers to questions, by section.

    `data` is a TSV or CSV file with the columns `section`, `expression` and `answers` (between
    `|`), about pictures of the calculator's gallery; without it, the questions are the package's
    own `split`, with the pictures of the folder `photos` where there is one. What can't be asked is
    left out, with the reason. Raises ZcalcError where nothing can be asked.
    """
    begin = time.perf_counter()
    if data is None:
        calculator, asked, left_out = prepare(photos, split, calculator=calculator)
        reason = "its pictures aren't here"
        skipped = [Skip(question.expression, reason) for question in left_out]
    else:
        asked, skipped = read_questions(Path(data), calculator.gallery)
    given, failed = _answered(calculator, asked, captions)
    return Report(
        "relations",
        calculator.model,
        tuple(answer.question.expression for answer in given),
        tuple(answer.question.section for answer in given),
        _as_figures(given),
        tuple({"words": answer.words, "caption": answer.caption} for answer in given),
        (*skipped, *failed),
        seconds=time.perf_counter() - begin,
    )


def read_questions(file: Path, gallery: Gallery) -> tuple[list[Question], list[Skip]]:
    """The questions of a table that can be asked of a gallery, and why the others can't."""
    asked, skipped = [], []
    for row in read_table(file, _COLUMNS):
        question = _question(row)
        why = _why_not(question, gallery)
        if why:
            skipped.append(Skip(question.expression or "an empty row", why))
        else:
            asked.append(question)
    return asked, skipped


def _why_not(question: Question, gallery: Gallery) -> str:
    """Why a question can't be asked; nothing where it can."""
    if not question.answers:
        return "no answers"
    try:
        steps = plan(question.expression)[0]
        if [step.type for step in steps] != [Type.EMBEDDING]:
            return "not one expression of pictures and texts"
        for name in question.pictures:
            gallery.find(name)
    except ZcalcError as error:
        return error.message
    return ""


def _answered(
    calculator: Calculator, asked: Sequence[Question], captions: bool
) -> tuple[list[Answer], list[Skip]]:
    """Answers to questions; where one can't be worked out it is left out alone."""
    try:
        return answers(calculator, asked, captions), []
    except ZcalcError:
        given, failed = [], []
    for question in track(asked, "Asking one by one"):
        try:
            given += answers(calculator, [question], captions)
        except ZcalcError as error:
            failed.append(Skip(question.expression, error.message))
    return given, failed


def _as_figures(given: Sequence[Answer]) -> tuple[Figure, ...]:
    ranks = np.array([_NEVER if a.rank is None else a.rank + 1 for a in given], np.int64)
    told = np.array([float(answer.told) for answer in given])
    captioned = bool(given) and given[0].caption is not None
    return (
        Figure("B@1", ranks, within(1)),
        Figure("R@5", ranks, within(_LOOKED_AT)),
        Figure("CLIP", np.array([answer.clip for answer in given])),
        *([Figure("caption", told)] if captioned else []),
    )


def prepare(
    photos: Path | None = None,
    split: str = "test",
    model: str = "mini",
    calculator: Calculator | None = None,
) -> tuple[Calculator, list[Question], list[Question]]:
    """A calculator that knows the pictures, the split's questions, and those it lacks pictures for.

    The gallery holds the sample pictures, those in the folder `photos`, and the set's drawings.
    A calculator that is given lends its models and keeps its gallery.
    Raises ZcalcError for an unknown split and where no question can be asked.
    """
    if split not in SPLITS:
        raise ZcalcError(f"There is no split {split!r}.", f"It is one of {', '.join(SPLITS)}.")
    calculator = copy.copy(calculator or Calculator(model))
    calculator.gallery = gallery(photos)
    known = {picture.name for picture in calculator.gallery}
    chosen = [question for question in questions() if split in (question.split, "all")]
    asked = [question for question in chosen if known.issuperset(question.pictures)]
    left_out = [question for question in chosen if question not in asked]
    if not asked:
        raise ZcalcError("No question can be asked.", missing(calculator, left_out))
    return calculator, asked, left_out


def gallery(photos: Path | None = None) -> Gallery:
    """The sample pictures, a folder's, and the set's drawings; later ones go before earlier ones.

    Nothing outside the folder is among them, whatever links it holds.
    """
    named = {picture.name: picture.path for picture in Gallery.samples()}
    for folder in filter(None, (photos, folder_of_set() / "pictures")):
        inside = Gallery([folder])
        for picture in inside:
            try:
                named[picture.name] = inside.locate(picture)
            except ZcalcError:  # a link out of the folder, or no regular file
                continue
    return Gallery(named=named)


def questions() -> list[Question]:
    """All questions of the set, in the file's order."""
    return [_question(row) for row in read_table(table_of_set("questions.tsv"), _COLUMNS)]


def _question(row: dict[str, str]) -> Question:
    answers = references_of(row["answers"])
    return Question(row.get("split", ""), row["section"], row["expression"], answers)


def folder_of_set() -> Path:
    """The set's folder: inside the installed package, or the checkout's."""
    installed = _HERE / "arithmetic_set"
    return installed if installed.is_dir() else _HERE.parents[1] / "benchmarks" / "arithmetic"


def table_of_set(name: str) -> Path:
    """One of the set's files; raises ZcalcError where it is missing."""
    file = folder_of_set() / name
    if not file.is_file():
        raise ZcalcError(f"There is no {name} in {file.parent}.", "Install zcalc again.")
    return file


def answers(
    calculator: Calculator, asked: Sequence[Question], captions: bool = False
) -> list[Answer]:
    """What a calculator says to questions; with `captions` it writes one for each, which is slow.

    Operands are left out of the words, as `Result.words` leaves them out.
    """
    batches = [asked[i : i + _BATCH] for i in range(0, len(asked), _BATCH)]
    given: list[Answer] = []
    for batch in track(batches, "Asking"):
        steps = [plan(question.expression)[0][0] for question in batch]
        evaluation = calculator.evaluation([step.tree for step in steps], "")
        texts = [answer for question in batch for answer in question.answers]
        embedded = dict(zip(texts, unit(calculator.encoder.texts(texts)), strict=True))
        for question, step in zip(batch, steps, strict=True):
            result = Result.of(calculator, step, evaluation, question.expression)
            words = tuple(word.text for word in result.words(_LOOKED_AT))
            clip = max(float(embedded[answer] @ result.vector) for answer in question.answers)
            caption = result.caption().text if captions else None
            given.append(Answer(question, words, clip, caption))
    return given


def summary(given: Sequence[Answer]) -> dict[str, Any]:
    """The figures of each section, of all, and of the country swaps with flags as pictures."""
    sections = dict.fromkeys(answer.question.section for answer in given)
    swaps = [answer for answer in given if _swaps_flags(answer.question)]
    return {
        "sections": {s: _figures([a for a in given if a.question.section == s]) for s in sections},
        "flags": _figures(swaps) if swaps else None,
        "total": _figures(given),
    }


def _swaps_flags(question: Question) -> bool:
    flags = [name for name in question.pictures if name.endswith("_flag")]
    return question.section in _SWAPS and len(flags) == 2


def _figures(given: Sequence[Answer]) -> dict[str, float]:
    """B@1, R@5 and the mean CLIP score; the share of captions that hold an answer, if any."""
    found = {
        "questions": len(given),
        "B@1": float(np.mean([answer.rank == 0 for answer in given])),
        "R@5": float(np.mean([answer.rank is not None for answer in given])),
        "CLIP": float(np.mean([answer.clip for answer in given])),
    }
    if given[0].caption is not None:
        found["caption"] = float(np.mean([answer.told for answer in given]))
    return found


def missing(calculator: Calculator, left_out: Sequence[Question]) -> str:
    """How many questions have pictures that aren't there, and which."""
    known = {picture.name for picture in calculator.gallery}
    names = sorted({name for question in left_out for name in question.pictures} - known)
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    count = f"{len(left_out)} question{'s' * (len(left_out) != 1)}"
    return f"{count} left out, whose pictures aren't here: {', '.join(names[:8])}{more}."
