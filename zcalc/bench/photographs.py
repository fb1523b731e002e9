"""Labelled photographs: a folder of pictures, each of one of ImageNet's classes."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from zcalc.errors import ZcalcError

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Class:
    """An ImageNet class: its name, and the words accepted for it, its parents' among them."""

    name: str
    accepted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph, the name of its class, and the class index."""

    path: Path
    name: str
    index: int


@cache
def classes() -> tuple[Class, ...]:
    """ImageNet's 1,000 classes, in the order of the tower's logits."""
    lines = (_HERE / "class_names.tsv").read_text("utf8").splitlines()
    rows = [line.split("\t") for line in lines]
    return tuple(Class(name, tuple(accepted.split("|"))) for name, accepted in rows)


def read_labels(folder: Path) -> list[Photo]:
    """The photographs in the `labels.tsv` of a folder, with the columns `file` and `name`.

    Raises ZcalcError if it is missing or names an unknown class.
    """
    table = folder / "labels.tsv"
    if not table.is_file():
        hint = "Add one with the columns file and name, and a line for each picture."
        raise ZcalcError(f"{folder} has no labels.tsv.", hint)
    index = {c.name: i for i, c in reversed(list(enumerate(classes())))}
    with table.open(encoding="utf8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    unknown = sorted({row["name"] for row in rows if row["name"].lower() not in index})
    if unknown:
        hint = f"Use the {len(index)} names in {_HERE.name}/class_names.tsv."
        raise ZcalcError(f"Unknown classes in labels.tsv: {', '.join(unknown[:5])}.", hint)
    return [
        Photo(folder / row["file"], row["name"].lower(), index[row["name"].lower()]) for row in rows
    ]
