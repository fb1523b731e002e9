"""Building and updating an index; only new and changed pictures are encoded."""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from zcalc.errors import ZcalcError
from zcalc.ignore import Ignored
from zcalc.index import at_stake, layout
from zcalc.index.changes import Changes, Report, Skipped
from zcalc.index.engine import Engine, PictureEncoder, encode_locally
from zcalc.index.footage import expanded
from zcalc.index.items import Item
from zcalc.index.journal import Journal
from zcalc.index.kept import Kept
from zcalc.index.known import of_other_sources, out_of_reach
from zcalc.index.manifest import SourceInfo
from zcalc.index.scan import Scan
from zcalc.index.sources import Folders, GallerySource, Source
from zcalc.index.store import Index
from zcalc.index.table import Entry
from zcalc.index.unchanged import is_unchanged
from zcalc.index.writer import Writer
from zcalc.pictures import printable
from zcalc.progress import notice, track
from zcalc.sidecars import check_share


@dataclass(frozen=True, slots=True)
class Settings:
    """How to encode, store and search; None keeps the setting of an existing index.

    `dtype` is "float32" or "float16", `memory` the search budget in bytes. `caption_share` of the
    captions goes into the points, `new_share` where that is None and there is no index yet.
    `caption_column` is the column or field of metadata that has captions, "" for none.

    `keep_others` keeps the pictures of other sources as they are. `replace` lets a build drop
    sources or change the model, `prune` lets it take out pictures that it can't look at.
    `exclude` are patterns of paths to leave out, as in .gitignore; with `ocr`, words in pictures
    are read. Raises ZcalcError for a share that is not between 0 and 4.
    """

    engine: Engine = encode_locally
    dtype: str | None = None
    memory: int | None = None
    caption_share: float | None = None
    caption_column: str | None = None
    new_share: float = 0.0
    keep_others: bool = False
    replace: bool = False
    prune: bool = False
    exclude: Sequence[str] | None = None
    ocr: bool | None = None

    def __post_init__(self) -> None:
        """Check the share of captions."""
        check_share(self.new_share if self.caption_share is None else self.caption_share)

    def captions(self, old: Index | None) -> tuple[float, str]:
        """The share of captions and their column for the next generation of an index."""
        share, column = self.caption_share, self.caption_column
        if share is None:
            share = old.caption_share if old else self.new_share
        if column is None:
            column = old.manifest.caption_column if old else ""
        return float(share), column

    def see_no_change(self, writer: Writer, source: Source, old: Index) -> bool:
        """Whether nothing is to do, as far as can be seen without listing the pictures."""
        manifest = old.manifest
        return (
            writer.is_current
            and not (self.keep_others or self.caption_column)
            and self.captions(old) == (manifest.caption_share, manifest.caption_column)
            and self.kept_options(old) == (manifest.exclude, manifest.ocr)
            and self.dtype in (None, manifest.dtype)
            and self.memory in (None, manifest.memory)
            and _see(old, source)
        )

    def kept_options(self, old: Index | None) -> tuple[tuple[str, ...], bool]:
        """The patterns of what is left out, and whether text is read, for the next generation."""
        exclude, ocr = self.exclude, self.ocr
        if exclude is None:
            exclude = old.manifest.exclude if old else ()
        if ocr is None:
            ocr = old.manifest.ocr if old else False
        return tuple(filter(None, exclude)), ocr


