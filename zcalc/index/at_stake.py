"""What a build would take out of an index: it stops before it loses what nobody asked it to."""

import os
from collections import Counter
from collections.abc import Container, Iterable, Sequence

from zcalc.errors import ZcalcError
from zcalc.index.items import Item
from zcalc.index.manifest import Manifest, SourceInfo
from zcalc.index.store import Index
from zcalc.pictures import printable


class AtStake(ZcalcError):
    """A build was stopped because it would take pictures out; the index is unchanged.

    `option` is the setting that allows it: "replace" or "prune".
    """

    def __init__(self, message: str, hint: str, option: str) -> None:
        super().__init__(message, hint)
        self.option = option


def sources_of(manifest: Manifest) -> tuple[SourceInfo, ...]:
    """The sources of an index, those of an older zcalc by their folders."""
    return manifest.sources or tuple(SourceInfo(root, root) for root in manifest.roots)


def pictures(count: int) -> str:
    """A number of pictures in words.

    >>> pictures(1), pictures(1204)
    ('1 picture', '1,204 pictures')
    """
    return f"{count:,} picture{'s' * (count != 1)}"


def check_dropped(old: Index, infos: Sequence[SourceInfo], listed: Container[str]) -> None:
    """Raise AtStake if an index has pictures of other sources, and these don't list them."""
    kept = {info.path for info in infos}
    rows = zip(old.paths, old.sources, strict=True)
    counts = Counter(source for path, source in rows if source not in kept and path not in listed)
    dropped = [info.path for info in sources_of(old.manifest) if counts[info.path]]
    if dropped:
        total = sum(counts[path] for path in dropped)
        raise AtStake(
            f"The index {old.folder} has {pictures(total)} from {_named(dropped)}, which this "
            "build would take out; nothing was changed.",
            "Add to the index with zcalc index add, or let them go with --replace.",
            "replace",
        )


def check_model(old: Index, model: str) -> None:
    """Raise AtStake if the embeddings of an index are those of another model."""
    if old.model != model:
        raise AtStake(
            f"The index {old.folder} was built with {old.model}: {pictures(len(old))} would be "
            f"encoded again with {model}; nothing was changed.",
            "Use that model, or another folder for the index, or say so with --replace.",
            "replace",
        )


def check_emptied(old: Index, infos: Sequence[SourceInfo], items: Iterable[Item]) -> None:
    """Raise AtStake if a source that had pictures lists none that could be read."""
    counts = Counter(old.sources)
    found = {item.source for item in items if not item.skipped}
    emptied = [info.path for info in infos if counts[info.path] and info.path not in found]
    for path in emptied[:1]:
        raise AtStake(
            f"{_named([path])} {_why_empty(path)}, and the index {old.folder} has "
            f"{pictures(counts[path])} from there; nothing was changed.",
            "Mount its disk or check its permissions, or let them go with --prune.",
            "prune",
        )


def _why_empty(path: str) -> str:
    """Why nothing was found in a source that had pictures."""
    try:
        os.listdir(path) if os.path.isdir(path) else os.stat(path)
    except FileNotFoundError:
        return "isn't there"
    except OSError as error:
        return f"can't be looked at ({error.strerror})"
    return "has no pictures now"


def _named(paths: Sequence[str]) -> str:
    listed = [printable(path) for path in paths]
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    return ", ".join(listed[:3]) + more
