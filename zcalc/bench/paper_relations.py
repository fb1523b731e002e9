"""The relations of ZeroCap's table 3 (Tewel et al. 2022): B@1, R@5 and CLIP score by relation.

A pair of a relation gives the direction, another one is asked for: the Eiffel Tower's country minus
the Eiffel Tower, plus the Colosseum, is to be Italy. All ordered pairs of pairs are asked, except
those with the same answer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from zcalc.bench.data import parse_references, read_table
from zcalc.bench.questions import Question
from zcalc.bench.relation import Answer, ask, metrics
from zcalc.calculator import Calculator
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery
from zcalc.language import image, unparse
from zcalc.language.formatter import quote
from zcalc.pictures import SUFFIXES

METRICS = ("B@1", "R@5", "CLIP")
# Table 3 of the paper, as printed there.
PAPER = {
    "building→country": {"ClipCap": (0.003, 0.035, 0.24), "ZeroCap": (0.1, 0.32, 0.7)},
    "country→capital": {"ClipCap": (0.0, 0.0, 0.22), "ZeroCap": (0.14, 0.32, 0.68)},
    "CEO→company": {"ClipCap": (0.004, 0.05, 0.18), "ZeroCap": (0.1, 0.3, 0.64)},
    "food→country": {"ClipCap": (0.0, 0.0, 0.24), "ZeroCap": (0.03, 0.33, 0.66)},
    "leader→country": {"ClipCap": (0.008, 0.24, 0.26), "ZeroCap": (0.1, 0.28, 0.68)},
}
_TABLE = Path(__file__).parent / "paper_relations.tsv"
_COLUMNS = (
    "relation",
    "from",
    "from_text",
    "from_picture",
    "to",
    "to_text",
    "to_picture",
    "answers",
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two things of a relation, as operands of the language, and the accepted names of the second.

    `pictures` is how many of the two are pictures; the others are texts.
    """

    relation: str
    first: str
    second: str
    answers: tuple[str, ...]
    pictures: int


@dataclass(frozen=True, slots=True)
class PaperRelations:
    """A model's answers, and how many of the operands were pictures."""

    model: str
    answers: tuple[Answer, ...]
    pictures: float

    def scores(self) -> dict[str, dict[str, float]]:
        """B@1, R@5 and CLIP by relation, with the number of questions."""
        rows = {}
        for relation in PAPER:
            own = [a for a in self.answers if a.question.section == relation]
            values = {m.name: float(m.value(np.arange(len(own)))) for m in metrics(own)}
            rows[relation] = {"n": float(len(own)), **{name: values[name] for name in METRICS}}
        return rows

    def data(self) -> dict[str, Any]:
        """The scores as JSON, beside the paper's."""
        paper = {
            relation: {way: dict(zip(METRICS, row, strict=True)) for way, row in ways.items()}
            for relation, ways in PAPER.items()
        }
        header = {"model": self.model, "picture_operands": round(self.pictures, 3)}
        return header | {"scores": self.scores(), "paper": paper}

    def cells(self) -> list[tuple[str, ...]]:
        """The cells of a table in the paper's layout, headings first."""
        heads = [f"{r.split('→')[0]}→ {metric}" for r in PAPER for metric in METRICS]
        lines = [("method", *heads)]
        for way in ("ClipCap", "ZeroCap"):
            numbers = (f"{x:g}" for relation in PAPER for x in PAPER[relation][way])
            lines.append((f"{way} (paper)", *numbers))
        scores = self.scores()
        own = (f"{scores[relation][metric]:.2f}" for relation in PAPER for metric in METRICS)
        return [*lines, (self.model, *own)]

    def notice(self) -> str:
        """What the model was asked with."""
        return (
            f"{len(self.answers)} questions; {self.pictures:.0%} of the operands were pictures, "
            "the others their names as texts. The paper's operands are all pictures, and its "
            "scores are of decoded sentences; here they are of the nearest words."
        )


def measure_relations(
    calculator: Calculator, folder: Path | None = None, captions: bool = False
) -> PaperRelations:
    """Ask the paper's five relations, with the pictures of a folder named by key.

    Keys are as in `food/sushi`: the file `sushi.jpg` below `food`. What has no file is a sample
    picture where there is one (flags, a few dishes, Obama), and its name as a text elsewhere.
    """
    files = dict(_files(folder)) if folder else {}
    samples = Gallery.samples()
    named = {picture.name: picture.path for picture in samples}
    gallery = Gallery(named=named | files)
    pairs = [_pair(row, files, named) for row in read_table(_TABLE, _COLUMNS)]
    questions = list(_questions(pairs))
    asked = calculator.with_gallery(gallery)
    share = float(np.mean([pair.pictures / 2 for pair in pairs]))
    return PaperRelations(calculator.models.name, tuple(ask(asked, questions, captions)), share)


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """The pictures of a folder by key."""
    if not folder.is_dir():
        raise ZcalcError(f"{folder} is not a folder.", "Name a folder with food/sushi.jpg etc.")
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            yield str(path.relative_to(folder).with_suffix("")), path


def _pair(row: dict[str, str], files: dict[str, Path], named: dict[str, Path]) -> Pair:
    operands, pictures = [], 0
    for side in ("from", "to"):
        key, sample = row[side], row[f"{side}_picture"]
        name = key if key in files else sample if sample in named else ""
        pictures += bool(name)
        operands.append(unparse(image(name)) if name else quote(row[f"{side}_text"]))
    answers = tuple(parse_references(row["answers"]))
    return Pair(row["relation"], operands[0], operands[1], answers, pictures)


def _questions(pairs: Sequence[Pair]) -> Iterator[Question]:
    """Every pair asked about by the direction of every other one with another answer."""
    for known, asked in permutations(pairs, 2):
        if known.relation == asked.relation and known.answers != asked.answers:
            expression = f"{known.second} - {known.first} + {asked.first}"
            yield Question("test", asked.relation, expression, asked.answers)