def update(
    source: Source,
    encoder: PictureEncoder,
    folder: Path | None = None,
    settings: Settings = Settings(),
) -> tuple[Index, Report]:
    """Build the index of a source in a folder, or update it; without a folder, in memory.

    A file whose path, size and time are unchanged is not opened; otherwise its content decides.
    Unreadable pictures are skipped and reported. If interrupted, the next call resumes after the
    last finished batch. Pictures in folders that can't be looked into stay as they are. Raises
    AtStake, before anything is changed, if a source that had pictures has none now, or is left out;
    ZcalcError if no picture can be read, no picture has the column of captions, or the folder
    can't be written.
    """
    with Writer(folder) if folder is not None else nullcontext() as writer:
        old = writer.base if writer else None
        if old and not settings.replace:
            at_stake.check_model(old, encoder.identity)
        old = old if old and old.model == encoder.identity else None
        share, column = settings.captions(old)
        exclude, ocr = settings.kept_options(old)
        if old and writer and settings.see_no_change(writer, source, old):
            writer.sweep()
            return old, _nothing_to_do(old)
        items, infos = _listed(source, old, settings)
        if settings.caption_column:
            _check_column(settings.caption_column, items)
        build = Changes([item.captioned(share, column) for item in items], old)
        journal = Journal(folder, encoder.identity, encoder.dim)
        kept = Kept(folder, encoder.identity, encoder.dim)
        try:
            build.compare(journal)
            build.encode(encoder, journal, kept, settings.engine)
            build.describe(ocr)
            for remark in build.remarks(share):
                notice(remark)
            rows, skipped = build.rows(), build.skipped
            if not rows:
                raise _no_pictures(skipped, infos)
            roots = tuple(dict.fromkeys([*source.roots, *(info.root for info in infos)]))
            draft = layout.Draft(
                encoder.identity, encoder.dim, roots, rows,
                skipped, old, journal, settings.dtype, settings.memory, share, column, infos, kept,
                exclude, ocr, old.manifest.columns if old else (),
            )  # fmt: skip
            build.keep_aside(kept)
            index = draft.write(writer) if writer else draft.in_memory()
        finally:
            journal.close()
            kept.close()
        return index, build.report()


def _see(old: Index, source: Source) -> bool:
    """Whether the folders of a source have what the index has."""
    if not isinstance(source, Folders | GallerySource):
        return False
    source.scan = Scan(source.roots)
    return is_unchanged(old, source.infos, old.manifest.exclude, source.scan)


def _nothing_to_do(index: Index) -> Report:
    """The report of a build that found nothing changed."""
    skipped = tuple(Skipped(entry.path, entry.skipped) for entry in index.skipped)
    captioned = sum(bool(caption.text) for caption in index.captions)
    return Report(0, 0, 0, 0, len(index), 0, captioned, skipped)


def _listed(
    source: Source, old: Index | None, settings: Settings
) -> tuple[list[Item], tuple[SourceInfo, ...]]:
    """The items of the next generation, and its sources; raises AtStake (see `update`)."""
    infos = source.infos
    ignored = Ignored(settings.kept_options(old)[0], source.roots)
    listed = (item for item in track(source, "Listing pictures") if not ignored(item.path))
    items = {item.path: item for item in expanded(listed, old)}
    if old and not (settings.keep_others or settings.replace):
        at_stake.check_dropped(old, infos, items)
    if old and not settings.prune:
        at_stake.check_emptied(old, infos, items.values())
        items |= {item.path: item for item in out_of_reach(old, items, source.roots)}
    if old and settings.keep_others:
        mine = {info.path for info in infos}
        items |= {item.path: item for item in of_other_sources(old, items, mine)}
        infos = tuple({i.path: i for i in (*at_stake.sources_of(old.manifest), *infos)}.values())
    found = {item.source for item in items.values()}
    for info in source.infos:
        if info.path not in found and len(source.infos) > 1:
            notice(f"{printable(info.path)} has no pictures.")
    return list(items.values()), infos


def _check_column(column: str, items: Iterable[Item]) -> None:
    """Raise ZcalcError unless a picture has this field of metadata."""
    fields = dict.fromkeys(name for item in items for name in item.metadata)
    if column not in fields:
        message = f"No picture has a column or field {printable(column)!r}"
        listed = printable(", ".join(islice(fields, 20)))
        message += f"; there are {listed}." if fields else "; there are none."
        hint = "Choose one with --caption-column, or leave it out: text files are found anyway."
        raise ZcalcError(message, hint)


def _no_pictures(skipped: Sequence[Entry], infos: Sequence[SourceInfo]) -> ZcalcError:
    hint = "Choose a folder with JPEG, PNG, WebP, GIF, BMP or TIFF files."
    if not skipped:
        places = " and ".join(printable(info.path) for info in infos) or "the gallery"
        return ZcalcError(f"There are no pictures in {places}.", hint)
    first = f"{skipped[0].name}: {skipped[0].skipped}"
    return ZcalcError(f"None of the {len(skipped)} pictures can be read; {first}.", hint)
