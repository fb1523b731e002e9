"""Changing an index without a model: taking pictures out, and giving space back."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from zcalc.errors import ZcalcError
from zcalc.index.at_stake import sources_of
from zcalc.index.journal import Journal
from zcalc.index.kept import Kept
from zcalc.index.known import Known, carried
from zcalc.index.layout import Draft, Row
from zcalc.index.manifest import ColumnInfo
from zcalc.index.sets import matching, near
from zcalc.index.sources import absolute
from zcalc.index.store import Index
from zcalc.index.writer import Writer
from zcalc.pictures import printable


def remove(folder: Path, things: Sequence[str]) -> tuple[Index, int]:
    """Take pictures out of an index: sources, folders, or patterns such as `trips/*`.

    Returns the index and the number of pictures taken out, whose vectors are kept aside. Raises
    ZcalcError, and changes nothing, if one of the things matches no picture, or if none were left.
    """
    with Writer(folder) as writer:
        old = writer.base or Index.open(folder)
        gone: set[int] = set()
        for thing in things:
            rows = _rows_of(old, thing)
            if not rows:
                raise _nothing(old, thing)
            gone |= rows
        if len(gone) == len(old):
            hint = "Delete its folder instead, or leave some of them in."
            raise ZcalcError(f"That would take out all {len(old):,} pictures of {folder}.", hint)
        left = [row for row in range(len(old)) if row not in gone]
        places = {str(absolute(Path(thing))) for thing in things}
        sources = tuple(info for info in sources_of(old.manifest) if info.path not in places)
        known, kept = Known(old), Kept(folder, old.model, old.dim)
        draft = replace(_draft(old, known, left), sources=sources)
        draft.roots = tuple(dict.fromkeys(info.root for info in sources)) or old.roots
        try:
            kept.add_unused(old, known.keys, {row.key for row in draft.rows})
            index = draft.write(writer)
        finally:
            kept.close()
        return index, len(gone)


def compact(folder: Path) -> tuple[Index, int]:
    """Rewrite an index without the vectors that it doesn't use, and return it with bytes freed.

    What was kept aside of removed pictures goes, and the previous generation with it.
    """
    with Writer(folder) as writer:
        before = _size(folder)
        old = writer.base or Index.open(folder)
        draft = _draft(old, Known(old), range(len(old)))
        draft.compact = True
        index = draft.write(writer)
        writer.forget()
        return index, before - _size(folder)


def set_columns(
    folder: Path, columns: Sequence[ColumnInfo], values: Mapping[str, Mapping[str, Any]]
) -> Index:
    """Keep computed columns, with their values by path; a column that isn't given goes.

    `values` are by column name. Raises ZcalcError if there is no index.
    """
    with Writer(folder) as writer:
        old = writer.base or Index.open(folder)
        draft = _draft(old, Known(old), range(len(old)))
        names = {column.name for column in columns}
        for row in draft.rows:
            fields = json.loads(row.computed) if row.computed else {}
            fields = {name: value for name, value in fields.items() if name in names}
            for name, by_path in values.items():
                if row.item.path in by_path:
                    fields[name] = by_path[row.item.path]
            new = json.dumps(fields, ensure_ascii=False) if fields else ""
            row.unchanged, row.computed = row.unchanged and new == row.computed, new
        draft.columns = tuple(columns)
        return draft.write(writer)


def _draft(old: Index, known: Known, rows: Sequence[int]) -> Draft:
    """The next generation of an index with some of its rows, as they are."""
    captions = known.captions
    items = carried(old, list(rows))
    kept = []
    for row, item in zip(rows, items, strict=True):
        caption, read, computed = captions[row].text, known.written[row], known.computed[row]
        new = Row(item, known.hashes[row], caption, row, written=read, computed=computed)
        new.unchanged = True
        kept.append(new)
    manifest = old.manifest
    return Draft(
        old.model,
        old.dim,
        old.roots,
        kept,
        old.skipped,
        old,
        Journal(None, old.model, old.dim),
        caption_share=old.caption_share,
        caption_column=manifest.caption_column,
        sources=manifest.sources,
        exclude=manifest.exclude,
        ocr=manifest.ocr,
        columns=manifest.columns,
    )


def _rows_of(index: Index, thing: str) -> set[int]:
    """The rows of a source, a folder or a file, else of a pattern."""
    place = str(absolute(Path(thing)))
    inside = (place.rstrip(os.sep) + os.sep, place + "!")
    rows = {
        row
        for row, (path, source) in enumerate(zip(index.paths, index.sources, strict=True))
        if place in (source, path) or path.startswith(inside)
    }
    if rows:
        return rows
    names, roots = index.table["name"].to_pylist(), [Path(root) for root in index.roots]
    return set(matching(names, index.paths, roots, thing).nonzero()[0].tolist())


def _nothing(index: Index, thing: str) -> ZcalcError:
    roots = [Path(root) for root in index.roots]
    hint = near(thing, index.table["name"].to_pylist(), index.paths, roots)
    sources = ", ".join(printable(info.path) for info in sources_of(index.manifest))
    message = f"No picture of {index.folder} is in {printable(thing)!r} or matches it."
    return ZcalcError(message, f"{hint} Its sources are {sources}.")


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
