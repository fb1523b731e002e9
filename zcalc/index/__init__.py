"""The image index: pictures as vectors in a folder, searched with faiss."""

from zcalc.index.build import Report, Settings, Skipped, update
from zcalc.index.engines import engine_of
from zcalc.index.errors import CannotWrite
from zcalc.index.opened import IndexedGallery, open_index
from zcalc.index.sources import GallerySource, Source, source_of
from zcalc.index.store import Index
from zcalc.index.table import Entry
from zcalc.index.writer import restore, save

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
