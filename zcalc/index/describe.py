"""Reading what cameras wrote into pictures that are not encoded now, and the words in pictures."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from zcalc.index import written
from zcalc.index.layout import Row
from zcalc.pictures import why_unreadable
from zcalc.progress import notice, track


def describe(rows: Sequence[Row], ocr: bool) -> Iterator[tuple[Row, written.Fields]]:
    """The columns of the rows' pictures; those that can't be read now are left out.

    With `ocr` these include `text`, "" for a picture without words.
    """
    if not rows:
        return
    words = written.ocr_reader() if ocr else None
    workers = max(2, os.cpu_count() or 1)
    label, failed = ("Reading text in pictures" if ocr else "Reading metadata"), []
    with ThreadPoolExecutor(workers, "zcalc-describe") as pool:
        results = pool.map(partial(_read, words=words), rows)
        for row, fields in track(zip(rows, results, strict=True), label, len(rows), "pictures"):
            if isinstance(fields, str):
                failed.append(f"{row.item.name}: {fields}")
            else:
                yield row, fields
    if failed:
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        notice(f"Metadata not read: {failed[0]}{more}.")


def _read(row: Row, words: written.Reader | None) -> written.Fields | str:
    """The columns of a picture, or why it can't be read."""
    suffix = Path(row.item.path).suffix
    try:
        data = row.item.read()
        found = words(data, suffix) if words else {}
    except Exception as error:  # Pillow raises almost anything on a damaged file
        return why_unreadable(error)
    return {**written.read(data, suffix), **found}
