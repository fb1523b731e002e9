"""Analogies in text alone: the rank of the expected word for `a - b + c` in the vocabulary."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zcalc.algebra import unit
from zcalc.bench.data import parse_references, read_table
from zcalc.bench.questions import set_table
from zcalc.bench.report import Metric, Report, Skip, recall_at
from zcalc.wordlists import word_list
from zcalc.words import StoredTexts, stems

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

_COLUMNS = ("section", "a", "b", "c", "answers")
_TOP = 50  # words ranked for each analogy
Embed = Callable[[list[str]], np.ndarray]
Row = dict[str, str]


def analogies(calculator: "Calculator", data: Path | str | None = None) -> Report:
    """R@1 and R@5 of a - b + c by plain cosine (3CosAdd), by section.

    `data` is a TSV or CSV file with the columns `section`, `a`, `b`, `c` and `answers` (separated
    by `|`); the default is zcalc's own set of 120. Rows with an empty cell are skipped.
    Source: Mikolov et al. 2013. Raises ZcalcError if no row is left.
    """
    start = time.perf_counter()
    file = set_table("analogies.tsv") if data is None else Path(data)
    rows, skipped = read_analogies(file)
    encoder = calculator.models.encoder
    vocabulary = StoredTexts(word_list("en"), encoder)  # plain cosine: no definitions, no ranking
    ranks = _ranks(rows, encoder.texts, vocabulary.texts, vocabulary.vectors)
    return Report(
        "analogies",
        calculator.models.name,
        tuple(f"{row['a']} - {row['b']} + {row['c']}" for row in rows),
        tuple(row["section"] for row in rows),
        tuple(Metric(f"R@{k}", ranks, recall_at(k)) for k in (1, 5)),
        skipped=tuple(skipped),
        seconds=time.perf_counter() - start,
    )


def read_analogies(file: Path) -> tuple[list[Row], list[Skip]]:
    """The rows of a table of analogies, and those with an empty cell."""
    rows, skipped = [], []
    for row in read_table(file, _COLUMNS):
        empty = [name for name in _COLUMNS[1:] if not row[name]]
        if empty:
            label = " - ".join(row[name] for name in "abc" if row[name]) or "an empty row"
            skipped.append(Skip(label, f"nothing in {', '.join(empty)}"))
        else:
            rows.append(row)
    return rows, skipped


def recall(embed: Embed, vocabulary: Sequence[str]) -> dict[str, float]:
    """R@1 and R@5 of zcalc's own analogies, by section and in total, for any text encoder.

    `embed` maps n texts to their embeddings (n, d), of any norm; `vocabulary` is ranked without the
    operands.
    """
    rows = read_analogies(set_table("analogies.tsv"))[0]
    ranks = _ranks(rows, embed, vocabulary, unit(embed(list(vocabulary))))
    labels = np.array([row["section"] for row in rows])
    masks = {"total": labels != "", **{s: labels == s for s in dict.fromkeys(labels)}}
    return {
        f"{section}, R@{k}": recall_at(k)(ranks[mask])
        for section, mask in masks.items()
        for k in (1, 5)
    }


def _ranks(
    rows: Sequence[Row], embed: Embed, words: Sequence[str], vectors: np.ndarray
) -> np.ndarray:
    """The rank (n,) of the first expected word for each row, among words with vectors (v, d)."""
    if not rows:
        return np.empty(0, np.int64)
    a, b, c = (unit(embed([row[name] for row in rows])) for name in "abc")  # (n, d) each
    scores = unit(a - b + c) @ vectors.T  # (n, v)
    nearest = np.argsort(-scores, axis=1)[:, :_TOP]
    return np.array(
        [rank(row, [words[i] for i in top]) for row, top in zip(rows, nearest, strict=True)]
    )


def rank(row: Row, words: Sequence[str]) -> int:
    """The rank, from 1, of the first expected word, without the operands and their inflections.

    One more than the number of words if none is expected.
    """
    operands = [stems(row[name]) for name in "abc"]
    others = [word for word in words if not any(stems(word) <= operand for operand in operands)]
    expected = [stems(answer) for answer in parse_references(row["answers"])]
    return next((i for i, word in enumerate(others, 1) if stems(word) in expected), len(words) + 1)
