"""A caption for every picture of a gallery, in a CSV table or in text files beside the pictures.

Rows are written as they are done, so that a run that was stopped, or killed, goes on where it was.
"""

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from string import Formatter
from typing import Any

from zcalc.calculator import Calculator
from zcalc.decode.captions import settings_for
from zcalc.errors import ZcalcError
from zcalc.gallery import Picture
from zcalc.progress import track
from zcalc.sidecars import SUFFIX
from zcalc.storage import digest, write_atomically

BATCH = 16  # pictures that are captioned together, and written at once
FIELDS = ("caption", "words", "name")
PROMPT = "Image of "  # which labels are wanted without


@dataclass(frozen=True, slots=True)
class Label:
    """A row of the table.

    `caption` is the text that the template made; `clip` and `logprob` are the sentence's scores,
    `words` the nearest words. A picture that could not be read has an `error` instead. `modified`
    (ns) and `made_with` tell whether a later run can keep the row.
    """

    path: str
    name: str
    caption: str = ""
    clip: str = ""
    logprob: str = ""
    words: str = ""
    error: str = ""
    modified: str = ""
    made_with: str = ""


COLUMNS = tuple(field.name for field in fields(Label))


@dataclass(frozen=True, kw_only=True)
class Labelling:
    """What to write about pictures: `k` nearest words, and a caption by `method` and `settings`.

    `template` is a text with the fields {caption}, {words} and {name}. Raises ZcalcError for
    another field, and for invalid settings.
    """

    calculator: Calculator
    template: str = "{caption}"
    k: int = 5
    method: str | None = None
    settings: Mapping[str, Any]

    def __post_init__(self) -> None:
        try:
            used = {name for _, name, _, _ in Formatter().parse(self.template) if name is not None}
        except ValueError as error:
            used = {str(error)}
        if not used <= set(FIELDS):
            unknown = ", ".join(sorted(used - set(FIELDS)))
            raise ZcalcError(
                f"The template {self.template!r} has an unknown field: {unknown}.",
                "Its fields are {caption}, {words} and {name}.",
            )
        settings_for(self.calculator.models.preset, self._method, self.settings)

    @property
    def _method(self) -> str:
        return self.method or self.calculator.models.preset.method

    @property
    def made_with(self) -> str:
        """Eight hex digits of all that determines the labels: models, settings and template."""
        models, settings = self.calculator.models, sorted(self.settings.items())
        parts = (models.encoder.identity, self._method, settings, self.template, self.k)
        return digest(repr((*parts, self.calculator.share, models.lm)))[:8]

    def __call__(self, pictures: Sequence[Picture]) -> Iterator[list[Label]]:
        """Labels in batches; raises KeyboardInterrupt between two batches, without half of one."""
        batches = [pictures[i : i + BATCH] for i in range(0, len(pictures), BATCH)]
        for batch in batches:
            readable, labels = [], []
            for picture in batch:
                try:
                    result = self.calculator.img(picture.name)
                    _ = result.vector
                    readable.append((picture, result))
                except ZcalcError as error:
                    labels.append(self._label(picture, error=error.message))
            results = [result for _, result in readable]
            captions = (
                self.calculator.captions(results, self.method, **self.settings) if results else []
            )
            if len(captions) < len(results) or not all(c.finished for c in captions):
                raise KeyboardInterrupt
            for (picture, result), caption in zip(readable, captions, strict=True):
                words = ", ".join(word.text for word in result.words(self.k)) if self.k else ""
                text = caption.text.removeprefix(PROMPT)
                text = self.template.format(
                    caption=text[:1].upper() + text[1:], words=words, name=picture.name
                )
                logprob = "" if caption.logprob is None else f"{caption.logprob:.3f}"
                labels.append(
                    self._label(
                        picture,
                        caption=text,
                        clip=f"{caption.clip:.4f}",
                        logprob=logprob,
                        words=words,
                    )
                )
            yield labels

    def _label(self, picture: Picture, **columns: str) -> Label:
        return Label(
            str(picture.path),
            picture.name,
            **columns,
            modified=modified(picture.path),
            made_with=self.made_with,
        )


def write_table(labelling: Labelling, file: Path, overwrite: bool = False) -> Iterator[list[Label]]:
    """Label all pictures of the gallery into a CSV file, with progress; yields what is written.

    Rows of an earlier run stay, unless their picture has changed or could not be read. Raises
    ZcalcError if those were made with other models or settings, or the file is no such table.
    """
    kept = [] if overwrite else _kept(file, labelling.made_with)
    done = {label.path for label in kept}
    pictures = [p for p in labelling.calculator.gallery if str(p.path) not in done]
    write_atomically(file, _rows([dict(zip(COLUMNS, COLUMNS, strict=True)), *map(asdict, kept)]))
    with file.open("ab") as table:
        for labels in _tracked(labelling, pictures):
            table.write(_rows([asdict(label) for label in labels]))
            table.flush()
            os.fsync(table.fileno())
            yield labels


def write_sidecars(labelling: Labelling, overwrite: bool = False) -> Iterator[list[Label]]:
    """Write each caption into a text file beside its picture, which zcalc then reads as its own.

    A picture that has such a file already is left alone, unless `overwrite`.
    """
    pictures = [
        p
        for p in labelling.calculator.gallery
        if overwrite or not p.path.with_suffix(SUFFIX).exists()
    ]
    for labels in _tracked(labelling, pictures):
        for label in labels:
            if not label.error:
                text = f"{label.caption}\n".encode("utf-8", "replace")
                write_atomically(Path(label.path).with_suffix(SUFFIX), text)
        yield labels


def modified(path: Path) -> str:
    """A file's time of change, in nanoseconds, or "" if it can't be looked at."""
    try:
        return str(path.stat().st_mtime_ns)
    except OSError:
        return ""


def _tracked(labelling: Labelling, pictures: Sequence[Picture]) -> Iterator[list[Label]]:
    total = -(-len(pictures) // BATCH)
    return track(labelling(pictures), "Captioning", total, saying=lambda labels: labels[-1].caption)


def _kept(file: Path, made_with: str) -> list[Label]:
    """The rows of an earlier run that need not be made again."""
    if not file.exists():
        return []
    text = file.read_bytes().decode("utf-8", "surrogateescape")
    whole = text[: text.rfind("\n") + 1]  # a kill may leave half a row
    rows = list(csv.reader(io.StringIO(whole, newline="")))
    if rows and tuple(rows[0]) != COLUMNS:
        raise ZcalcError(
            f"{file} is not a table of captions by zcalc.",
            "Choose another file, or replace it with --overwrite.",
        )
    labels = [Label(*row) for row in rows[1:] if len(row) == len(COLUMNS)]
    if any(label.made_with != made_with for label in labels):
        raise ZcalcError(
            f"The captions in {file} were made with other models or settings.",
            "Choose another file, or replace it with --overwrite.",
        )
    return [
        label
        for label in labels
        if not label.error and label.modified == modified(Path(label.path)) != ""
    ]


def _rows(rows: Sequence[Mapping[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.DictWriter(text, COLUMNS, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogateescape")
