"""The index: pictures as vectors in a folder, searched with faiss."""

from zcalc.index.build import Report, Settings, Skipped, update
from zcalc.index.engine import engine_of
from zcalc.index.sources import Named, Source, source_of
from zcalc.index.store import Index
from zcalc.index.table import Entry
from zcalc.index.writer import CannotWrite, restore, save

__all__ = [
    "CannotWrite",
    "Entry",
    "Index",
    "Named",
    "Report",
    "Settings",
    "Skipped",
    "Source",
    "engine_of",
    "restore",
    "save",
    "source_of",
    "update",
]
