"""What people bring to an evaluation: CSV and TSV files of pictures and their references."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zcalc.algebra import unit
from zcalc.errors import ZcalcError
from zcalc.evaluate.report import Skip
from zcalc.gallery import Gallery, open_picture, why_unreadable
from zcalc.progress import track

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

_BATCH = 32
_NOTHING = ("", "nan", "none", "null", "n/a")  # what tables have in empty cells
_CROWDED = "more cells than columns (a text with a comma needs quotes)"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture and the texts that are right for it; there may be none."""

    name: str
    path: Path
    references: tuple[str, ...] = ()


class _Tabs(csv.excel_tab):
    """Cells between tabs, with quotes as they are."""

    quoting = csv.QUOTE_NONE


Data = Path | str | Iterable[Labelled]
Read = tuple[list[Labelled], list[Skip]]


def read_table(file: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """The rows of a CSV (or, ending in .tsv, tab-separated and unquoted) file with these columns.

    Empty cells, and those that say "nan", are empty texts. A row with more cells than there are
    columns has them in `""`. Raises ZcalcError where the file can't be read or a column is missing.
    """
    with _reading(file) as reader:
        there = reader.fieldnames or []
        missing = [column for column in columns if column not in there]
        if missing:
            hint = f"It needs {', '.join(columns)}; its columns are {', '.join(there) or 'none'}."
            raise ZcalcError(f"{file.name} has no column {missing[0]!r}.", hint)
        for row in reader:
            yield {name: _cell(cell) for name, cell in row.items()}


def columns_of(file: Path) -> list[str]:
    """The columns of a CSV or TSV file; raises ZcalcError where it can't be read."""
    with _reading(file) as reader:
        return list(reader.fieldnames or [])


@contextmanager
def _reading(file: Path) -> Iterator["csv.DictReader[str]"]:
    """The rows of a table; a row with too many cells has them as "" too."""
    form = _Tabs if file.suffix.lower() == ".tsv" else csv.excel
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            yield csv.DictReader(lines, restkey="", restval="", dialect=form)
    except (OSError, UnicodeError, csv.Error) as error:
        hint = "It must be a CSV or TSV file in UTF-8."
        why = getattr(error, "strerror", None) or str(error)
        raise ZcalcError(f"Can't read {file}: {why}", hint) from error


def references_of(cell: str) -> tuple[str, ...]:
    """The references in a cell: a JSON list of texts, or texts between `|`; empty ones left out.

    >>> references_of("a dog| a brown dog ")
    ('a dog', 'a brown dog')
    >>> references_of('["yes | no", "maybe"]')
    ('yes | no', 'maybe')
    """
    parts: list[object] = list(cell.split("|"))
    if cell.startswith("["):
        try:
            parts = json.loads(cell)
        except ValueError:
            parts = list(cell.split("|"))
    texts = (_cell(part) for part in parts if isinstance(part, str))
    return tuple(dict.fromkeys(text for text in texts if text))


def labelled(data: Data, gallery: Gallery, needed: bool = True) -> Read:
    """Pictures with their references, rows of the same picture together, and what was left out.

    `data` is a file with the columns `image` and `references`, or the pictures themselves. An image
    is a path, from the file's folder on, or a name in the gallery. Where references are not
    `needed`, the column may be missing. Raises ZcalcError where a file can't be read.
    """
    if not isinstance(data, str | Path):
        rows = list(data)
        empty = [Skip(row.name, "no reference") for row in rows if needed and not row.references]
        return [row for row in rows if row.references or not needed], empty
    file = Path(data)
    skipped: list[Skip] = []
    found: dict[str, list[str]] = {}
    for number, row in enumerate(read_table(file, ["image", "references"][: 1 + needed]), 2):
        name = row["image"]
        if "" in row or not name:
            skipped.append(Skip(f"row {number}", _CROWDED if "" in row else "no image"))
            continue
        found.setdefault(name, []).extend(references_of(row.get("references", "")))
    rows = []
    for name, texts in found.items():
        path = _path(name, file.parent, gallery)
        if path is None or (needed and not texts):
            skipped.append(Skip(name, "no such file" if path is None else "no reference"))
        else:
            rows.append(Labelled(name, path, tuple(dict.fromkeys(texts))))
    return rows, skipped


def embed_pictures(
    calculator: "Calculator", rows: Sequence[Labelled]
) -> tuple[list[Labelled], np.ndarray, list[Skip]]:
    """The pictures that can be read, their unit vectors (n, d), and those that can't, with why."""
    kept: list[Labelled] = []
    skipped: list[Skip] = []
    vectors = [np.empty((0, calculator.encoder.dim), np.float32)]
    parts = [rows[i : i + _BATCH] for i in range(0, len(rows), _BATCH)]
    for part in track(parts, "Embedding pictures"):
        opened = []
        for row in part:
            try:
                opened.append(open_picture(row.path))
                kept.append(row)
            except ZcalcError as error:
                skipped.append(Skip(row.name, why_unreadable(error)))
        if opened:
            vectors.append(unit(calculator.encoder.images(opened)))
    return kept, np.concatenate(vectors), skipped


def readable(
    calculator: "Calculator", rows: Sequence[Labelled], prefix: str = ""
) -> tuple[list[Labelled], list[Skip]]:
    """The rows with those references only that the model can read whole after a prefix."""
    encoder, kept, skipped = calculator.encoder, [], []
    for row in rows:
        fits = [encoder.token_count(prefix + t) <= encoder.context_length for t in row.references]
        texts = tuple(t for t, fit in zip(row.references, fits, strict=True) if fit)
        skipped += [Skip(row.name, "a reference too long for the model")] * (not all(fits))
        if texts:
            kept.append(Labelled(row.name, row.path, texts))
    return kept, skipped


def _cell(cell: object) -> str:
    text = cell.strip() if isinstance(cell, str) else ""
    return "" if text.lower() in _NOTHING else text


def _path(name: str, folder: Path, gallery: Gallery) -> Path | None:
    """The file that a cell means: in the table's folder, else in the gallery."""
    try:
        if (folder / name).is_file():
            return folder / name
        return gallery.find(name).path
    except (ZcalcError, OSError, ValueError):
        return None
