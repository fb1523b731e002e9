"""Writing an index: one process at a time, one generation after another.

Files are named by the hash of their content and never modified. All new files are on disk before
the manifest is replaced; files that no manifest refers to are deleted afterwards.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
from filelock import FileLock, Timeout

from zcalc.errors import ZcalcError
from zcalc.index import manifest as manifests
from zcalc.index import table as tables
from zcalc.index import vectors
from zcalc.index.errors import CannotWrite, OtherVersion
from zcalc.index.manifest import CURRENT, PREVIOUS, Manifest, PartInfo
from zcalc.index.store import Index
from zcalc.progress import notice
from zcalc.storage import digest, sync_folder, write_atomically

_LOCK = ".lock"
_DATA = r"(vectors|table|structure|journal)-[0-9a-f]+\.\w+"
_KEPT = r"kept-[0-9a-f]+\.bin"
_INDEX_FILE = re.compile(
    rf"{_DATA}|{_KEPT}|manifest\.json|previous\.json|\.lock|\..+\.[0-9a-f]{{8}}"
)
_SWEPT_FILE = re.compile(
    rf"{_DATA}|\.({_DATA}|{_KEPT}|manifest\.json|previous\.json)\.[0-9a-f]{{8}}"
)


class Writer:
    """Holds the lock of an index while it changes; other writers wait.

    `base` is the index to start from: the current generation, or the previous one if that is
    damaged; None if there is neither. Raises ZcalcError if the folder can't be written, contains
    something else, or was written by a newer zcalc.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.base: Index | None = None
        self._is_previous = False  # whether `base` is the previous generation
        self._lock = FileLock(folder / _LOCK)

    def __enter__(self) -> "Writer":
        with saving(self.folder):
            _refuse_foreign_folder(self.folder)
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire(timeout=1)
            except Timeout:
                notice(f"Another process is writing {self.folder}; waiting for it.")
                self._lock.acquire()
        try:
            self.base, self._is_previous = _newest_intact(self.folder)
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if {path.name for path in self.folder.glob("*")} <= {_LOCK}:  # nothing was written
            with suppress(OSError):
                (self.folder / _LOCK).unlink(missing_ok=True)
                self.folder.rmdir()
        self._lock.release()

    @property
    def is_current(self) -> bool:
        """Whether `base` is the current generation."""
        return self.base is not None and not self._is_previous

    def put(self, rows: np.ndarray, table: pa.Table) -> PartInfo:
        """Write a new part: its vectors (n, d) and its table."""
        sha256, pieces = vectors.pack(rows)
        with saving(self.folder):
            write_atomically(self.folder / manifests.vectors_file(sha256), *pieces)
        return PartInfo(sha256, len(rows), self.put_table(table), len(table))

    def put_table(self, table: pa.Table) -> str:
        """Write a table, unless it exists, and return its hash."""
        data = tables.to_bytes(table)
        sha256 = digest(data)
        name = manifests.table_file(sha256)
        if self.base is None or name not in self.base.manifest.files():
            with saving(self.folder):
                write_atomically(self.folder / name, data)
        return sha256

    def commit(self, manifest: Manifest) -> Index:
        """Make a manifest, whose files are written, the current generation, and open it.

        An unchanged index keeps its generation.
        """
        if self.base and not self._is_previous:
            current = self.base.manifest
            if replace(manifest, generation=current.generation) == current:
                self.sweep()
                return self.base
        with saving(self.folder):
            generation = 1
            with suppress(ZcalcError):
                generation = manifests.read(self.folder).generation + 1
                write_atomically(self.folder / PREVIOUS, (self.folder / CURRENT).read_bytes())
            data = replace(manifest, generation=generation).to_bytes()
            write_atomically(self.folder / CURRENT, data)
            sync_folder(self.folder.parent)
            self.sweep()
        return Index.open(self.folder)

    def forget(self) -> None:
        """Delete the previous generation, and the vectors that were kept aside."""
        with saving(self.folder):
            (self.folder / PREVIOUS).unlink(missing_ok=True)
            for path in self.folder.glob("kept-*.bin"):
                path.unlink(missing_ok=True)
            self.sweep()
            sync_folder(self.folder)

    def sweep(self) -> None:
        """Delete the files that neither the current nor the previous generation refers to."""
        needed: set[str] = set()
        for name in (CURRENT, PREVIOUS):
            with suppress(ZcalcError):
                manifest = manifests.read(self.folder, name)
                needed |= manifest.files() | {manifests.structure_file(manifest)}
        for path in self.folder.iterdir():
            if path.name not in needed and _SWEPT_FILE.fullmatch(path.name):
                path.unlink(missing_ok=True)


def save(index: Index, folder: Path) -> Index:
    """Write an index as the next generation of a folder."""
    with Writer(folder) as writer:
        table, parts = tables.drop_hidden(index.table), []
        captions = [caption.text or None for caption in index.captions]
        if any(captions):
            table = table.append_column("_caption", pa.array(captions, pa.string()))
        for start in range(0, len(index), vectors.PART_ROWS):
            stop = min(start + vectors.PART_ROWS, len(index))
            rows = index.vectors.take(np.arange(start, stop))  # (m, d)
            parts.append(writer.put(rows, table.slice(start, vectors.PART_ROWS)))
        skipped = writer.put_table(tables.table_of(index.skipped)) if index.skipped else ""
        manifest = replace(index.manifest, parts=tuple(parts), skipped=skipped, dtype="float32")
        return writer.commit(manifest)


def restore(folder: Path) -> Index:
    """Swap the current and the previous generation.

    Raises ZcalcError if there is no previous generation, or it is damaged.
    """
    with Writer(folder) as writer:
        previous = Index.open(folder, previous=True)
        return writer.commit(previous.manifest)


@contextmanager
def saving(folder: Path) -> Iterator[None]:
    """Raise CannotWrite for any OSError."""
    try:
        yield
    except OSError as error:
        hint = "Check its path, permissions and free space. An existing index is unchanged."
        reason = error.strerror or type(error).__name__
        raise CannotWrite(f"Can't write the index {folder}: {reason}.", hint) from error


def _newest_intact(folder: Path) -> tuple[Index | None, bool]:
    """The newest intact generation, if any, and whether it is the previous one."""
    for previous in (False, True):
        try:
            return Index.open(folder, previous=previous), previous
        except OtherVersion as error:
            if error.newer:
                raise
        except ZcalcError:
            continue
    return None, False


def _refuse_foreign_folder(folder: Path) -> None:
    """Raise ZcalcError if a folder contains something other than an index."""
    if not os.path.lexists(folder):
        return
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else {""}
    if all(map(_INDEX_FILE.fullmatch, names)) and not _is_foreign(folder / CURRENT):
        return
    with suppress(OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        if json.loads((folder / CURRENT).read_bytes())["format"].startswith("zcalc index"):
            return
    hint = "Choose a new folder for the index, or an index to replace."
    raise ZcalcError(f"{folder} exists and is not an index; nothing was written.", hint)


def _is_foreign(manifest: Path) -> bool:
    """Whether a file is valid JSON that zcalc didn't write, such as a web app's manifest."""
    try:
        body = json.loads(manifest.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return not (isinstance(body, dict) and {"format", "checksum", "parts"} & body.keys())
