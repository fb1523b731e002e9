"""What there is to index: folders of pictures, tar shards, and tables of paths with metadata.

Every source is listed anew each time it is gone through, and opens no picture while it is.
"""

import json
import os
import stat
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from zcalc.errors import ZcalcError
from zcalc.gallery import SUFFIXES, Gallery, Picture, printable

LISTS = (".csv", ".tsv", ".parquet")
_PATHS = ("path", "file", "filename", "file_name", "filepath", "image", "image_path")
_LARGEST = 512 << 20  # bytes of a file that is read
_TEXT = 1 << 20  # bytes of a picture's metadata in a tar that are read


@dataclass(frozen=True, slots=True)
class Item:
    """A picture to index: the name it goes by, where it is, how to tell that it has changed.

    `path` is what the index calls it, `file` what is opened: the same, or the tar that holds it,
    from byte `offset` on. One that can't be read has the reason in `skipped`.
    """

    name: str
    path: str
    file: str
    size: int = 0
    mtime_ns: int = 0
    offset: int = 0
    metadata: Mapping[str, Any] = field(default_factory=dict)
    skipped: str = ""

    def read(self) -> bytes:
        """The bytes of the picture; raises OSError where they can't be read."""
        if self.size > _LARGEST:
            raise OSError(0, f"the file is larger than {_LARGEST >> 20} MB")
        with open(self.file, "rb") as opened:
            opened.seek(self.offset)
            return opened.read(self.size)


class Source(Protocol):
    """Pictures to index, and the folders that they are in."""

    @property
    def roots(self) -> tuple[str, ...]:
        """Folders outside of which the index leads to nothing."""
        ...

    def __iter__(self) -> Iterator[Item]:
        """The pictures, in an order that stays; raises ZcalcError where there are none."""
        ...


class Named:
    """The pictures that a gallery has by name."""

    def __init__(self, gallery: Gallery) -> None:
        self.gallery = gallery
        self.roots = tuple(map(str, gallery.roots))

    def __iter__(self) -> Iterator[Item]:
        return (_item(self.gallery, picture) for picture in self.gallery)


class Folders:
    """The pictures in folders and below, and those in the tar shards there."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = list(folders)
        self.roots = tuple(map(str, Gallery(self._folders, {}).roots))

    def __iter__(self) -> Iterator[Item]:
        shards = Shards(path for root in self.roots for path in _shards_in(Path(root)))
        try:
            gallery = Gallery(self._folders)
        except ZcalcError:
            if not shards.files:
                raise
        else:
            yield from Named(gallery)
        yield from shards


class Shards:
    """The pictures in tar files in the layout of webdataset.

    `x.jpg` with `x.json` beside it has the JSON object's fields as metadata, with `x.txt` a
    caption. A picture is called by its shard's name and its own: `00007/x`.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self.files = [_file(path) for path in files]
        self.roots = tuple(dict.fromkeys(str(path.parent) for path in self.files))

    def __iter__(self) -> Iterator[Item]:
        for file in self.files:
            yield from _members(file)


class Listing:
    """The pictures that a CSV, TSV or Parquet file names in one column; the others are metadata.

    The column is `column`, or the first called path, file, filename, image and so on. Paths are
    relative to the file's folder. Raises ZcalcError where the file or its column can't be read.
    """

    def __init__(self, file: Path, column: str | None = None) -> None:
        self.file, self._column = _file(file), column
        self.roots = (str(self._common_folder()),)

    def __iter__(self) -> Iterator[Item]:
        table = self._table()
        column = self._path_column(table.column_names)
        others = [name for name in table.column_names if name != column]
        places = [self._place(path) for path in _texts(table[column])]
        names = _names(places)
        row = 0
        for batch in table.select(others).to_batches(max_chunksize=4096) if others else [None]:
            count = len(places) if batch is None else len(batch)
            about = [{}] * count if batch is None else batch.to_pylist()
            for fields in about:
                yield _listed(names[row], places[row], fields)
                row += 1

    def _table(self) -> Any:
        import pyarrow as pa
        from pyarrow import csv, parquet

        try:
            if self.file.suffix.lower() == ".parquet":
                return parquet.read_table(self.file)
            mark = "\t" if self.file.suffix.lower() == ".tsv" else ","
            return csv.read_csv(self.file, parse_options=csv.ParseOptions(delimiter=mark))
        except (OSError, pa.ArrowException) as error:
            hint = "It must be a table with a line of column names, in UTF-8, or a Parquet file."
            raise ZcalcError(f"Can't read {self.file}: {printable(str(error))}", hint) from error

    def _path_column(self, names: Sequence[str]) -> str:
        wanted = [self._column] if self._column else _PATHS
        for name in wanted:
            for known in names:
                if known == name or (not self._column and known.lower() == name):
                    return known
        raise ZcalcError(
            f"{self.file} has no column of paths; it has {printable(', '.join(names))}.",
            "Name it with --column.",
        )

    def _place(self, path: str) -> Path | None:
        return Path(os.path.normpath(self.file.parent / path)) if path else None

    def _common_folder(self) -> Path:
        table = self._table()
        paths = _texts(table[self._path_column(table.column_names)])
        folders = {str(place.parent) for path in paths if (place := self._place(path))}
        return Path(os.path.commonpath(folders)).resolve() if folders else self.file.parent


