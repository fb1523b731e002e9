"""`zcalc bench arithmetic`: what expressions on pictures come to, against closed answer lists."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.algebra import unit
from zcalc.calculator import Calculator
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery
from zcalc.language import Image, operands, plan
from zcalc.progress import track
from zcalc.result import Result
from zcalc.words import stems

if TYPE_CHECKING:
    from rich.table import Table

_HERE = Path(__file__).parent
_BATCH = 64  # questions embedded together
_LOOKED_AT = 5  # words of each answer
_SWAPS = ("food", "buildings", "dress")  # the sections of country swaps
SPLITS = ("dev", "test", "all")


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


def run(  # noqa: PLR0913
    photos: Path | None = None,
    split: str = "test",
    model: str = "mini",
    *,
    as_json: bool = False,
    captions: bool = False,
    show: bool = False,
) -> None:
    """Print B@1, R@5 and the CLIP score of each section; with `show` every question as well."""
    from zcalc import terminal

    calculator, asked, left_out = prepare(photos, split, model)
    given = answers(calculator, asked, captions)
    found = summary(given) | {"split": split, "model": model, "left_out": len(left_out)}
    if as_json:
        shown = {"answers": [_row(answer) for answer in given]} if show else {}
        terminal.print_json(found | shown)
        return
    if show:
        terminal.out.print(_answers_table(given))
    terminal.out.print(_sections_table(found))
    if left_out:
        terminal.err.print(_missing(calculator, left_out), style="yellow", markup=False)


def figures(
    photos: Path | None = None, split: str = "test", model: str = "mini", captions: bool = False
) -> dict[str, Any]:
    """The figures of each section, of all, and of the country swaps that have flags as pictures.

    Raises ZcalcError for an unknown split and where no question's pictures are there.
    """
    calculator, asked, left_out = prepare(photos, split, model)
    found = summary(answers(calculator, asked, captions))
    return found | {"split": split, "model": model, "left_out": len(left_out)}


def prepare(
    photos: Path | None = None,
    split: str = "test",
    model: str = "mini",
    calculator: Calculator | None = None,
) -> tuple[Calculator, list[Question], list[Question]]:
    """A calculator that knows the pictures, the split's questions, and those it lacks pictures for.

    The gallery holds the sample pictures, those in the folder `photos`, and the set's drawings.
    A calculator that is given is used, with its gallery changed.
    Raises ZcalcError for an unknown split and where no question can be asked.
    """
    if split not in SPLITS:
        raise ZcalcError(f"There is no split {split!r}.", f"It is one of {', '.join(SPLITS)}.")
    calculator = calculator or Calculator(model)
    calculator.gallery = gallery(photos)
    known = {picture.name for picture in calculator.gallery}
    chosen = [question for question in questions() if split in (question.split, "all")]
    asked = [question for question in chosen if known.issuperset(question.pictures)]
    left_out = [question for question in chosen if question not in asked]
    if not asked:
        raise ZcalcError("No question can be asked.", _missing(calculator, left_out))
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
    return [
        Question(row["split"], row["section"], row["expression"], tuple(row["answers"].split("|")))
        for row in _table("questions.tsv")
    ]


def folder_of_set() -> Path:
    """The set's folder: inside the installed package, or the checkout's."""
    installed = _HERE / "arithmetic_set"
    return installed if installed.is_dir() else _HERE.parents[1] / "benchmarks" / "arithmetic"


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


def analogies(
    texts: Callable[[list[str]], np.ndarray], vocabulary: Sequence[str]
) -> dict[str, float]:
    """R@1 and R@5 of a - b + c in text alone, a section and in total, for any text encoder.

    `texts` gives embeddings (n, d) of n texts, of any length. Found are words of `vocabulary` that
    aren't operands.
    """
    rows = _table("analogies.tsv")
    a, b, c = (unit(texts([row[name] for row in rows])) for name in "abc")  # (n, d) each
    scores = unit(a - b + c) @ unit(texts(list(vocabulary))).T  # (n, v)
    ranks: dict[str, list[int]] = {"total": []}
    for row, line in zip(rows, scores, strict=True):
        rank = _rank(row, [vocabulary[i] for i in np.argsort(-line)[:50]])
        ranks["total"].append(rank)
        ranks.setdefault(row["section"], []).append(rank)
    return {
        f"{name}, R@{k}": float(np.mean(np.array(found) < k))
        for name, found in ranks.items()
        for k in (1, 5)
    }


def _rank(row: dict[str, str], words: Sequence[str]) -> int:
    """Where the first right word stands among those that aren't operands, from 0."""
    said = [stems(row[name]) for name in "abc"]
    others = [word for word in words if not any(stems(word) <= operand for operand in said)]
    right = [stems(answer) for answer in row["answers"].split("|")]
    return next((i for i, word in enumerate(others) if stems(word) in right), len(words))


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


def _table(name: str) -> list[dict[str, str]]:
    file = folder_of_set() / name
    if not file.is_file():
        raise ZcalcError(f"There is no {name} in {file.parent}.", "Install zcalc again.")
    with file.open(encoding="utf8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def _missing(calculator: Calculator, left_out: Sequence[Question]) -> str:
    known = {picture.name for picture in calculator.gallery}
    names = sorted({name for question in left_out for name in question.pictures} - known)
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    count = f"{len(left_out)} question{'s' * (len(left_out) != 1)}"
    return f"{count} left out, whose pictures aren't here: {', '.join(names[:8])}{more}."


def _row(answer: Answer) -> dict[str, Any]:
    rank = None if answer.rank is None else answer.rank + 1  # from 1
    said = {"words": answer.words, "rank": rank, "clip": answer.clip, "caption": answer.caption}
    return asdict(answer.question) | said


def _sections_table(found: dict[str, Any]) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    names = list(found["total"])
    table.add_column(f"section ({found['split']})")
    for name in names:
        table.add_column(name, justify="right")
    extra = {"swaps of flags": found["flags"]} if found["flags"] else {}
    for section, row in (found["sections"] | extra | {"total": found["total"]}).items():
        cells = [str(row[n]) if n == "questions" else f"{row[n]:.3f}" for n in names]
        table.add_row(section, *cells, style="bold" if section == "total" else "")
    return table


def _answers_table(given: Sequence[Answer]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("", "expression", "first five words", "caption")[
        : 4 if given[0].caption else 3
    ]:
        table.add_column(heading)
    for answer in given:
        mark = "·" if answer.rank is None else str(answer.rank + 1)
        said = [answer.question.expression, ", ".join(answer.words), answer.caption or ""]
        table.add_row(mark, *map(Text, said[: len(table.columns) - 1]))
    return table
