"""What can be indexed: folders of pictures, tar shards, and tables of paths with metadata.

Iterating over a source lists its pictures from scratch, and opens none of them.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from zcalc import sidecars
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery, Picture
from zcalc.index.items import Item
from zcalc.index.listing import Listing
from zcalc.index.shards import Shards, shards_in

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet")


class Source(Protocol):
    """Pictures to index, and the folders they are in."""

    @property
    def roots(self) -> tuple[str, ...]:
        """The folders that the index must not lead out of."""
        ...

    def __iter__(self) -> Iterator[Item]:
        """The pictures in a stable order; raises ZcalcError if there are none."""
        ...


class GallerySource:
    """The pictures of a gallery; their captions are in the text files beside them."""

    def __init__(self, gallery: Gallery) -> None:
        self.gallery = gallery
        self.roots = tuple(map(str, gallery.roots))

    def __iter__(self) -> Iterator[Item]:
        return (_item(self.gallery, picture, self.roots) for picture in self.gallery)


class Folders:
    """The pictures in folders and their subfolders, including those in tar shards."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = list(folders)
        self.roots = tuple(map(str, Gallery(self._folders, {}).roots))

    def __iter__(self) -> Iterator[Item]:
        shards = Shards(path for root in self.roots for path in shards_in(Path(root)))
        try:
            gallery = Gallery(self._folders)
        except ZcalcError:
            if not shards.files:
                raise
        else:
            yield from GallerySource(gallery)
        yield from shards


class Chain:
    """Several sources, one after another."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = sources
        self.roots = tuple(dict.fromkeys(root for source in sources for root in source.roots))

    def __iter__(self) -> Iterator[Item]:
        for source in self._sources:
            yield from source


def source_of(places: Sequence[str | os.PathLike[str]], column: str | None = None) -> Source:
    """The source for some paths: folders, tar shards, CSV, TSV and Parquet files.

    `column` is the column of paths in a table. Raises ZcalcError for a path that is missing or
    something else.
    """
    paths = [Path(place) for place in places]
    tables = [path for path in paths if path.suffix.lower() in TABLE_SUFFIXES and path.is_file()]
    shards = [path for path in paths if path.suffix.lower() == ".tar" and path.is_file()]
    folders = [path for path in paths if path not in tables and path not in shards]
    sources: list[Source] = [Folders(folders)] if folders else []
    sources += [Shards(shards)] if shards else []
    sources += [Listing(path, column) for path in tables]
    return sources[0] if len(sources) == 1 else Chain(sources)


def _item(gallery: Gallery, picture: Picture, roots: tuple[str, ...]) -> Item:
    name, path = picture.name, picture.path
    try:
        file = gallery.locate(picture)
        status = file.stat()
    except ZcalcError as error:
        return Item(name, str(path), str(path), skipped=error.message)
    except OSError as error:
        return Item(name, str(path), str(path), skipped=error.strerror or "it can't be read")
    item = Item(name, str(file), str(file), status.st_size, status.st_mtime_ns, roots=roots)
    if isinstance(picture.caption_source, str):
        return replace(item, caption=picture.caption_source)
    return replace(item, sidecar=sidecars.stamp(file))
