"""The manifest: one small file that says which files make up a generation of an index.

It is replaced last and in one step, so a reader sees the old index or the new one. The one before
is kept beside it, with its files.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zcalc.errors import ZcalcError
from zcalc.index.vectors import Damaged
from zcalc.storage import digest

CURRENT, PREVIOUS = "manifest.json", "previous.json"
_FORMAT, _VERSION = "zcalc index", 2
_AGAIN = "Build it again: zcalc index build."


@dataclass(frozen=True, slots=True)
class PartOf:
    """One part of an index: the hashes of its vectors and its table, and how many rows they have.

    `rows` of vectors, of which `count` are in use: the rows of the table.
    """

    vectors: str
    rows: int
    table: str
    count: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index is made of. All vectors have length 1; `memory` is the bytes for searching."""

    model: str
    dim: int
    dtype: str
    roots: tuple[str, ...]
    parts: tuple[PartOf, ...]
    skipped: str = ""  # the hash of the table of pictures without a vector
    memory: int | None = None
    generation: int = 1

    @property
    def count(self) -> int:
        """The number of pictures."""
        return sum(part.count for part in self.parts)

    @property
    def vectors_id(self) -> str:
        """Stands for the vectors and their order: the same as long as neither changes."""
        rows = [(part.vectors, part.table if part.count < part.rows else "") for part in self.parts]
        return digest(json.dumps(rows))

    def files(self) -> set[str]:
        """The names of the files that it needs."""
        names = {vectors_file(part.vectors) for part in self.parts}
        names |= {table_file(part.table) for part in self.parts}
        return names | ({table_file(self.skipped)} if self.skipped else set())

    def to_bytes(self) -> bytes:
        """The manifest as JSON, with a checksum of its own."""
        about = {"format": _FORMAT, "version": _VERSION, "normalised": True, "count": self.count}
        body = json.loads(json.dumps(about | asdict(self)))
        return json.dumps({**body, "checksum": _checksum(body)}, indent=1).encode()


def vectors_file(sha256: str) -> str:
    """The name of the file of a part's vectors."""
    return f"vectors-{sha256[:32]}.safetensors"


def table_file(sha256: str) -> str:
    """The name of the file of a table."""
    return f"table-{sha256[:32]}.arrow"


def structure_file(manifest: Manifest) -> str:
    """The name of the file of what finds the nearest vectors."""
    return f"structure-{manifest.vectors_id[:32]}.faiss"


def read(folder: Path, name: str = CURRENT) -> Manifest:
    """Read a manifest of an index.

    Raises ZcalcError where there is none, it is damaged, something else wrote it, or a newer zcalc.
    """
    try:
        body = json.loads((folder / name).read_bytes())
    except FileNotFoundError as error:
        raise _absent(folder, name) from error
    except NotADirectoryError as error:
        raise ZcalcError(f"{folder} is no index.", "An index is a folder.") from error
    except OSError as error:
        raise Damaged(folder, f"its manifest can't be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise Damaged(folder, "its manifest can't be read") from error
    if not isinstance(body, dict) or body.pop("checksum", "") != _checksum(body):
        raise Damaged(folder, "its manifest has been changed, or something else wrote it")
    if body.get("format") == "zcalc index 1":
        raise OtherVersion(f"The index {folder} was written by an older zcalc.", _AGAIN)
    if body.get("format") != _FORMAT or not isinstance(body.get("version"), int):
        raise Damaged(folder, f"its format is not {_FORMAT!r}")
    if body["version"] != _VERSION:
        hint = f"Update zcalc; this one reads version {_VERSION}, this is {body['version']}."
        newer = OtherVersion(f"The index {folder} was written by a newer zcalc.", hint)
        newer.newer = True
        raise newer
    manifest = _parsed(body)
    if manifest is None:
        raise Damaged(folder, "its manifest lacks a part")
    return manifest


class OtherVersion(ZcalcError):
    """An index that another version of zcalc wrote."""

    newer = False


def _parsed(body: Mapping[str, Any]) -> Manifest | None:
    try:
        parts = tuple(PartOf(**part) for part in body["parts"])
        fields = {name: body[name] for name in Manifest.__slots__}
        manifest = Manifest(**{**fields, "parts": parts, "roots": tuple(body["roots"])})
    except (KeyError, TypeError):
        return None
    texts = (manifest.model, manifest.skipped, *manifest.roots)
    hashes = [*(p.vectors for p in parts), *(p.table for p in parts)]
    numbers = [manifest.dim, manifest.generation, *(n for p in parts for n in (p.rows, p.count))]
    sound = (
        all(isinstance(text, str) for text in (*texts, *hashes))
        and all(type(number) is int and number > 0 for number in numbers)
        and all(p.count <= p.rows for p in parts)
        and all(len(h) == 64 and h.isalnum() for h in (*hashes, manifest.skipped or "0" * 64))
        and manifest.dtype in ("float32", "float16")
        and (manifest.memory is None or type(manifest.memory) is int)
        and isinstance(body["roots"], list)
        and body.get("normalised") is True
        and body.get("count") == manifest.count > 0
    )
    return manifest if sound else None


def _absent(folder: Path, name: str) -> ZcalcError:
    if name == PREVIOUS:
        hint = "It has been written once only, or its last write was cut short."
        return ZcalcError(f"The index {folder} has no generation before this one.", hint)
    unfinished = any(folder.glob("journal-*"))
    how = "The build there is unfinished; go on with" if unfinished else "Make one:"
    return ZcalcError(
        f"There is no index at {folder}.", f"{how} zcalc index build FOLDER -o {folder}"
    )


def _checksum(body: Mapping[str, Any]) -> str:
    return digest(json.dumps(body, sort_keys=True))
