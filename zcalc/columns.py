"""Columns of an index that zcalc computes: a class, a score, a cluster or a caption per picture.

They are kept in the index and usable in conditions. A build keeps them; pictures that are new since
have none until they are filled in.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zcalc.analysis.labels import label
from zcalc.calculator import Calculator
from zcalc.errors import ZcalcError
from zcalc.index.edit import set_columns
from zcalc.index.groups import clusters
from zcalc.index.manifest import ColumnInfo
from zcalc.index.store import Index
from zcalc.progress import track
from zcalc.result import Result

_BATCH = 8  # pictures that are captioned together
_EXAMPLE = 'For example: label="cat|dog|bird", score=\'"a dog"\', cluster=12 or caption=prefix.'


@dataclass(frozen=True)
class _Pictures:
    """The rows of an index to compute a column for."""

    calculator: Calculator
    index: Index
    rows: np.ndarray

    @property
    def vectors(self) -> np.ndarray:
        """Their unit vectors (m, d)."""
        return self.index.vectors.take(self.rows)

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [self.index.entry(int(row)).name for row in self.rows]


def compute(calculator: Calculator, folder: Path, columns: Sequence[ColumnInfo] = ()) -> Index:
    """Compute columns for all pictures of an index; without any, fill in those that it has.

    Raises ZcalcError for an unknown kind, and for values that a kind can't do anything with.
    """
    index = Index.open(folder, calculator.models.encoder.identity)
    before = {column.name: column for column in index.manifest.columns}
    taken = set(index.fields) - before.keys()
    values: dict[str, dict[str, Any]] = {}
    for column in columns or before.values():
        if column.name in taken:
            message = f"The index has a column {column.name!r} already, of what was found there."
            raise ZcalcError(message, "Choose another name with --as.")
        rows = np.arange(len(index))
        if not columns:
            present = (
                index.table[column.name].is_valid().to_numpy()
                if column.name in index.fields
                else np.zeros(len(index), bool)
            )
            rows = rows[~present]
        values[column.name] = _values(column, _Pictures(calculator, index, rows))
    return set_columns(folder, [*(before | {c.name: c for c in columns}).values()], values)


def drop(folder: Path, names: Sequence[str]) -> Index:
    """Take computed columns out of an index; raises ZcalcError for a name that is none of them."""
    columns = Index.open(folder).manifest.columns
    unknown = set(names) - {column.name for column in columns}
    if unknown:
        listed = ", ".join(column.name for column in columns) or "none"
        message = f"{min(unknown)} is not a computed column; there are {listed}."
        raise ZcalcError(message, "Columns of tables and cameras come back with every build.")
    return set_columns(folder, [c for c in columns if c.name not in names], {})


def parse(text: str, name: str | None = None) -> ColumnInfo:
    """A column from `KIND=VALUE`, called `name` or as its kind; raises ZcalcError if it is none.

    >>> parse("label=cat|dog", "pet")
    ColumnInfo(name='pet', kind='label', value='cat|dog')
    """
    kind, mark, value = text.partition("=")
    if not mark or kind not in KINDS or not value:
        kinds = ", ".join(KINDS)
        raise ZcalcError(f"{text!r} is no column; it is KIND=VALUE with {kinds}.", _EXAMPLE)
    return ColumnInfo(name or kind, kind, value)


def _values(column: ColumnInfo, pictures: _Pictures) -> dict[str, Any]:
    """The values of a column by path."""
    if not len(pictures.rows):
        return {}
    values = KINDS[column.kind](pictures, column.value)
    paths = (pictures.index.paths[int(row)] for row in pictures.rows)
    return dict(zip(paths, values, strict=True))


def _labels(pictures: _Pictures, value: str) -> list[Any]:
    """The likeliest class of each picture."""
    classes = [one.strip() for one in value.split("|") if one.strip()]
    found = label(pictures.calculator.models, pictures.names, pictures.vectors, classes)
    return [labels.best[0] for labels in found]


def _scores(pictures: _Pictures, value: str) -> list[Any]:
    """The cosine of each picture with an expression."""
    result = pictures.calculator(value)
    if not isinstance(result, Result):
        raise ZcalcError(f"{value} is no embedding.", "Give an expression, as to zcalc nearest.")
    cosines = pictures.vectors @ result.vector.astype(np.float32)  # (m,)
    return [round(float(cosine), 5) for cosine in cosines]


def _clusters(pictures: _Pictures, value: str) -> list[Any]:
    """The number of each picture's cluster, from 1 for the largest."""
    if not value.isdecimal():
        raise ZcalcError(f"{value!r} is not a number of clusters.", _EXAMPLE)
    found = clusters(pictures.index, int(value))
    number_of = {int(row): n for n, cluster in enumerate(found, 1) for row in cluster.rows}
    return [number_of[int(row)] for row in pictures.rows]


def _captions(pictures: _Pictures, value: str) -> list[Any]:
    """The caption of each picture by the decoder that is named."""
    calculator, texts = pictures.calculator, list[str]()
    names = [calculator.add_vector(v, f"row_{n}") for n, v in enumerate(pictures.vectors)]
    results = [calculator.img(name) for name in names]
    batches = [results[i : i + _BATCH] for i in range(0, len(results), _BATCH)]
    for batch in track(batches, "Captioning pictures"):
        texts += [caption.text for caption in calculator.captions(batch, value)]
    return texts


KINDS: Mapping[str, Callable[[_Pictures, str], list[Any]]] = {
    "label": _labels,
    "score": _scores,
    "cluster": _clusters,
    "caption": _captions,
}
