"""The report of `zcalc bench mixed`: pictures plus texts, as a sum and as a query.

The 120 queries were written before any model was tested, over 126 photographs of one ImageNet class
each; see benchmarks/mixed.
"""

import csv
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zcalc.calculator import Calculator
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery
from zcalc.language import Call, Neg, Node, Sum, parse, unparse
from zcalc.progress import track

QUERIES = Path(__file__).parent / "mixed.tsv"
WAYS = ("sum", "query")


@dataclass(frozen=True, slots=True)
class MixedQuery:
    """An expression with the names of the pictures that answer it, and its section."""

    section: str
    expression: str
    answers: frozenset[str]


@dataclass(frozen=True, slots=True)
class Mixed:
    """For each query, the rank (from 0) of the first right picture: of the sum, of the query."""

    model: str
    queries: tuple[MixedQuery, ...]
    ranks: np.ndarray  # (n, 2)

    def data(self) -> dict[str, Any]:
        """R@1 and R@5 by section as JSON, and how the two ways differ."""
        scores = {name: self._scores(rows) for name, rows in self._sections().items()}
        low, high = interval(self._gains(self._sections()["mixed"]))
        return {"model": self.model, "scores": scores, "gain": {"low": low, "high": high}}

    def cells(self) -> list[tuple[str, ...]]:
        """The cells of the table of sections, headings first."""
        lines: list[tuple[str, ...]] = [
            ("section", "n", "sum R@1", "sum R@5", "query R@1", "query R@5")
        ]
        for name, rows in self._sections().items():
            scores = self._scores(rows)
            values = (scores[way][k] for way in WAYS for k in ("recall@1", "recall@5"))
            lines.append((name, str(len(rows)), *(f"{value:.3f}" for value in values)))
        return lines

    def notice(self) -> str:
        """Whether the two ways differ on pictures plus texts, with a 95 % interval."""
        gains = self._gains(self._sections()["mixed"])
        low, high = interval(gains)
        return (
            f"On {len(gains)} pictures plus texts, the query has {gains.mean():+.3f} R@5 against "
            f"the sum (95 %: {low:+.3f} to {high:+.3f})."
        )

    def _sections(self) -> dict[str, np.ndarray]:
        names = dict.fromkeys(query.section for query in self.queries)
        rows = {
            name: np.array([i for i, q in enumerate(self.queries) if q.section == name])
            for name in names
        }
        return rows | {"all": np.arange(len(self.queries))}

    def _scores(self, rows: np.ndarray) -> dict[str, dict[str, float]]:
        ranks = self.ranks[rows]  # (m, 2)
        return {
            way: {f"recall@{k}": float((ranks[:, i] < k).mean()) for k in (1, 5)}
            for i, way in enumerate(WAYS)
        }

    def _gains(self, rows: np.ndarray) -> np.ndarray:
        found = (self.ranks[rows] < 5).astype(float)  # (m, 2)
        return found[:, 1] - found[:, 0]


def measure_mixed(calculator: Calculator, photos: Path) -> Mixed:
    """Ask all queries about the photographs in a folder.

    Raises ZcalcError if a picture that a query names is missing.
    """
    calculator = calculator.with_gallery(Gallery([photos]))
    queries = read_queries()
    known = {picture.name for picture in calculator.gallery}
    missing = sorted({name for query in queries for name in query.answers} - known)
    if missing:
        raise ZcalcError(
            f"{photos} lacks {len(missing)} of the photographs, such as {missing[0]}.",
            "Name the folder of the 126 photographs; benchmarks/mixed says which they are.",
        )
    ranks = []
    for query in track(queries, "Asking"):
        ways = parse(query.expression), as_query(query.expression)
        ranks.append([_rank(calculator, tree, query.answers) for tree in ways])
    return Mixed(calculator.models.name, tuple(queries), np.array(ranks))


def read_queries() -> list[MixedQuery]:
    """The 120 queries."""
    with QUERIES.open(encoding="utf8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [
            MixedQuery(row["section"], row["expression"], frozenset(row["answers"].split("|")))
            for row in rows
        ]


def as_query(expression: str) -> Node:
    """A sum without differences as the query that people mean by it, `a + b` as `both(a, b)`.

    What subtracts stays a sum: `img(a) - "b" + "c"` replaces one thing, as `edit` does.

    >>> unparse(as_query('img(a) + "b"')), unparse(as_query('img(a) - "b" + "c"'))
    ('both(img(a), "b")', 'img(a) - "b" + "c"')
    """
    tree = parse(expression)
    if not isinstance(tree, Sum) or any(isinstance(term, Neg) for term in tree.terms):
        return tree
    return Call("both", tree.terms)


def interval(values: np.ndarray, draws: int = 10_000) -> tuple[float, float]:
    """A 95 % bootstrap interval of the mean of values (n,)."""
    rng = np.random.default_rng(0)
    means = values[rng.integers(len(values), size=(draws, len(values)))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975)).tolist()
    return low, high


def _rank(calculator: Calculator, tree: Node, answers: Collection[str]) -> int:
    """The rank (from 0) of the first right picture, without the expression's own."""
    hits = calculator(unparse(tree)).nearest(len(calculator.gallery))
    return next(i for i, hit in enumerate(hits) if hit.name in answers)
