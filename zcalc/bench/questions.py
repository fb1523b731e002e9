"""The question set: expressions on pictures, each with a closed list of accepted answers.

Questions after Tewel et al. 2022 (ZeroCap): zcalc's own set, or any table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zcalc.bench.data import parse_references, read_table
from zcalc.bench.report import Skip, listed
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery
from zcalc.language import Image, Type, operands, plan
from zcalc.words import stems

SPLITS = ("dev", "test", "all")
_HERE = Path(__file__).parent
_COLUMNS = ("section", "expression", "answers")


@dataclass(frozen=True, slots=True)
class Question:
    """An expression and the accepted answers."""

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
        """Whether a word has the stems of one of the answers."""
        return any(stems(word) == stems(answer) for answer in self.answers)


def read_questions(file: Path, gallery: Gallery) -> tuple[list[Question], list[Skip]]:
    """The questions of a table that can be asked of a gallery, and those that can't."""
    askable, skipped = [], []
    for row in read_table(file, _COLUMNS):
        question = _question(row)
        problem = _problem(question, gallery)
        if problem:
            skipped.append(Skip(question.expression or "an empty row", problem))
        else:
            askable.append(question)
    return askable, skipped


def select_questions(split: str, gallery: Gallery) -> tuple[list[Question], list[Question]]:
    """The set's questions of a split: those whose pictures are in the gallery, and the others.

    Raises ZcalcError for an unknown split, and if no question can be asked.
    """
    check_split(split)
    available = {picture.name for picture in gallery}
    chosen = [question for question in all_questions() if split in (question.split, "all")]
    askable = [question for question in chosen if available.issuperset(question.pictures)]
    others = [question for question in chosen if question not in askable]
    if not askable:
        raise ZcalcError("No question can be asked.", missing_pictures(gallery, others))
    return askable, others


def check_split(split: str) -> None:
    """Raise ZcalcError for anything but dev, test and all."""
    if split not in SPLITS:
        raise ZcalcError(f"Unknown split {split!r}.", f"Use one of {', '.join(SPLITS)}.")


def all_questions() -> list[Question]:
    """All questions of the set, in the file's order."""
    return [_question(row) for row in read_table(set_table("questions.tsv"), _COLUMNS)]


def set_gallery(photos: Path | None = None) -> Gallery:
    """The sample pictures, those in the folder `photos`, and the set's drawings.

    Of pictures with the same name the last counts. Links that leave their folder are ignored.
    """
    named = {picture.name: picture.path for picture in Gallery.samples()}
    for folder in filter(None, (photos, _set_folder() / "pictures")):
        gallery = Gallery([folder])
        for picture in gallery:
            try:
                named[picture.name] = gallery.locate(picture)
            except ZcalcError:  # a link out of the folder, or not a regular file
                continue
    return Gallery(named=named)


def set_table(name: str) -> Path:
    """A table of the set; raises ZcalcError if it is missing."""
    file = _set_folder() / name
    if not file.is_file():
        raise ZcalcError(f"{file.parent} has no {name}.", "Reinstall zcalc.")
    return file


def missing_pictures(gallery: Gallery, questions: Sequence[Question]) -> str:
    """How many questions were left out because the gallery lacks pictures, and which those are."""
    available = {picture.name for picture in gallery}
    names = sorted({name for question in questions for name in question.pictures} - available)
    count = f"{len(questions)} question{'s' * (len(questions) != 1)}"
    return f"{count} left out for lack of pictures: {listed(names)}."


def _question(row: dict[str, str]) -> Question:
    answers = parse_references(row["answers"])
    return Question(row.get("split", ""), row["section"], row["expression"], answers)


def _problem(question: Question, gallery: Gallery) -> str:
    """Why a question can't be asked, or ""."""
    if not question.answers:
        return "no answers"
    try:
        steps = plan(question.expression)[0]
        if [step.type for step in steps] != [Type.EMBEDDING]:
            return "not a single expression of pictures and texts"
        for name in question.pictures:
            gallery.find(name)
    except ZcalcError as error:
        return error.message
    return ""


def _set_folder() -> Path:
    """The set's folder: inside the installed package, or in the checkout."""
    installed = _HERE / "arithmetic_set"
    return installed if installed.is_dir() else _HERE.parents[1] / "benchmarks" / "arithmetic"
