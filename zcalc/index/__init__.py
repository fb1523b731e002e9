"""The index: a gallery's pictures as vectors in a folder, searched with faiss."""

from zcalc.index.build import Report, Skipped, update
from zcalc.index.store import Entry, Index

__all__ = ["Entry", "Index", "Report", "Skipped", "update"]
