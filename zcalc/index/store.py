"""An index on disk: one folder with vectors and a manifest, replaced in one step.

The vectors are safetensors under a name that holds their hash; the manifest names them and is
replaced last, so a reader sees the old index or the new one. faiss never reads a file: its flat
index is made in memory from vectors whose hash has been checked.
"""

import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from zcalc.errors import ZcalcError
from zcalc.storage import digest, pack, sync_folder, unpack, write_atomically

_FORMAT = "zcalc index 1"
_MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture of the index: its name and file, and how to tell that the file has changed."""

    name: str
    path: str
    size: int
    mtime_ns: int
    sha256: str
    skipped: str = ""  # why it has no vector


@dataclass(frozen=True)
class Index:
    """Pictures and their unit vectors (n, d) float32, row by row, by one model.

    `roots` are the folders that the pictures are in, `skipped` those that could not be read.
    """

    model: str
    roots: tuple[str, ...]
    entries: tuple[Entry, ...]
    vectors: np.ndarray = field(repr=False)
    skipped: tuple[Entry, ...] = ()

    def search(self, vector: np.ndarray, k: int) -> list[tuple[Entry, float]]:
        """The `k` pictures nearest to a unit vector (d,), with their cosines, nearest first."""
        k = min(k, len(self.entries))
        if k < 1:
            return []
        scores, rows = self._faiss.search(np.ascontiguousarray(vector[None], np.float32), k)
        return [(self.entries[row], float(s)) for row, s in zip(rows[0], scores[0], strict=True)]

    @cached_property
    def _faiss(self) -> Any:
        import faiss

        flat = faiss.IndexFlatIP(self.vectors.shape[1])
        flat.add(np.ascontiguousarray(self.vectors))
        return flat

    def save(self, folder: Path) -> None:
        """Write the index as a folder; what was there is replaced in one step.

        Raises ZcalcError where the folder can't be written or holds something else.
        """
        if folder.exists() and not (folder / _MANIFEST).is_file() and not _is_empty(folder):
            hint = "Name a new folder for the index, or an index to replace."
            raise ZcalcError(f"{folder} is there and is no index; nothing was written.", hint)
        data = pack(self.vectors)
        name = f"vectors-{digest(data)[:16]}.safetensors"
        body = {
            "format": _FORMAT,
            "model": self.model,
            "count": len(self.entries),
            "dim": int(self.vectors.shape[1]),
            "roots": self.roots,
            "vectors": {"file": name, "sha256": digest(data)},
            "entries": [asdict(entry) for entry in self.entries],
            "skipped": [asdict(entry) for entry in self.skipped],
        }
        manifest = json.dumps({**body, "checksum": _checksum(body)}, indent=1).encode()
        try:
            before = _vectors_file(folder)
            write_atomically(folder / name, data)
            write_atomically(folder / _MANIFEST, manifest)
            for old in folder.glob("vectors-*.safetensors"):
                if old.name not in (name, before):  # a reader may still be at the one before
                    old.unlink(missing_ok=True)
            sync_folder(folder.parent)
        except OSError as error:
            hint = "Check the place, its rights and its free space; an index there is as it was."
            raise ZcalcError(f"Can't write the index {folder}: {error.strerror}.", hint) from error

    @classmethod
    def open(cls, folder: Path, model: str | None = None) -> "Index":
        """Read an index; `model` is the identity of the encoder that is to search it.

        Raises ZcalcError for a folder that is no index, a damaged one, and another model's.
        """
        try:
            manifest = json.loads((folder / _MANIFEST).read_bytes())
        except FileNotFoundError as error:
            hint = f"Make one: zcalc index build FOLDER -o {folder}"
            raise ZcalcError(f"There is no index at {folder}.", hint) from error
        except (OSError, ValueError, RecursionError) as error:
            raise _damaged(folder, "its manifest can't be read") from error
        if not isinstance(manifest, dict) or manifest.pop("checksum", "") != _checksum(manifest):
            raise _damaged(folder, "its manifest has been changed")
        if manifest.get("format") != _FORMAT:
            raise _damaged(folder, f"its format is not {_FORMAT!r}")
        try:
            index = cls(
                model=manifest["model"],
                roots=tuple(manifest["roots"]),
                entries=tuple(Entry(**entry) for entry in manifest["entries"]),
                vectors=_read_vectors(folder, manifest),
                skipped=tuple(Entry(**entry) for entry in manifest["skipped"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(folder, "its manifest lacks a part") from error
        if model not in (None, index.model):
            raise ZcalcError(
                f"The index {folder} was made with {index.model}, not with {model}.",
                "Choose that model, or build the index again with this one.",
            )
        return index


def _read_vectors(folder: Path, manifest: dict[str, Any]) -> np.ndarray:
    """The vectors (n, d) that a manifest names, once their hash is right."""
    try:
        data = (folder / Path(manifest["vectors"]["file"]).name).read_bytes()
    except OSError as error:
        raise _damaged(folder, "its vectors can't be read") from error
    rows = unpack(data) if digest(data) == manifest["vectors"]["sha256"] else None
    shape = (manifest["count"], manifest["dim"])
    if rows is None or rows.shape != shape or len(manifest["entries"]) != shape[0]:
        raise _damaged(folder, "its vectors are not those that the manifest names")
    return rows


def _vectors_file(folder: Path) -> str:
    """The name of the vectors that the manifest names now; empty where there are none."""
    try:
        return str(json.loads((folder / _MANIFEST).read_bytes())["vectors"]["file"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _checksum(manifest: dict[str, Any]) -> str:
    return digest(json.dumps(manifest, sort_keys=True))


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _damaged(folder: Path, why: str) -> ZcalcError:
    hint = "Nothing of it was used. Delete the folder and build it again: zcalc index build."
    return ZcalcError(f"The index {folder} is damaged: {why}.", hint)
