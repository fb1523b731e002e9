"""Tables in files: CSV in any encoding and with any delimiter, TSV, JSON lines, Parquet.

Values stay as they are written. A column of text becomes numbers only if all of it is plainly
numbers: `0012` is an article number, and `1e5` or `true` may be anything.
"""

import gzip
import io
import json
import re
from collections import Counter
from collections.abc import Sequence
from csv import Error as CsvError
from csv import reader as csv_rows
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from zcalc.errors import ZcalcError
from zcalc.index.columns import column_of
from zcalc.pictures import printable
from zcalc.progress import notice

TEXT_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson")
SUFFIXES = (*TEXT_SUFFIXES, *(f"{suffix}.gz" for suffix in TEXT_SUFFIXES), ".parquet")
_DELIMITERS = ",;\t|"
_SAMPLE = 65_536  # characters that the delimiter is guessed from
_ENOUGH = 32  # bytes beyond ASCII from which an encoding shows
_MAX_DIGITS = 18  # of an integer that fits into 64 bits
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][+-]?[0-9]+)?)?\Z")


def is_table(path: Path) -> bool:
    """Whether a file is a table, by its name."""
    return path.name.lower().endswith(SUFFIXES)


def read(file: Path) -> pa.Table:
    """Read a table; raises ZcalcError if it can't be read.

    Lines that don't have the form of the others are left out, with a remark on how many.
    """
    try:
        if file.suffix.lower() == ".parquet":
            from pyarrow import parquet

            return _distinct(parquet.read_table(file))
        data = file.read_bytes()
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        name = file.name.lower().removesuffix(".gz")
        if name.endswith((".jsonl", ".ndjson")):
            return _from_json_lines(decode(data), file)
        return _from_csv(decode(data), file, "\t" if name.endswith(".tsv") else "")
    except (OSError, EOFError, ValueError, CsvError, pa.ArrowException) as error:
        hint = "It must be text with a header line, JSON lines, or a Parquet file."
        reason = getattr(error, "strerror", None) or str(error)
        raise ZcalcError(f"Can't read {file}: {printable(reason)}", hint) from error


def decode(data: bytes) -> str:
    """Text in UTF-8, in UTF-16 with a byte order mark, or in the encoding that it looks like.

    >>> decode("Zürich".encode("latin-1")), decode("Ελλάδα".encode("utf-16"))
    ('Zürich', 'Ελλάδα')
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        for encoding in (_likely_encoding(data), "cp1252"):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError:
                continue
        return data.decode("latin-1")


def _likely_encoding(data: bytes) -> str:
    """The encoding that text looks like; a few letters among ASCII say nothing: Western."""
    sample = _around_letters(data)
    foreign = sum(byte > 127 for byte in sample)
    ascii_letters = sum(bytes((byte,)).isalpha() for byte in sample)
    if foreign < _ENOUGH and foreign < ascii_letters:
        return "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    return best.encoding if best else "cp1252"


def _around_letters(data: bytes, count: int = 200, width: int = 40) -> bytes:
    """What an encoding shows in: the lines' parts around bytes that aren't ASCII."""
    found = [match.start() for match in islice(re.finditer(rb"[\x80-\xff]", data), count)]
    return b"\n".join(data[max(0, i - width) : i + width] for i in found)


def _from_csv(text: str, file: Path, delimiter: str) -> pa.Table:
    from pyarrow import csv

    bad: list[int] = []

    def leave_out(row: csv.InvalidRow) -> str:
        bad.append(row.number or 0)
        return "skip"

    delimiter = delimiter or delimiter_of(text)
    header = next((row for row in csv_rows(io.StringIO(text), delimiter=delimiter) if row), [])
    if not header:
        raise ValueError("it is empty")
    names = _distinct_names(header)
    options = csv.ParseOptions(
        delimiter=delimiter, newlines_in_values=True, invalid_row_handler=leave_out
    )
    data = text.encode("utf-8", "replace")
    table = csv.read_csv(
        io.BytesIO(data),
        csv.ReadOptions(column_names=names, use_threads=False),
        options,
        csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), null_values=[""],
                           strings_can_be_null=True, quoted_strings_can_be_null=True),
    )  # fmt: skip
    table = table.slice(1)  # the header
    _remark(file, bad)
    return pa.table({name: _typed(table[name]) for name in names})


def delimiter_of(text: str) -> str:
    """The delimiter of a CSV text: the one that divides most of its first lines alike.

    >>> delimiter_of('path;note\\na.jpg;"one; two, three"\\nb.jpg;four, five, six')
    ';'
    """
    best, best_score = ",", (0.0, 0)
    lines = text[:_SAMPLE].splitlines(keepends=True)
    lines = lines[:-1] if len(text) > _SAMPLE else lines
    for delimiter in _DELIMITERS:
        try:
            widths = [len(row) for row in csv_rows(lines, delimiter=delimiter) if row]
        except CsvError:
            continue
        if not widths or widths[0] < 2:
            continue
        alike = widths.count(widths[0]) / len(widths)
        if (alike, widths[0]) > best_score:
            best, best_score = delimiter, (alike, widths[0])
    return best


def _from_json_lines(text: str, file: Path) -> pa.Table:
    rows: list[dict[str, Any]] = []
    bad = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if isinstance(row, dict):
            rows.append(row)
        else:
            bad.append(number)
    _remark(file, bad)
    names = dict.fromkeys(name for row in rows for name in row)
    return pa.table({name: column_of([row.get(name) for row in rows]) for name in names})


def _typed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of text as numbers, if it is plainly that."""
    texts = [text for text in column.to_pylist() if text is not None]
    for pattern, dtype in ((_INTEGER, pa.int64()), (_DECIMAL, pa.float64())):
        if texts and all(map(pattern.match, texts)):
            if dtype == pa.int64() and max(map(len, texts)) > _MAX_DIGITS:
                return column
            return column.cast(dtype)
    return column


def _distinct(table: pa.Table) -> pa.Table:
    return table.rename_columns(_distinct_names(table.column_names))


def _distinct_names(names: Sequence[str]) -> list[str]:
    """Column names, with a number after those that come again.

    >>> _distinct_names(["path", "tag", "tag"])
    ['path', 'tag', 'tag_2']
    """
    seen: Counter[str] = Counter()
    out = []
    for name in names:
        seen[name] += 1
        out.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return out


def _remark(file: Path, bad: Sequence[int]) -> None:
    """Say how many lines were left out."""
    if bad:
        lines = f"{len(bad):,} line{'s' * (len(bad) > 1)}"
        first = f", first line {bad[0]}" if bad[0] else ""
        notice(
            f"{printable(file.name)}: {lines} without the columns of the others left out{first}."
        )