class Several:
    """Several sources, one after another."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self.roots = tuple(dict.fromkeys(root for source in sources for root in source.roots))

    def __iter__(self) -> Iterator[Item]:
        for source in self._sources:
            yield from source


def source_of(places: Sequence[str | os.PathLike[str]], column: str | None = None) -> Source:
    """The source that paths stand for: folders, tar shards, CSV, TSV and Parquet files.

    Raises ZcalcError for a place that is not there or is something else.
    """
    paths = [Path(place) for place in places]
    lists = [path for path in paths if path.suffix.lower() in LISTS and path.is_file()]
    shards = [path for path in paths if path.suffix.lower() == ".tar" and path.is_file()]
    folders = [path for path in paths if path not in lists and path not in shards]
    sources: list[Source] = [Folders(folders)] if folders else []
    sources += [Shards(shards)] if shards else []
    sources += [Listing(path, column) for path in lists]
    return sources[0] if len(sources) == 1 else Several(sources)


def _item(gallery: Gallery, picture: Picture) -> Item:
    name, path = picture.name, picture.path
    try:
        found = gallery.locate(picture)
        about = found.stat()
    except ZcalcError as error:
        return Item(name, str(path), str(path), skipped=error.message)
    except OSError as error:
        return Item(name, str(path), str(path), skipped=error.strerror or "it can't be read")
    return Item(name, str(found), str(found), about.st_size, about.st_mtime_ns)


def _listed(name: str, place: Path | None, metadata: Mapping[str, Any]) -> Item:
    if place is None:
        return Item(name, "", "", metadata=metadata, skipped="its path is empty")
    try:
        found = place.resolve(strict=True)
        about = found.stat()
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it can't be found"
        return Item(name, str(place), str(place), metadata=metadata, skipped=reason)
    if not stat.S_ISREG(about.st_mode):
        reason = "it is no regular file"
        return Item(name, str(place), str(place), metadata=metadata, skipped=reason)
    size, changed = about.st_size, about.st_mtime_ns
    return Item(name, str(found), str(found), size, changed, metadata=metadata)


def _members(shard: Path) -> Iterator[Item]:
    """The pictures of a tar, with what the members beside them say."""
    try:
        changed = shard.stat().st_mtime_ns
        with tarfile.open(shard, "r:") as opened:
            group: list[tarfile.TarInfo] = []
            for member in opened:
                if group and _key(member.name) != _key(group[0].name):
                    yield from _group(shard, changed, opened, group)
                    group = []
                if member.isreg():
                    group.append(member)
            yield from _group(shard, changed, opened, group)
    except (OSError, tarfile.TarError, ValueError) as error:
        reason = f"the tar can't be read: {printable(str(error))}"
        yield Item(shard.stem, str(shard), str(shard), skipped=reason)


def _group(
    shard: Path, changed: int, opened: tarfile.TarFile, group: list[tarfile.TarInfo]
) -> Iterator[Item]:
    """The pictures among members with one key; the others are their metadata."""
    metadata: dict[str, Any] = {}
    pictures = []
    for member in group:
        suffix = Path(member.name).suffix.lower()
        if suffix in SUFFIXES:
            pictures.append(member)
        elif suffix in (".json", ".txt") and member.size <= _TEXT:
            text = opened.extractfile(member)
            metadata |= _fields(suffix, text.read() if text else b"")
    for member in pictures:
        name = printable(f"{shard.stem}/{_key(member.name)}")
        path = f"{shard}!{member.name}"
        yield Item(
            name, path, str(shard), member.size, changed, member.offset_data, metadata
        )  # fmt: skip


def _fields(suffix: str, data: bytes) -> dict[str, Any]:
    text = data.decode("utf-8", "replace")
    if suffix == ".txt":
        return {"caption": text.strip()}
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {str(k): v for k, v in fields.items()} if isinstance(fields, dict) else {}


def _key(member: str) -> str:
    """What the members of one sample have in common: the path up to the first dot of the name."""
    folder, _, name = member.rpartition("/")
    key = name.partition(".")[0]
    return f"{folder}/{key}" if folder else key


def _names(places: Sequence[Path | None]) -> list[str]:
    """Names for paths: the file's without the ending, where only one has it, else the path."""
    stems = [printable(place.stem) if place else "" for place in places]
    often: dict[str, int] = {}
    for stem in stems:
        often[stem] = often.get(stem, 0) + 1
    return [
        stem if often[stem] == 1 or place is None else printable(str(place))
        for stem, place in zip(stems, places, strict=True)
    ]


def _texts(column: Any) -> list[str]:
    return [
        os.fsdecode(v) if isinstance(v, bytes) else str(v or "").strip() for v in column.to_pylist()
    ]


def _shards_in(root: Path) -> Iterator[Path]:
    for folder, below, files in os.walk(root):
        below[:] = sorted(name for name in below if not name.startswith("."))
        yield from (Path(folder, f) for f in sorted(files) if f.lower().endswith(".tar"))


def _file(path: Path) -> Path:
    try:
        return path.expanduser().resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise ZcalcError(f"There is no file {path}.", "Check the path.") from error
