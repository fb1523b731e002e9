"""Importing embeddings that another program computed, or that an index exported."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from zcalc.errors import ZcalcError
from zcalc.index import table as tables
from zcalc.index.at_stake import pictures, sources_of
from zcalc.index.embeddings import IDS, Embeddings, columns_of, read
from zcalc.index.engine import PictureEncoder
from zcalc.index.export import KEY
from zcalc.index.items import Item
from zcalc.index.journal import Journal
from zcalc.index.known import Known, of_other_sources
from zcalc.index.layout import Draft, Row
from zcalc.index.listing import names_of, path_column
from zcalc.index.manifest import ColumnInfo, SourceInfo
from zcalc.index.store import Index
from zcalc.index.writer import Writer
from zcalc.pictures import decode, find_file
from zcalc.progress import notice, track
from zcalc.storage import digest

_Details = tuple[bytes, str | None, str]  # SHA-256, what cameras wrote, what was computed
_CHECKED = 16  # pictures that are encoded again to check whose embeddings these are
_EQUAL = 0.99  # the cosine from which two embeddings of a picture are the same
_UNIT = 1e-5  # how far from 1 the length of a normalised vector may be


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: pictures added, rows left out with the reason, and the check.

    `checked` pictures were encoded again, with a median cosine of `agreement` to the file's.
    """

    pictures: int
    left_out: dict[str, int] = field(default_factory=dict)
    checked: int = 0
    agreement: float | None = None


@dataclass(frozen=True, slots=True)
class Import:
    """How to read a file of embeddings.

    `ids` is a file with a path or a row of columns for each vector, `vectors` the column of vectors
    in a Parquet file, `column` that of the paths, which are relative to `root`, by default the
    file's folder. With `check`, a few pictures are encoded again.
    """

    ids: str | None = None
    vectors: str | None = None
    column: str | None = None
    root: Path | None = None
    check: bool = True


def bring_in(
    place: Path,
    encoder: PictureEncoder,
    folder: Path,
    how: Import = Import(),
) -> tuple[Index, Imported]:
    """Add embeddings from a file to an index, or make one of them (see `embeddings.read`).

    Rows with a vector that is zero or not finite are left out. A few pictures that are there are
    encoded again, to see whether the embeddings are the encoder's. Raises ZcalcError if they are
    not, for another number of dimensions, and if there is nothing to import.
    """
    found = read(place, how.ids, how.vectors)
    about = _about(found.table)
    if about and about["model"] != encoder.identity:
        message = (
            f"The embeddings in {place.name} are {about['model']}'s, not {encoder.identity}'s."
        )
        raise ZcalcError(message, "Name that model with --model or --clip.")
    if found.vectors.shape[1] != encoder.dim:
        message = f"{place.name} has {found.vectors.shape[1]} dimensions, {encoder.identity} "
        raise ZcalcError(message + f"{encoder.dim}.", "Name the encoder with --model or --clip.")
    if len(found.table) != len(found.vectors):
        message = f"{place.name} has {len(found.vectors):,} vectors, its list of ids "
        raise ZcalcError(message + f"{len(found.table):,} rows.", "They must be equally many.")
    if not found.exact:
        notice("The index stores compressed vectors: what is imported is an approximation.")
    rows, usable, left_out = _usable(found)
    root = (how.root or (place if place.is_dir() else place.parent)).resolve()
    info = SourceInfo(str(place.resolve()), str(root), imported=True)
    items, details = _items(found, usable, how.column, root, info)
    report = Imported(len(items), left_out)
    if how.check:
        report = _checked(report, place, items, rows, encoder)
    index = _write(folder, encoder, _Rows(items, details, rows, info, about))
    return index, report


def _about(table: pa.Table) -> dict[str, Any]:
    """What an export of zcalc says about its index; nothing for another file."""
    raw = (table.schema.metadata or {}).get(KEY)
    return json.loads(raw) if raw else {}


