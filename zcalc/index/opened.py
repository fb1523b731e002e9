"""Opening an index by place, whether it is a folder or served from Milvus."""

from functools import partial
from os import PathLike
from pathlib import Path

from zcalc import sidecars
from zcalc.gallery import Gallery, Picture
from zcalc.index.memory import parse_bytes
from zcalc.index.milvus import Served, is_address
from zcalc.index.store import Index


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


class IndexedGallery(Gallery):
    """The pictures of an opened `index`, by their names in it."""

    def __init__(self, index: Index | Served) -> None:
        roots = [Path(root) for root in index.roots if Path(root).is_dir()]
        super().__init__(roots, index.paths_by_name)
        self.index = index
        self.caption_share = index.caption_share

    def _picture(self, name: str, path: Path) -> Picture:
        """A picture with its caption in the index, which is not looked up yet."""
        return Picture(name, path, caption_source=partial(self._caption, name, path))

    def _caption(self, name: str, path: Path) -> str | None:
        """The caption that went into a picture's vector; that beside it if it is not indexed."""
        row = self.index.row_named(name)
        if row is not None and self.index.entry(row).path == str(path):
            return self.index.caption(row)
        return sidecars.find(path, self.roots)
