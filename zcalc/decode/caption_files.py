"""Reads the captions of a text file, TSV or CSV table, or COCO JSON."""

import csv
import json
from pathlib import Path
from typing import Any

from zcalc.errors import ZcalcError

COLUMN = "caption"


def read_captions(path: Path, column: str | None = None) -> list[str]:
    """The captions of a file, in its order, without blank ones.

    A `.json` file is COCO's (`annotations` with a `caption` each) or a list of captions; `.tsv` and
    `.csv` have them in `column`, by default the one named caption, or the last; any other file has
    one caption per line. Raises ZcalcError for a file without captions.
    """
    suffix = path.suffix.lower()
    try:
        text = path.read_text(encoding="utf-8-sig")
        if suffix == ".json":
            found = _of_json(json.loads(text))
        elif suffix in (".tsv", ".csv"):
            found = _of_table(text, "\t" if suffix == ".tsv" else ",", column)
        else:
            found = text.splitlines()
    except OSError as error:
        raise ZcalcError(f"Can't read {path}: {error.strerror}.", "Check the path.") from error
    except (ValueError, csv.Error) as error:
        raise ZcalcError(
            f"Can't read captions from {path}: {error}.",
            "Give a text file with one caption per line, a .tsv or .csv table (--column names the "
            "column), or COCO's captions JSON, in UTF-8.",
        ) from error
    captions = [caption.strip() for caption in found if caption.strip()]
    if not captions:
        raise ZcalcError(f"{path} has no captions.", "Check the file, or its column (--column).")
    return captions


def _of_json(data: Any) -> list[str]:
    rows = data.get("annotations") if isinstance(data, dict) else data
    if not isinstance(rows, list):
        raise ValueError("it has no list of annotations")
    captions = [row.get(COLUMN) if isinstance(row, dict) else row for row in rows]
    return [caption for caption in captions if isinstance(caption, str)]


def _of_table(text: str, delimiter: str, column: str | None) -> list[str]:
    lines = text.splitlines()
    if delimiter == "\t":  # quotes are part of the text
        rows = [line.split(delimiter) for line in lines if line]
    else:
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    header = rows[0] if rows else []
    name = column or COLUMN
    if name in header:
        at = header.index(name)
        return [row[at] for row in rows[1:] if len(row) > at]
    if column:
        raise ValueError(f"it has no column {column}, only {', '.join(header)}")
    return [row[-1] for row in rows]