def _usable(found: Embeddings) -> tuple[np.ndarray, list[int], dict[str, int]]:
    """Unit vectors (m, d) of the rows that can be used, their numbers, and why others can't."""
    rows = np.asarray(found.vectors, np.float32 if found.vectors.dtype != np.float16 else None)
    norms = np.linalg.norm(rows.astype(np.float32), axis=1)  # (n,)
    finite = np.isfinite(norms)
    good = finite & (norms > 0)
    left_out = {"not finite": int((~finite).sum()), "zero": int((finite & (norms == 0)).sum())}
    usable = np.flatnonzero(good)
    rows, norms = rows[usable], norms[usable]
    if not len(rows):
        raise ZcalcError("None of the vectors can be used: they are zero or not finite.", "")
    if (abs(norms - 1) > (_UNIT if rows.dtype == np.float32 else 2e-3)).any():
        rows = rows.astype(np.float32) / norms[:, None]
    return rows, usable.tolist(), {reason: n for reason, n in left_out.items() if n}


def _items(
    found: Embeddings, usable: Sequence[int], column: str | None, root: Path, info: SourceInfo
) -> tuple[list[Item], list[_Details]]:
    """An item for each row, with its hash, what cameras wrote, and what was computed."""
    fields = columns_of(found.table, usable)
    about = _about(found.table)
    own, computed = bool(about), {column["name"] for column in about.get("columns", ())}
    name_of_paths = (
        "path" if own else path_column(Path(info.path), found.table.column_names, column, IDS)
    )
    texts = [str(row.get(name_of_paths, "")) for row in fields]
    paths = [_path(root, text, row) for text, row in zip(texts, fields, strict=True)]
    names = [row["name"] for row in fields] if own else names_of(paths)
    items, details = [], []
    rows = zip(fields, paths, names, strict=True)
    for row, path, name in track(rows, "Looking at pictures", len(fields), "pictures"):
        metadata = {k: v for k, v in row.items() if k != name_of_paths and not k.startswith("_")}
        if own:
            known = {*tables.CORE_COLUMNS, *computed}
            metadata = {k: v for k, v in metadata.items() if k not in known}
            size, mtime_ns, sha256 = row["size"], row["mtime_ns"], row.get("sha256", b"")
        else:
            size, mtime_ns, sha256 = _file_facts(path)
        caption = row.get("_caption", "") if own else ""
        items.append(
            Item(name, str(path), str(path), size, mtime_ns, metadata=metadata, caption=caption,
                 sidecar=row.get("_sidecar", ""), source=row.get("_source", "") or info.path)
        )  # fmt: skip
        details.append((sha256 or _no_file(path), row.get("_read"), row.get("_computed", "")))
    return items, details


def _path(root: Path, text: str, row: dict[str, Any]) -> Path:
    raw = row.get("_path")
    if isinstance(raw, bytes):
        return Path(os.fsdecode(raw))
    return find_file(Path(os.path.normpath(root / text)))


def _file_facts(path: Path) -> tuple[int, int, bytes]:
    """The size, time and hash of a picture, where its file is there."""
    try:
        status = path.stat()
        with path.open("rb") as file:
            return status.st_size, status.st_mtime_ns, hashlib.file_digest(file, "sha256").digest()
    except (OSError, ValueError):
        return 0, 0, b""


def _no_file(path: Path) -> bytes:
    """What stands for the hash of a picture whose file isn't there."""
    return bytes.fromhex(digest(b"no file " + os.fsencode(path)))


