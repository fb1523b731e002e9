"""Opening an index by place, whether it is a folder or served from Milvus."""

import os
from collections.abc import Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from zcalc import sidecars
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery, Picture
from zcalc.index.memory import parse_bytes
from zcalc.index.merged import merged
from zcalc.index.milvus import Served, is_address
from zcalc.index.store import Index

if TYPE_CHECKING:
    import numpy as np


def open_index(place: str | PathLike[str], memory: str | None = None) -> Index | Served:
    """Open the index in a folder or at a `milvus:…` address.

    `memory`, such as "4GB", overrides the search budget of a folder. Any model's index opens; see
    `require_model`. Raises ZcalcError if there is no index, or it is damaged.
    """
    if is_address(str(place)):
        return Served.open(str(place))
    index = Index.open(Path(place))
    if memory is not None:
        index.memory = parse_bytes(memory)
    return index


def open_indexes(
    places: str | PathLike[str] | Sequence[str | PathLike[str]], memory: str | None = None
) -> Index | Served:
    """Open an index, or several in folders as one (see `merged`)."""
    if isinstance(places, str | PathLike):
        return open_index(places, memory)
    if len(places) == 1:
        return open_index(places[0], memory)
    opened = [open_index(place, memory) for place in places]
    folders = [index for index in opened if isinstance(index, Index)]
    if len(folders) < len(opened):
        raise ZcalcError("Only indexes in folders can be searched together.", "Name one of them.")
    return merged(folders)


class IndexedGallery(Gallery):
    """The pictures of an opened `index`, by their names in it."""

    def __init__(self, index: Index | Served) -> None:
        roots = [Path(root) for root in index.roots if Path(root).is_dir()]
        super().__init__(roots, index.paths_by_name)
        self.index = index
        self.caption_share = index.caption_share

    def locate(self, picture: Picture) -> Path:
        """The file of a picture; of one in the index, where it was if it is away."""
        try:
            return super().locate(picture)
        except ZcalcError:
            row = self.index.row_named(picture.name)
            if row is None or os.path.lexists(picture.path):
                raise
            return picture.path

    def stored(self, name: str, model: str) -> "np.ndarray | None":
        """The unit vector (d,) of a picture in an index in a folder, with its caption's share."""
        if not isinstance(self.index, Index) or self.index.model != model:
            return None
        row = self.index.row_named(name)
        return self.index.vectors.take([row])[0] if row is not None else None

    def _picture(self, name: str, path: Path) -> Picture:
        """A picture with its caption in the index, which is not looked up yet."""
        return Picture(name, path, caption_source=partial(self._caption, name, path))

    def _caption(self, name: str, path: Path) -> str | None:
        """The caption that went into a picture's vector; that beside it if it is not indexed."""
        row = self.index.row_named(name)
        if row is not None and self.index.entry(row).path == str(path):
            return self.index.caption(row)
        return sidecars.find(path, self.roots)
