"""What can be indexed: folders of pictures, tar shards, and tables of paths with metadata.

Iterating over a source lists its pictures from scratch, and opens none of them.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from zcalc import sidecars
from zcalc.archives import is_archive
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery, Picture
from zcalc.index import manifest as manifests
from zcalc.index.at_stake import sources_of
from zcalc.index.items import Item
from zcalc.index.listing import Listing, listed_item, names_of
from zcalc.index.manifest import SourceInfo
from zcalc.index.scan import Scan
from zcalc.index.shards import Shards, shards_in
from zcalc.index.store import Index
from zcalc.index.table_files import is_table
from zcalc.pictures import why_missing

STDIN = "-"  # a list of files on standard input


class Source(Protocol):
    """Pictures to index, and the folders they are in.

    `infos` are the places that they are listed from, none for pictures that were named one by one.
    """

    @property
    def infos(self) -> tuple[SourceInfo, ...]:
        """The folders, shards and tables to list."""
        ...

    @property
    def roots(self) -> tuple[str, ...]:
        """The folders that the index must not lead out of."""
        ...

    def __iter__(self) -> Iterator[Item]:
        """The pictures in a stable order."""
        ...


class GallerySource:
    """The pictures of a gallery; their captions are in the text files beside them."""

    def __init__(self, gallery: Gallery, scan: Scan | None = None) -> None:
        self.gallery, self.scan = gallery, scan
        self.roots = tuple(map(str, gallery.roots))
        self.infos = tuple(SourceInfo(root, root) for root in self.roots)

    def __iter__(self) -> Iterator[Item]:
        source, scan = _Inside(self.roots), self.scan or Scan(self.roots)
        self.scan = None  # it has aged by the next time
        for picture in self.gallery:
            path = str(picture.path)
            given = isinstance(picture.caption_source, str)
            stamps = None if given else scan.pictures.get(path)
            if stamps is None:  # a link, or something else to look into
                yield _item(self.gallery, picture, self.roots, source(path))
                continue
            yield Item(
                picture.name,
                path,
                path,
                *stamps,
                sidecar=scan.sidecar(path),
                roots=self.roots,
                source=source(path),
            )


class Folders:
    """The pictures in folders and their subfolders, including those in tar shards."""

    scan: Scan | None = None  # of these folders, a moment ago

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = list(folders)
        self.roots = tuple(map(str, Gallery(self._folders, {}).roots))
        self.infos = tuple(SourceInfo(root, root) for root in self.roots)

    def __iter__(self) -> Iterator[Item]:
        shards = Shards(path for root in self.roots for path in shards_in(Path(root)))
        scan, self.scan = self.scan, None  # it has aged by the next time
        gallery = None
        with suppress(ZcalcError):  # there may be shards only, or nothing
            gallery = Gallery(self._folders)
        if gallery is not None:
            yield from GallerySource(gallery, scan)
        source = _Inside(self.roots)
        for item in shards:
            yield replace(item, source=source(item.file))


class Missing:
    """A source that an index was built from and that isn't there now."""

    def __init__(self, info: SourceInfo) -> None:
        self.infos, self.roots = (info,), (info.root,)

    def __iter__(self) -> Iterator[Item]:
        return iter(())


class Files:
    """Pictures named one by one, as on standard input."""

    def __init__(self, files: Iterable[str]) -> None:
        self._paths = [Path(os.path.abspath(file)) for file in files]
        folders = {str(path.parent) for path in self._paths}
        root = str(Path(os.path.commonpath(folders)).resolve()) if folders else os.getcwd()
        self.roots, self.infos = (root,), (SourceInfo(STDIN, root),)

    def __iter__(self) -> Iterator[Item]:
        for name, path in zip(names_of(self._paths), self._paths, strict=True):
            yield listed_item(name, path, {}, self.roots, STDIN)