def _checked(
    report: Imported, place: Path, items: Sequence[Item], rows: np.ndarray, encoder: PictureEncoder
) -> Imported:
    """The report with the check; raises ZcalcError if the encoder gives other embeddings."""
    cosines: list[float] = []
    there = [n for n, i in enumerate(items) if i.mtime_ns and not (i.caption or i.sidecar)]
    step = max(1, len(there) // _CHECKED)
    for number in there[::step][:_CHECKED]:
        try:
            picture = decode(items[number].read(), suffix=Path(items[number].path).suffix)
            vector = encoder.encode([encoder.prepare(picture)])[0]
        except Exception:  # a picture that can't be read says nothing
            continue
        length = float(np.linalg.norm(vector)) or 1.0
        cosines.append(float(rows[number].astype(np.float32) @ vector) / length)
    if not cosines:
        notice("Not checked: none of the pictures is where the file says. Is --root right?")
        return report
    agreement = float(np.median(cosines))
    if agreement < _EQUAL:
        several = f"{pictures(len(cosines))} encoded again have"
        raise ZcalcError(
            f"The embeddings in {place.name} are not those of {encoder.identity}: {several} "
            f"a median cosine of {agreement:.2f} to them.",
            "Name the encoder that made them with --model or --clip, or import them anyway with "
            "--unchecked.",
        )
    return replace(report, checked=len(cosines), agreement=agreement)


class _Vectors(Journal):
    """The imported vectors, in place of a journal of encoded ones."""

    def __init__(self, rows: np.ndarray) -> None:
        super().__init__(None, "", rows.shape[1])
        self._rows = rows

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The vectors (m, d) of rows."""
        return self._rows[rows]


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is written: an item and its details for each vector (n, d)."""

    items: Sequence[Item]
    details: Sequence[_Details]
    vectors: np.ndarray
    info: SourceInfo
    about: dict[str, Any]


def _write(folder: Path, encoder: PictureEncoder, new: _Rows) -> Index:
    """Write the next generation: what the index has, and the imported rows."""
    about, share = new.about, float(new.about.get("caption_share", 0.0))
    with Writer(folder) as writer:
        old = writer.base
        if old is not None:
            old.require_model(encoder.identity)
            if old.caption_share != share:
                message = f"The index has a caption share of {old.caption_share}, the file {share}."
                raise ZcalcError(message, "Import into another index.")
        rows = list(_kept_rows(old, {item.path for item in new.items}))
        pairs = zip(new.items, new.details, strict=True)
        for number, (item, (sha256, read_before, computed)) in enumerate(pairs):
            captioned = replace(item, share=share) if item.caption else item
            row = Row(captioned, sha256, item.caption, journaled=number, written=read_before)
            row.computed = computed
            rows.append(row)
        own = tuple(SourceInfo(**source) for source in about.get("sources", ()))
        before = sources_of(old.manifest) if old else ()
        infos = {i.path: i for i in (*before, *(own or (new.info,)))}
        roots = (*(old.roots if old else ()), *about.get("roots", (new.info.root,)))
        skipped = {e.path: e for e in old.skipped} if old else {}
        skipped |= {e["path"]: tables.Entry(**e) for e in about.get("skipped", ())}
        columns = {c["name"]: ColumnInfo(**c) for c in about.get("columns", ())}
        columns |= {column.name: column for column in old.manifest.columns} if old else {}
        draft = Draft(
            encoder.identity, encoder.dim, tuple(dict.fromkeys(roots)), rows,
            tuple(skipped.values()), old, _Vectors(new.vectors),
            None if old else str(new.vectors.dtype), caption_share=share,
            caption_column=about.get("caption_column", ""), sources=tuple(infos.values()),
            exclude=old.manifest.exclude if old else tuple(about.get("exclude", ())),
            ocr=old.manifest.ocr if old else about.get("ocr", False),
            columns=tuple(columns.values()),
        )  # fmt: skip
        return draft.write(writer)


def _kept_rows(old: Index | None, new: set[str]) -> Iterator[Row]:
    """The rows of an index that stay as they are."""
    if old is None:
        return
    known = Known(old)
    for item in of_other_sources(old, new, ()):
        row = known.row_of[item.path]
        caption, read = known.captions[row].text, known.written[row]
        kept = Row(item, known.hashes[row], caption, row, written=read, unchanged=True)
        kept.computed = known.computed[row]
        yield kept
