"""Analogies in text alone: what `a - b + c` comes to among the words of the vocabulary."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zcalc.algebra import unit
from zcalc.evaluate.data import read_table, references_of
from zcalc.evaluate.questions import table_of_set
from zcalc.evaluate.report import Figure, Report, Skip, within
from zcalc.words import StoredTexts, stems

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

_COLUMNS = ("section", "a", "b", "c", "answers")
_LOOKED_AT = 50  # words of each answer
Embed = Callable[[list[str]], np.ndarray]
Row = dict[str, str]


def analogies(calculator: "Calculator", data: Path | str | None = None) -> Report:
    """R@1 and R@5 of a - b + c by plain cosine (3CosAdd), by section.

    `data` is a TSV or CSV file with the columns `section`, `a`, `b`, `c` and `answers` (between
    `|`); without it, the package's own 120. Rows with an empty cell are left out, with the reason.
    Source: Mikolov et al. 2013. Raises ZcalcError where no row is left.
    """
    begin = time.perf_counter()
    file = table_of_set("analogies.tsv") if data is None else Path(data)
    rows, skipped = read_analogies(file)
    words = StoredTexts("vocabulary.tsv", calculator.encoder)  # without definitions
    found = ranks(rows, calculator.encoder.texts, words.texts, words.vectors)
    return Report(
        "analogies",
        calculator.model,
        tuple(f"{row['a']} - {row['b']} + {row['c']}" for row in rows),
        tuple(row["section"] for row in rows),
        tuple(Figure(f"R@{k}", found, within(k)) for k in (1, 5)),
        skipped=tuple(skipped),
        seconds=time.perf_counter() - begin,
    )


def read_analogies(file: Path) -> tuple[list[Row], list[Skip]]:
    """The rows of a table of analogies, and those with an empty cell."""
    rows, skipped = [], []
    for row in read_table(file, _COLUMNS):
        empty = [name for name in _COLUMNS[1:] if not row[name]]
        if empty:
            named = " - ".join(row[name] for name in "abc" if row[name]) or "an empty row"
            skipped.append(Skip(named, f"nothing in {', '.join(empty)}"))
        else:
            rows.append(row)
    return rows, skipped


def recall(texts: Embed, vocabulary: Sequence[str]) -> dict[str, float]:
    """R@1 and R@5 of the package's analogies, a section and in total, for any text encoder.

    `texts` gives embeddings (n, d) of n texts, of any length. Found are words of `vocabulary` that
    aren't operands.
    """
    rows = read_analogies(table_of_set("analogies.tsv"))[0]
    found = ranks(rows, texts, vocabulary, unit(texts(list(vocabulary))))
    sections = np.array([row["section"] for row in rows])
    places = {"total": sections != "", **{s: sections == s for s in dict.fromkeys(sections)}}
    return {
        f"{name}, R@{k}": within(k)(found[chosen])
        for name, chosen in places.items()
        for k in (1, 5)
    }


def ranks(
    rows: Sequence[Row], texts: Embed, words: Sequence[str], vectors: np.ndarray
) -> np.ndarray:
    """The rank (n,), from 1, of the first right word for each row, among words of vectors (v, d).

    Operands and their inflections are left out; past the first 50 words nothing is looked for.
    """
    if not rows:
        return np.empty(0, np.int64)
    a, b, c = (unit(texts([row[name] for row in rows])) for name in "abc")  # (n, d) each
    scores = unit(a - b + c) @ vectors.T  # (n, v)
    nearest = np.argsort(-scores, axis=1)[:, :_LOOKED_AT]
    return np.array(
        [rank(row, [words[i] for i in line]) for row, line in zip(rows, nearest, strict=True)]
    )


def rank(row: Row, words: Sequence[str]) -> int:
    """Where the first right word stands among those that aren't operands, from 1."""
    said = [stems(row[name]) for name in "abc"]
    others = [word for word in words if not any(stems(word) <= operand for operand in said)]
    right = [stems(answer) for answer in references_of(row["answers"])]
    return next((i for i, word in enumerate(others, 1) if stems(word) in right), len(words) + 1)
