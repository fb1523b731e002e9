"""The image index: pictures as vectors in a folder, searched with faiss."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zcalc.index.build import Report, Settings, Skipped, update
    from zcalc.index.engines import engine_of
    from zcalc.index.errors import CannotWrite
    from zcalc.index.opened import IndexedGallery, open_index
    from zcalc.index.sources import GallerySource, Source, source_of
    from zcalc.index.store import Index
    from zcalc.index.table import Entry
    from zcalc.index.writer import restore, save

_HOMES = {
    "CannotWrite": "errors",
    "Entry": "table",
    "GallerySource": "sources",
    "Index": "store",
    "IndexedGallery": "opened",
    "Report": "build",
    "Settings": "build",
    "Skipped": "build",
    "Source": "sources",
    "engine_of": "engines",
    "open_index": "opened",
    "restore": "writer",
    "save": "writer",
    "source_of": "sources",
    "update": "build",
}
__all__ = [
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
    "open_index",
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
