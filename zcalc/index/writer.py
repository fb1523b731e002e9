"""The one process that may change an index just now, and how it replaces a generation.

Files are named by the hash of what is in them, and are never changed. Everything new is on the disk
before the manifest is replaced; what no manifest names any more is taken away after it.
"""

import json
import os
import re
import shutil
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
from zcalc.index.manifest import CURRENT, PREVIOUS, Manifest, OtherVersion, PartOf
from zcalc.index.store import Index
from zcalc.progress import notice
from zcalc.storage import digest, sync_folder, write_atomically

_LOCK = ".lock"
_DATA = r"(vectors|table|structure|journal)-[0-9a-f]+\.\w+"
_OURS = re.compile(rf"{_DATA}|manifest\.json|previous\.json|\.lock|\..+\.[0-9a-f]{{8}}")
_SWEPT = re.compile(rf"{_DATA}|\.({_DATA}|manifest\.json|previous\.json)\.[0-9a-f]{{8}}")


class CannotWrite(ZcalcError):
    """The system refuses to write an index: no rights, no space, a damaged disk."""


class Writer:
    """Holds the lock of an index while it is changed; others that want to write it wait.

    `before` is the index as it is under the lock: the current generation or, where that is damaged,
    the one before; None where there is none. Raises ZcalcError where the folder can't be written,
    holds something else, or was written by a newer zcalc.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.before: Index | None = None
        self._is_older = False  # than the current one, which is damaged
        self._lock = FileLock(folder / _LOCK)

    def __enter__(self) -> "Writer":
        with saving(self.folder):
            _refuse_others(self.folder)
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire(timeout=1)
            except Timeout:
                notice(f"Another process is writing {self.folder}; waiting for it.")
                self._lock.acquire()
        try:
            self.before, self._is_older = _newest(self.folder)
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if {path.name for path in self.folder.glob("*")} <= {_LOCK}:  # nothing came of it
            with suppress(OSError):
                (self.folder / _LOCK).unlink(missing_ok=True)
                self.folder.rmdir()
        self._lock.release()

    def put(self, rows: np.ndarray, table: pa.Table) -> PartOf:
        """Write a part that is new: its vectors (n, d) and its table."""
        sha256, pieces = vectors.pack(rows)
        with saving(self.folder):
            write_atomically(self.folder / manifests.vectors_file(sha256), *pieces)
        return PartOf(sha256, len(rows), self.put_table(table), len(table))

    def put_table(self, table: pa.Table) -> str:
        """Write a table, unless it is there; gives its hash."""
        data = tables.to_bytes(table)
        sha256 = digest(data)
        name = manifests.table_file(sha256)
        if self.before is None or name not in self.before.manifest.files():
            with saving(self.folder):
                write_atomically(self.folder / name, data)
        return sha256

    def commit(self, manifest: Manifest) -> Index:
        """Make a generation whose files are there the current one, unless it is, and open it."""
        before = self.before
        if (
            before
            and not self._is_older
            and replace(manifest, generation=before.manifest.generation) == before.manifest
        ):
            self.sweep()
            return before
        with saving(self.folder):
            try:
                current = manifests.read(self.folder)
            except ZcalcError:
                current = None
            else:
                write_atomically(self.folder / PREVIOUS, (self.folder / CURRENT).read_bytes())
            generation = current.generation + 1 if current else 1
            write_atomically(
                self.folder / CURRENT, replace(manifest, generation=generation).to_bytes()
            )
            sync_folder(self.folder.parent)
            self.sweep()
        return Index.open(self.folder)

    def sweep(self) -> None:
        """Take away what neither the current generation nor the one before needs."""
        kept: set[str] = set()
        for name in (CURRENT, PREVIOUS):
            with suppress(ZcalcError):
                manifest = manifests.read(self.folder, name)
                kept |= manifest.files() | {manifests.structure_file(manifest)}
        for path in self.folder.iterdir():
            if path.name not in kept and _SWEPT.fullmatch(path.name):
                path.unlink(missing_ok=True)


def save(index: Index, folder: Path) -> Index:
    """Write an index that is in memory, or elsewhere, as the folder's next generation."""
    with Writer(folder) as writer:
        parts = [
            writer.put(index.vectors.take(np.arange(start, min(start + vectors.PART, len(index)))),
                       tables.visible(index.table).slice(start, vectors.PART))
            for start in range(0, len(index), vectors.PART)
        ]  # fmt: skip
        skipped = writer.put_table(tables.table_of(index.skipped)) if index.skipped else ""
        about = replace(index.manifest, parts=tuple(parts), skipped=skipped, dtype="float32")
        return writer.commit(about)


def restore(folder: Path) -> Index:
    """Make the generation before the current one again; the current one becomes the one before.

    Raises ZcalcError where there is none, or it is damaged.
    """
    with Writer(folder) as writer:
        before = Index.open(folder, previous=True)
        return writer.commit(before.manifest)


@contextmanager
def saving(folder: Path) -> Iterator[None]:
    """Turn what the system refuses into the error that says so."""
    try:
        yield
    except OSError as error:
        hint = "Check the place, its rights and its free space; an index there is as it was."
        why = error.strerror or type(error).__name__
        raise CannotWrite(f"Can't write the index {folder}: {why}.", hint) from error


def free_space(folder: Path) -> int:
    """The bytes that are free where an index lies, or will."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free


def _newest(folder: Path) -> tuple[Index | None, bool]:
    """The current generation or, where it is damaged, the one before; and whether it is that."""
    for previous in (False, True):
        try:
            return Index.open(folder, previous=previous), previous
        except OtherVersion as error:
            if error.newer:
                raise
        except ZcalcError:
            continue
    return None, False


def _refuse_others(folder: Path) -> None:
    """Raise ZcalcError for a folder that holds something else, which must be left alone."""
    if not os.path.lexists(folder):
        return
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else {""}
    if all(map(_OURS.fullmatch, names)) and not _is_foreign(folder / CURRENT):
        return
    with suppress(OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        if json.loads((folder / CURRENT).read_bytes())["format"].startswith("zcalc index"):
            return
    hint = "Name a new folder for the index, or an index to replace."
    raise ZcalcError(f"{folder} is there and is no index; nothing was written.", hint)


def _is_foreign(manifest: Path) -> bool:
    """Whether a file is sound JSON that no zcalc wrote, such as a web page's manifest."""
    try:
        body = json.loads(manifest.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return not (isinstance(body, dict) and {"format", "checksum", "parts"} & body.keys())