class Chain:
    """Several sources, one after another."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self.roots = tuple(dict.fromkeys(root for source in sources for root in source.roots))
        infos = [info for source in sources for info in source.infos]
        self.infos = tuple({info.path: info for info in infos}.values())

    def __iter__(self) -> Iterator[Item]:
        for source in self._sources:
            yield from source


def source_of(
    places: Sequence[str | os.PathLike[str]],
    column: str | None = None,
    known: Sequence[SourceInfo] = (),
) -> Source:
    """The source for some paths: folders, tar shards, and tables (see `table_files`).

    `column` is the column of paths in a table. A path that is not there now may be one of the
    `known` sources of an index. Raises ZcalcError for another path that is missing, or isn't any
    of these.
    """
    if STDIN in places and len(places) > 1:
        hint = "Give the folders in a command of their own: zcalc index add FOLDER"
        raise ZcalcError("A list on standard input can't be mixed with other sources.", hint)
    if list(places) == [STDIN]:
        return Files(names_on_stdin())
    if not places:
        hint = "Name folders of pictures, tar shards, or CSV and Parquet files of paths."
        raise ZcalcError("There is nothing to index.", hint)
    columns = {info.path: info.column for info in known}
    paths, missing = [], []
    for path in map(Path, places):
        info = next((i for i in known if i.path == str(absolute(path))), None)
        if info and not path.expanduser().exists():
            missing.append(Missing(info))
        else:
            paths.append(path)
    tables = [path for path in paths if is_table(path) and path.is_file()]
    shards = [path for path in paths if is_archive(path) and path.is_file()]
    folders = [path for path in paths if path not in tables and path not in shards]
    sources: list[Source] = [Folders(folders)] if folders else []
    sources += [Shards(shards)] if shards else []
    sources += [Listing(path, column or columns.get(str(absolute(path)))) for path in tables]
    sources += missing
    return sources[0] if len(sources) == 1 else Chain(sources)


def names_on_stdin() -> list[str]:
    """The file names on standard input, one a line or with NUL after each."""
    data = sys.stdin.buffer.read()
    parts = data.split(b"\0") if b"\0" in data else data.splitlines()
    return [os.fsdecode(part) for part in parts if part.strip()]


def known_sources(folder: Path) -> tuple[SourceInfo, ...]:
    """The sources of the index in a folder; none if there is no index."""
    try:
        return sources_of(manifests.read(folder))
    except ZcalcError:
        return ()


def known_source(folder: Path) -> Source:
    """The source that lists again what an index was built from.

    Files that were named on standard input are looked at again. Raises ZcalcError if there is no
    index.
    """
    index = Index.open(folder)
    infos = [info for info in sources_of(index.manifest) if not info.imported]
    places = [info.path for info in infos if info.path != STDIN]
    sources = [source_of(places, None, infos)] if places else []
    if len(places) < len(infos):
        rows = zip(index.paths, index.sources, strict=True)
        sources.append(Files(path for path, source in rows if source == STDIN))
    return sources[0] if len(sources) == 1 else Chain(sources)


def absolute(path: Path) -> Path:
    """The absolute path of something that need not exist, links followed as far as they go."""
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError):
        return Path(os.path.abspath(path))


class _Inside:
    """Finds the folder, of several, that a path is in."""

    def __init__(self, roots: Sequence[str]) -> None:
        self._prefixes = [(root, root.rstrip(os.sep) + os.sep) for root in roots]
        self._only = self._prefixes[0] if len(roots) == 1 else ("", "\0")

    def __call__(self, path: str) -> str:
        """The folder of a path that begins with it; "" for none."""
        if path.startswith(self._only[1]):
            return self._only[0]
        return next((root for root, prefix in self._prefixes if path.startswith(prefix)), "")


def _item(gallery: Gallery, picture: Picture, roots: tuple[str, ...], source: str) -> Item:
    name, path = picture.name, picture.path
    try:
        file = gallery.locate(picture)
        status = file.stat()
    except ZcalcError as error:
        reason = why_missing(path) or error.message
        return Item(name, str(path), str(path), skipped=reason, source=source)
    except OSError as error:
        reason = error.strerror or "it can't be read"
        return Item(name, str(path), str(path), skipped=reason, source=source)
    known = picture.caption_source
    return Item(
        name,
        str(file),
        str(file),
        status.st_size,
        status.st_mtime_ns,
        caption=known if isinstance(known, str) else "",
        sidecar="" if isinstance(known, str) else sidecars.stamp(file),
        roots=roots,
        source=source,
    )
