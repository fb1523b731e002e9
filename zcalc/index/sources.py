"""What there is to index: folders of pictures, tar shards, and tables of paths with metadata.

Every source is listed anew each time it is gone through, and opens no picture while it is.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery, Picture
from zcalc.index.items import Item
from zcalc.index.listing import Listing
from zcalc.index.shards import Shards, shards_in

LISTS = (".csv", ".tsv", ".parquet")


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
        shards = Shards(path for root in self.roots for path in shards_in(Path(root)))
        try:
            gallery = Gallery(self._folders)
        except ZcalcError:
            if not shards.files:
                raise
        else:
            yield from Named(gallery)
        yield from shards


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
