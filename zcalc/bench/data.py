"""Input tables: CSV and TSV files of pictures and their references."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zcalc.algebra import unit
from zcalc.bench.report import Skip
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery
from zcalc.pictures import open_picture, why_unreadable
from zcalc.progress import track

if TYPE_CHECKING:
    from zcalc.models.encoder import Encoder

_BATCH = 32
_EMPTY = ("", "nan", "none", "null", "n/a")  # how tables write an empty cell
_TOO_MANY_CELLS = "more cells than columns (a text with a comma needs quotes)"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture, its reference texts, and the names of its class, if any."""

    name: str
    path: Path
    references: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class _Tsv(csv.excel_tab):
    """Tab-separated cells in which quotes have no meaning."""

    quoting = csv.QUOTE_NONE


Data = Path | str | Iterable[Labelled]


def read_table(file: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """The rows of a CSV file, or of a `.tsv` file (tab-separated, unquoted), with these columns.

    Cells such as "nan" are read as empty. Surplus cells of a row are under the key `""`.
    Raises ZcalcError if the file can't be read or lacks a column.
    """
    with _open_table(file) as reader:
        header = reader.fieldnames or []
        missing = [column for column in columns if column not in header]
        if missing:
            hint = f"Required: {', '.join(columns)}. The file has {', '.join(header) or 'none'}."
            raise ZcalcError(f"{file.name} has no column {missing[0]!r}.", hint)
        for row in reader:
            yield {name: _normalized(cell) for name, cell in row.items()}


def table_columns(file: Path) -> list[str]:
    """The columns of a CSV or TSV file; raises ZcalcError if it can't be read."""
    with _open_table(file) as reader:
        return list(reader.fieldnames or [])


@contextmanager
def _open_table(file: Path) -> Iterator["csv.DictReader[str]"]:
    dialect = _Tsv if file.suffix.lower() == ".tsv" else csv.excel
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            yield csv.DictReader(lines, restkey="", restval="", dialect=dialect)
    except (OSError, UnicodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = "It must be a CSV or TSV file in UTF-8."
        raise ZcalcError(f"Can't read {file}: {reason}", hint) from error


def parse_references(cell: str) -> tuple[str, ...]:
    """The references in a cell: a JSON list, or texts separated by `|`; empty ones are dropped.

    >>> parse_references("a dog| a brown dog ")
    ('a dog', 'a brown dog')
    >>> parse_references('["yes | no", "maybe"]')
    ('yes | no', 'maybe')
    """
    parts: list[object] = list(cell.split("|"))
    if cell.startswith("["):
        try:
            parts = json.loads(cell)
        except ValueError:
            parts = list(cell.split("|"))
    texts = (_normalized(part) for part in parts if isinstance(part, str))
    return tuple(dict.fromkeys(text for text in texts if text))


def read_coco(file: Path, folder: Path | None = None) -> tuple[list[Labelled], list[Skip]]:
    """The pictures and captions of COCO's captions JSON, and those whose file is missing.

    The pictures are in `folder`, by default the file's own. Raises ZcalcError if the file can't be
    read or is of another kind.
    """
    try:
        data = json.loads(file.read_bytes())
        names = {image["id"]: str(image["file_name"]) for image in data["images"]}
        captions: dict[str, list[str]] = {name: [] for name in names.values()}
        for annotation in data["annotations"]:
            captions[names[annotation["image_id"]]].append(str(annotation["caption"]).strip())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        hint = "It must be COCO's captions JSON: images with id and file_name, and annotations."
        raise ZcalcError(f"Can't read {file}: {reason}", hint) from error
    rows, skipped = [], []
    for name, texts in captions.items():
        path = (folder or file.parent) / name
        if not path.is_file() or not texts:
            skipped.append(Skip(name, "no caption" if path.is_file() else "no such file"))
        else:
            rows.append(Labelled(name, path, tuple(texts)))
    return rows, skipped


def read_labelled(
    data: Data, gallery: Gallery, need_references: bool = True
) -> tuple[list[Labelled], list[Skip]]:
    """Pictures with their references, those of the same picture merged; and what was skipped.

    `data` is a file with the columns `image` and, if needed, `references`, or the pictures
    themselves. An image is a path relative to the file's folder, or a name in the gallery.
    Raises ZcalcError if the file can't be read.
    """
    if not isinstance(data, str | Path):
        rows = list(data)
        if not need_references:
            return rows, []
        skipped = [Skip(row.name, "no reference") for row in rows if not row.references]
        return [row for row in rows if row.references], skipped
    file, skipped = Path(data), []
    references: dict[str, list[str]] = {}
    classes: dict[str, tuple[str, ...]] = {}
    columns = ["image", "references"] if need_references else ["image"]
    for number, cells in enumerate(read_table(file, columns), 2):
        name = cells["image"]
        if "" in cells or not name:
            skipped.append(Skip(f"row {number}", _TOO_MANY_CELLS if "" in cells else "no image"))
            continue
        references.setdefault(name, []).extend(parse_references(cells.get("references", "")))
        classes[name] = parse_references(cells.get("class", "")) or classes.get(name, ())
    rows = []
    for name, texts in references.items():
        path = _locate(name, file.parent, gallery)
        if path is None or (need_references and not texts):
            skipped.append(Skip(name, "no such file" if path is None else "no reference"))
        else:
            rows.append(Labelled(name, path, tuple(dict.fromkeys(texts)), classes[name]))
    return rows, skipped


def embed_pictures(
    encoder: "Encoder", rows: Sequence[Labelled]
) -> tuple[list[Labelled], np.ndarray, list[Skip]]:
    """The readable pictures, their unit vectors (n, d), and the unreadable ones."""
    readable: list[Labelled] = []
    skipped: list[Skip] = []
    vectors = [np.empty((0, encoder.dim), np.float32)]
    batches = [rows[i : i + _BATCH] for i in range(0, len(rows), _BATCH)]
    for batch in track(batches, "Embedding pictures"):
        pictures = []
        for row in batch:
            try:
                pictures.append(open_picture(row.path))
                readable.append(row)
            except ZcalcError as error:
                skipped.append(Skip(row.name, why_unreadable(error)))
        if pictures:
            vectors.append(unit(encoder.images(pictures)))
    return readable, np.concatenate(vectors), skipped


def cut_note(encoder: "Encoder", texts: Sequence[str]) -> tuple[str, ...]:
    """A note on how many texts the encoder cuts at its context length, if any."""
    limit = encoder.context_length
    cut = sum(encoder.token_count(text) > limit for text in texts)
    return (f"{cut} of {len(texts)} texts cut to the model's {limit} tokens",) if cut else ()


def _normalized(cell: object) -> str:
    text = cell.strip() if isinstance(cell, str) else ""
    return "" if text.lower() in _EMPTY else text


def _locate(name: str, folder: Path, gallery: Gallery) -> Path | None:
    """The file an image cell refers to: in the table's folder, else in the gallery."""
    try:
        if (folder / name).is_file():
            return folder / name
        return gallery.find(name).path
    except (ZcalcError, OSError, ValueError):
        return None
