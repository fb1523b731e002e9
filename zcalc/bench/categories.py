"""Photographs by category: "a dog" finds the dogs, and a dog's nearest photographs are dogs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zcalc.bench.data import parse_references, read_table
from zcalc.bench.photographs import Photo
from zcalc.bench.report import Metric, Report

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

FEWEST, FEWEST_OF_A_KIND = 3, 6  # photographs that a category needs, for either measure
NEAREST = 5
# Categories without an article.
_UNCOUNTED = ("armour", "bread", "clothing", "cosmetics", "food", "furniture")
_FILE = Path(__file__).parent / "categories.tsv"


@dataclass(frozen=True, slots=True)
class Category:
    """A category such as "dog", the names of its classes, and whether to tune on it (dev, test)."""

    split: str
    name: str
    classes: frozenset[str]

    @property
    def query(self) -> str:
        """The category with its article, if it has one.

        >>> Category("dev", "animal", frozenset()).query, Category("dev", "food", frozenset()).query
        ('an animal', 'food')
        """
        if self.name in _UNCOUNTED:
            return self.name
        return f"{'an' if self.name[0] in 'aeiou' else 'a'} {self.name}"


@cache
def categories() -> tuple[Category, ...]:
    """The categories of ImageNet's classes, in the table's order; a class may be in several."""
    return tuple(
        Category(row["split"], row["category"], frozenset(parse_references(row["classes"])))
        for row in read_table(_FILE, ("split", "category", "classes"))
    )


def asked_for(photos: Sequence[Photo]) -> list[tuple[Category, np.ndarray]]:
    """The categories with at least three of the photographs, each with a mask (m,) of them."""
    names = [photo.name for photo in photos]
    members = [(c, np.array([name in c.classes for name in names])) for c in categories()]
    return [(category, mask) for category, mask in members if mask.sum() >= FEWEST]


def kinds(photos: Sequence[Photo]) -> list[tuple[Category, np.ndarray]]:
    """The categories with at least six of the photographs, each with a mask (m,) of them.

    Those that contain another are left out: a dog's kind is dog, not animal.
    """
    large = [(c, mask) for c, mask in asked_for(photos) if mask.sum() >= FEWEST_OF_A_KIND]
    return [(c, mask) for c, mask in large if not any(o.classes < c.classes for o, _ in large)]


def category_queries(
    calculator: "Calculator", photos: Sequence[Photo], pictures: np.ndarray
) -> Report:
    """For a category such as "dog": the share of dogs among the n photographs nearest to "a dog".

    n is the number of dogs, and `pictures` (m, d) are the unit vectors of `photos`. The categories
    are those `asked_for`; raises ZcalcError if there are none.
    """
    start = time.perf_counter()
    asked = asked_for(photos)
    queries = calculator.models.encoder.texts([c.query for c, _ in asked])  # (q, d)
    precisions, outputs = [], []
    for (_, mask), query in zip(asked, queries, strict=True):
        found = np.argsort(-(pictures @ query), kind="stable")[: mask.sum()]  # (n,)
        missing = np.setdiff1d(np.flatnonzero(mask), found)
        wrong = found[~mask[found]]
        precisions.append(mask[found].mean())
        outputs.append({"wrong": _names(photos, wrong), "missing": _names(photos, missing)})
    return Report(
        "category queries",
        calculator.models.name,
        tuple(c.query for c, _ in asked),
        tuple(c.split for c, _ in asked),
        (Metric("precision at their number", np.array(precisions)),),
        tuple(outputs),
        seconds=time.perf_counter() - start,
    )


def neighbours(calculator: "Calculator", photos: Sequence[Photo], pictures: np.ndarray) -> Report:
    """For each photograph: the share of its five nearest that are of its kind.

    Photographs of none of the `kinds` are not measured, but may be neighbours. `pictures` (m, d)
    are the unit vectors of `photos`. Raises ZcalcError if there are no kinds.
    """
    start = time.perf_counter()
    cosines = pictures @ pictures.T  # (m, m)
    np.fill_diagonal(cosines, -np.inf)
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :NEAREST]  # (m, 5)
    found = [(c, int(i), mask) for c, mask in kinds(photos) for i in np.flatnonzero(mask)]
    shares = np.array([mask[nearest[row]].mean() for _, row, mask in found])
    return Report(
        "neighbours",
        calculator.models.name,
        tuple(photos[row].path.stem for _, row, _ in found),
        tuple(c.split for c, *_ in found),
        (Metric("five nearest of the same kind", shares),),
        tuple({"kind": c.name, "nearest": _names(photos, nearest[row])} for c, row, _ in found),
        seconds=time.perf_counter() - start,
    )


def _names(photos: Sequence[Photo], rows: np.ndarray) -> list[str]:
    return [photos[row].path.stem for row in rows]
