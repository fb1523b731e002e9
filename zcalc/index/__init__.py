"""The image index: pictures as vectors in a folder, searched with faiss."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zcalc.index.at_stake import AtStake
    from zcalc.index.build import Settings, update
    from zcalc.index.changes import Report, Skipped
    from zcalc.index.engines import engine_of
    from zcalc.index.errors import CannotWrite
    from zcalc.index.opened import IndexedGallery, open_index, open_indexes
    from zcalc.index.sources import GallerySource, Source, known_source, known_sources, source_of
    from zcalc.index.store import Index
    from zcalc.index.table import Entry
    from zcalc.index.writer import restore, save

_HOMES = {
    "AtStake": "at_stake",
    "CannotWrite": "errors",
    "Entry": "table",
    "GallerySource": "sources",
    "Index": "store",
    "IndexedGallery": "opened",
    "Report": "changes",
    "Settings": "build",
    "Skipped": "changes",
    "Source": "sources",
    "engine_of": "engines",
    "known_source": "sources",
    "known_sources": "sources",
    "open_index": "opened",
    "open_indexes": "opened",
    "restore": "writer",
    "save": "writer",
    "source_of": "sources",
    "update": "build",
}
__all__ = [
    "AtStake",
    "CannotWrite",
    "Entry",
    "GallerySource",
    "Index",
    "IndexedGallery",
    "Report",
    "Settings",
    "Skipped",
    "Source",
    "engine_of",
    "known_source",
    "known_sources",
    "open_index",
    "open_indexes",
    "restore",
    "save",
    "source_of",
    "update",
]


def __getattr__(name: str) -> Any:  # a query of words needs neither pyarrow nor the rest
    if name not in _HOMES:
        raise AttributeError(f"module 'zcalc.index' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"zcalc.index.{_HOMES[name]}"), name)
