"""The index that a person named, whatever serves it."""

from os import PathLike
from pathlib import Path

from zcalc.gallery import Gallery
from zcalc.index.memory import bytes_of
from zcalc.index.milvus import Served, is_address
from zcalc.index.store import Index


def open_named(
    place: str | PathLike[str], memory: str | None = None, model: str | None = None
) -> Index | Served:
    """The index in a folder or at a `milvus:…` address, searched in `memory`, such as "4GB".

    Raises ZcalcError where there is none, or it was made by another model than `model`.
    """
    if is_address(str(place)):
        return Served.open(str(place), model)
    index = Index.open(Path(place), model)
    if memory is not None:
        index.memory = bytes_of(memory)
    return index


def gallery_of(index: Index | Served) -> Gallery:
    """The pictures of an index by their names."""
    roots = [Path(root) for root in index.roots if Path(root).is_dir()]
    return Gallery(roots, index.named)
