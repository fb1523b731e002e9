"""Building an index, and bringing one up to date: only new and changed pictures are encoded."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from zcalc.algebra import unit
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery, Picture, open_picture
from zcalc.index.store import Entry, Index
from zcalc.progress import track


class PictureEncoder(Protocol):
    """What an index asks of the model."""

    identity: str
    dim: int

    def images(self, pictures: Iterable[Image.Image]) -> np.ndarray:
        """Embeddings (n, d) of pictures, read from the iterable a batch at a time."""
        ...


@dataclass(frozen=True, slots=True)
class Skipped:
    """A picture that could not be read, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What an update changed, in numbers of pictures, and what it had to leave out."""

    added: int
    updated: int
    removed: int
    unchanged: int
    skipped: tuple[Skipped, ...]


def update(
    gallery: Gallery, encoder: PictureEncoder, old: Index | None = None
) -> tuple[Index, Report]:
    """Index a gallery, keeping from `old` what has not changed; nothing is written.

    A file whose size and time are as they were counts as unchanged; otherwise its content decides.
    A picture that can't be read is skipped and reported. Raises ZcalcError where all are.
    """
    old = old if old is not None and old.model == encoder.identity else None
    before = {e.path: e for e in (*old.entries, *old.skipped)} if old else {}
    vectors = (
        {e.sha256: row for e, row in zip(old.entries, old.vectors, strict=True)} if old else {}
    )
    found = [_look(gallery, picture, before) for picture in track(gallery, "Looking at files")]
    reasons = _encode([e for e in found if not e.skipped], encoder, vectors)
    found = [replace(e, skipped=e.skipped or reasons.get(e.sha256, "")) for e in found]
    entries = tuple(e for e in found if not e.skipped)
    skipped = tuple(e for e in found if e.skipped)
    if not entries:
        raise ZcalcError(
            f"None of the {len(skipped)} pictures can be read; {_named(skipped[0])}.",
            "Name a folder that holds JPEG, PNG, WebP, GIF, BMP or TIFF files.",
        )
    rows = np.stack([vectors[e.sha256] for e in entries])  # (n, d)
    roots = tuple(map(str, gallery.roots))
    return Index(encoder.identity, roots, entries, rows, skipped), _report(old, entries, skipped)


def _look(gallery: Gallery, picture: Picture, before: dict[str, Entry]) -> Entry:
    """A picture's entry: the one before where its file has not changed, else with a new hash."""
    try:
        path = gallery.locate(picture)
        about = path.stat()
        size, changed = about.st_size, about.st_mtime_ns
        known = before.get(str(path))
        if known and (known.size, known.mtime_ns) == (size, changed):
            return replace(known, name=picture.name)
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
    except ZcalcError as error:
        return Entry(picture.name, str(picture.path), 0, 0, "", skipped=error.message)
    except OSError as error:
        reason = error.strerror or "it can't be read"
        return Entry(picture.name, str(picture.path), 0, 0, "", skipped=reason)
    return Entry(picture.name, str(path), size, changed, content)


def _encode(
    entries: list[Entry], encoder: PictureEncoder, vectors: dict[str, np.ndarray]
) -> dict[str, str]:
    """Add the vectors that are missing, by content; give the reasons of those that can't be."""
    waiting = {e.sha256: Path(e.path) for e in entries if e.sha256 not in vectors}
    reasons: dict[str, str] = {}
    done: list[str] = []

    def pictures() -> Iterator[Image.Image]:
        for content, path in track(waiting.items(), "Reading pictures", len(waiting)):
            try:
                picture = open_picture(path)
            except ZcalcError as error:
                reasons[content] = error.message.partition(f"{path.name}: ")[2] or error.message
            else:
                done.append(content)
                yield picture

    rows = unit(encoder.images(pictures()))  # (n, d)
    vectors.update(zip(done, rows, strict=True))
    return reasons


def _report(old: Index | None, entries: tuple[Entry, ...], skipped: tuple[Entry, ...]) -> Report:
    before = {e.path: e.sha256 for e in old.entries} if old else {}
    now = {e.path: e.sha256 for e in entries}
    unchanged = sum(before.get(path) == content for path, content in now.items())
    added = len(now.keys() - before.keys())
    return Report(
        added=added,
        updated=len(now) - added - unchanged,
        removed=len(before.keys() - now.keys()),
        unchanged=unchanged,
        skipped=tuple(Skipped(e.path, e.skipped) for e in skipped),
    )


def _named(entry: Entry) -> str:
    return f"{entry.name}: {entry.skipped}"
