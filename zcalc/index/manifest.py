"""The manifest: a small file that lists the files of one generation of an index.

It is replaced last and atomically, so readers see either the old index or the new one. The previous
manifest and its files are kept.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zcalc.errors import ZcalcError
from zcalc.index.errors import DamagedIndex, OtherVersion
from zcalc.sidecars import MAX_SHARE
from zcalc.storage import digest

CURRENT, PREVIOUS = "manifest.json", "previous.json"
_FORMAT, _VERSION = "zcalc index", 2
# Not in the first indexes of this version.
_ADDED = {
    "caption_share": 0.0,
    "caption_column": "",
    "sources": (),
    "exclude": (),
    "ocr": False,
    "columns": (),
}


@dataclass(frozen=True, slots=True)
class PartInfo:
    """One part of an index: the hashes of its vectors and its table.

    Of `rows` stored vectors, `count` are still in use: those in the table.
    """

    vectors: str
    rows: int
    table: str
    count: int


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """A column that zcalc computed: its name, what it is (`computed.KINDS`), and of what."""

    name: str
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """A source that an index is built from: a folder, a tar shard, or a table.

    `root` is the folder that its pictures are in, `column` that of the paths in a table. What is
    `imported` was embedded elsewhere, and is never listed again.
    """

    path: str
    root: str
    column: str = ""
    imported: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """The contents of an index; `memory` is the search budget in bytes. All vectors are unit.

    `caption_share` of the captions is in the vectors (see `algebra.captioned`); `caption_column` is
    the column that was named as theirs. `sources` are what the pictures were listed from,
    `exclude` the patterns of what is left out of them; with `ocr`, words in pictures are read.
    `columns` are those that zcalc computed.
    """

    model: str
    dim: int
    dtype: str
    roots: tuple[str, ...]
    parts: tuple[PartInfo, ...]
    skipped: str = ""  # hash of the table of skipped pictures
    memory: int | None = None
    generation: int = 1
    caption_share: float = 0.0
    caption_column: str = ""
    sources: tuple[SourceInfo, ...] = ()
    exclude: tuple[str, ...] = ()
    ocr: bool = False
    columns: tuple[ColumnInfo, ...] = ()

    @property
    def count(self) -> int:
        """The number of pictures."""
        return sum(part.count for part in self.parts)

    @property
    def vectors_id(self) -> str:
        """A hash of the vectors and their order."""
        rows = [(part.vectors, part.table if part.count < part.rows else "") for part in self.parts]
        return digest(json.dumps(rows))

    def files(self) -> set[str]:
        """The names of the files it refers to."""
        names = {vectors_file(part.vectors) for part in self.parts}
        names |= {table_file(part.table) for part in self.parts}
        return names | ({table_file(self.skipped)} if self.skipped else set())

    def to_bytes(self) -> bytes:
        """Serialise as JSON, with a checksum."""
        header = {"format": _FORMAT, "version": _VERSION, "normalised": True, "count": self.count}
        body = json.loads(json.dumps(header | asdict(self)))
        return json.dumps({**body, "checksum": _checksum(body)}, indent=1).encode()


def vectors_file(sha256: str) -> str:
    """The file name of a part's vectors."""
    return f"vectors-{sha256[:32]}.safetensors"


def table_file(sha256: str) -> str:
    """The file name of a table."""
    return f"table-{sha256[:32]}.arrow"


def structure_file(manifest: Manifest) -> str:
    """The file name of the search structure."""
    return f"structure-{manifest.vectors_id[:32]}.faiss"


def read(folder: Path, name: str = CURRENT) -> Manifest:
    """Read a manifest of an index.

    Raises ZcalcError if it is missing, damaged, foreign, or of another version of zcalc.
    """
    try:
        body = json.loads((folder / name).read_bytes())
    except FileNotFoundError as error:
        raise _missing(folder, name) from error
    except NotADirectoryError as error:
        hint = "An index is a folder. Build one with zcalc index build."
        raise ZcalcError(f"{folder} is not an index.", hint) from error
    except PermissionError as error:
        hint = "The index itself may be sound: change the permissions of its folder and files."
        raise ZcalcError(f"Permission denied: {folder / name} can't be read.", hint) from error
    except OSError as error:
        raise DamagedIndex(folder, f"can't read its manifest ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise DamagedIndex(folder, "its manifest is not valid JSON") from error
    if not isinstance(body, dict) or body.pop("checksum", "") != _checksum(body):
        raise DamagedIndex(folder, "its manifest does not match its checksum")
    if body.get("format") == "zcalc index 1":
        hint = "Rebuild it with zcalc index build."
        raise OtherVersion(f"The index {folder} was written by an older zcalc.", hint)
    if body.get("format") != _FORMAT or not isinstance(body.get("version"), int):
        raise DamagedIndex(folder, f"its format is not {_FORMAT!r}")
    if body["version"] != _VERSION:
        hint = (
            f"Update zcalc: it reads version {_VERSION}, the index has version {body['version']}."
        )
        newer = OtherVersion(f"The index {folder} was written by a newer zcalc.", hint)
        newer.newer = True
        raise newer
    manifest = _parse(body)
    if manifest is None:
        raise DamagedIndex(folder, "its manifest has missing or invalid fields")
    return manifest


def _parse(body: Mapping[str, Any]) -> Manifest | None:
    """The manifest in a JSON object; None if a field is missing or invalid."""
    try:
        parts = tuple(PartInfo(**part) for part in body["parts"])
        fields = {name: {**_ADDED, **body}[name] for name in Manifest.__slots__}
        sources = tuple(SourceInfo(**source) for source in fields["sources"])
        fields |= {"parts": parts, "roots": tuple(body["roots"]), "sources": sources}
        fields["exclude"] = tuple(fields["exclude"])
        columns = tuple(ColumnInfo(**column) for column in fields["columns"])
        fields["columns"] = columns
        manifest = Manifest(**fields)
    except (KeyError, TypeError):
        return None
    names = [text for source in sources for text in (source.path, source.root, source.column)]
    texts = (
        manifest.model,
        manifest.skipped,
        manifest.caption_column,
        *manifest.roots,
        *names,
        *manifest.exclude,
        *(text for column in columns for text in asdict(column).values()),
    )
    hashes = [*(p.vectors for p in parts), *(p.table for p in parts)]
    numbers = [manifest.dim, manifest.generation, *(n for p in parts for n in (p.rows, p.count))]
    is_valid = (
        all(isinstance(text, str) for text in (*texts, *hashes))
        and all(type(number) is int and number > 0 for number in numbers)
        and all(p.count <= p.rows for p in parts)
        and all(len(h) == 64 and h.isalnum() for h in (*hashes, manifest.skipped or "0" * 64))
        and manifest.dtype in ("float32", "float16")
        and (manifest.memory is None or type(manifest.memory) is int)
        and type(manifest.caption_share) is float
        and type(manifest.ocr) is bool
        and 0 <= manifest.caption_share <= MAX_SHARE
        and isinstance(body["roots"], list)
        and isinstance(body.get("exclude", []), list)
        and body.get("normalised") is True
        and body.get("count") == manifest.count > 0
    )
    return manifest if is_valid else None


def _missing(folder: Path, name: str) -> ZcalcError:
    if name == PREVIOUS:
        hint = "It was written only once, or its last write was interrupted."
        return ZcalcError(f"The index {folder} has no previous generation.", hint)
    is_unfinished = any(folder.glob("journal-*"))
    action = "Its build was interrupted; resume it:" if is_unfinished else "Build one:"
    return ZcalcError(
        f"There is no index at {folder}.", f"{action} zcalc index build FOLDER -o {folder}"
    )


def _checksum(body: Mapping[str, Any]) -> str:
    return digest(json.dumps(body, sort_keys=True))
