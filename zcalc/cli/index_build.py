"""`zcalc index build`, `add` and `import`."""
# ruff: noqa: PLR0913, PLR0917  (typer makes an option of every parameter)

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from zcalc.cli.options import CaptionShare, Clip, Device, Json, Model, print_json, reporting

if TYPE_CHECKING:
    from zcalc.calculator import Calculator
    from zcalc.index import AtStake, Report

app = typer.Typer()
_COUNTS = ("added", "updated", "moved", "removed", "unchanged")
_SOURCES = (
    "Folders of pictures, tar shards, tables of paths (CSV, JSON lines, Parquet), or - for a list "
    "of files on standard input."
)
_Out = Annotated[Path, typer.Option("-o", "--out", help="The index to build or update.")]
_Column = Annotated[str | None, typer.Option(help="The column of paths in a CSV or Parquet file.")]
_CaptionColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="The column of captions in a CSV or Parquet file, or their field in the JSON "
        "files of a tar shard.",
    ),
]
_Dtype = Annotated[
    Literal["float32", "float16"] | None,
    typer.Option(help="Type of the stored vectors; float16 halves the size."),
]
_Memory = Annotated[str | None, typer.Option(help="Memory limit for searching, such as 4GB.")]
_Engine = Annotated[
    Literal["local", "ray"], typer.Option(help="Encode on this machine or on a Ray cluster.")
]
_Prune = Annotated[
    bool,
    typer.Option(
        "--prune", help="Take out pictures of folders that are gone, empty or unreadable now."
    ),
]
_Exclude = Annotated[
    list[str] | None,
    typer.Option(
        metavar="GLOB",
        help="Leave out what matches, as in .gitignore: '*.gif' or 'drafts/'; repeatable. The "
        "index remembers it; '' forgets.",
    ),
]
_Ocr = Annotated[
    bool | None,
    typer.Option("--ocr/--no-ocr", help="Read the words in pictures into the column text."),
]
_Progress = Annotated[
    Literal["auto", "json"],
    typer.Option(help="Show progress as JSON lines on standard error, for programs."),
]
_Strict = Annotated[
    bool, typer.Option("--strict", help="Exit with 1 if a picture could not be read.")
]


@app.command("build")
def build(
    out: _Out,
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE...]", help=f"{_SOURCES} Without any, those of the index."),
    ] = None,
    model: Model = "mini",
    clip: Clip = None,
    device: Device = "auto",
    column: _Column = None,
    caption_column: _CaptionColumn = None,
    caption_share: CaptionShare = None,
    dtype: _Dtype = None,
    memory: _Memory = None,
    engine: _Engine = "local",
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Drop sources that aren't named, or change the model."),
    ] = False,
    prune: _Prune = False,
    exclude: _Exclude = None,
    ocr: _Ocr = None,
    strict: _Strict = False,
    progress: _Progress = "auto",
    as_json: Json = False,
) -> None:
    """Build an index of these sources and no others, or update it.

    Only new and changed pictures are read. An interrupted build resumes when the same command runs
    again. It stops before it drops a source of the index, or the pictures of one that can't be
    looked at.
    """
    with reporting(as_json):
        from zcalc.calculator import Calculator
        from zcalc.show.progress import use

        settings: dict[str, Any] = {
            "dtype": dtype,
            "memory": _bytes(memory),
            "replace": replace,
            "prune": prune,
        }
        settings |= {"column": column, "caption_column": caption_column, "engine": engine}
        settings |= {"exclude": exclude, "ocr": ocr}
        use(progress)
        calculator = Calculator.create(model, clip=clip, device=device, caption_share=caption_share)
        _run(calculator, sources or [], out, settings, as_json=as_json, strict=strict)


@app.command("add")
def add(
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE...", help=_SOURCES)],
    out: _Out,
    model: Model = "mini",
    clip: Clip = None,
    device: Device = "auto",
    column: _Column = None,
    caption_column: _CaptionColumn = None,
    engine: _Engine = "local",
    prune: _Prune = False,
    exclude: _Exclude = None,
    ocr: _Ocr = None,
    strict: _Strict = False,
    progress: _Progress = "auto",
    as_json: Json = False,
) -> None:
    """Add sources to an index, or update them; its other pictures stay as they are."""
    with reporting(as_json):
        from zcalc.calculator import Calculator
        from zcalc.show.progress import use

        settings: dict[str, Any] = {"keep_others": True, "prune": prune}
        settings |= {"column": column, "caption_column": caption_column, "engine": engine}
        settings |= {"exclude": exclude, "ocr": ocr}
        use(progress)
        calculator = Calculator.create(model, clip=clip, device=device)
        _run(calculator, sources, out, settings, as_json=as_json, strict=strict)


@app.command("watch")
def watch(
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE...", help=_SOURCES)],
    out: _Out,
    model: Model = "mini",
    clip: Clip = None,
    device: Device = "auto",
    column: _Column = None,
    exclude: _Exclude = None,
) -> None:
    """Keep an index current: it is updated a few seconds after pictures change. Ctrl-C ends it."""
    with reporting(False):
        from functools import partial
        from threading import Event

        from zcalc.calculator import Calculator
        from zcalc.errors import ZcalcError
        from zcalc.index import known_sources, source_of
        from zcalc.index.watch import watch as watch_folders
        from zcalc.show.terminal import print_error

        calculator = Calculator.create(model, clip=clip, device=device)
        settings: dict[str, Any] = {"keep_others": True, "column": column, "exclude": exclude}
        how = {"as_json": False, "strict": False, "ask": False}
        run = partial(_run, calculator, sources, out, settings, **how)
        source = source_of(sources, column, known_sources(out))
        is_watching = False

        def update() -> None:
            nonlocal is_watching
            try:
                run()
            except ZcalcError as error:
                if not is_watching:
                    raise
                print_error(error)  # a disk may come back
            if not is_watching:
                typer.echo(f"Watching {', '.join(sources)}.", err=True)
            is_watching = True

        try:
            watch_folders(source, update, Event(), ignore=out.resolve())
        except KeyboardInterrupt:
            raise typer.Exit(130) from None


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A .npy, .parquet or .faiss file, or a folder with img_emb and metadata.",
        ),
    ],
    out: _Out,
    model: Model = "mini",
    clip: Clip = None,
    device: Device = "auto",
    ids: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Ids or paths, one for each vector, or a table."),
    ] = None,
    vectors: Annotated[
        str | None, typer.Option(metavar="NAME", help="The column of vectors in a Parquet file.")
    ] = None,
    column: Annotated[str | None, typer.Option(help="The column of paths.")] = None,
    root: Annotated[
        Path | None, typer.Option(help="Where the paths start; by default the file's folder.")
    ] = None,
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Don't compare with a few pictures encoded again.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make an index of embeddings that another program computed, or add them to one.

    Name the encoder that made them with --model or --clip. A few of the pictures are encoded again
    to see whether it did.
    """
    with reporting(as_json):
        from dataclasses import asdict

        from zcalc.calculator import Calculator
        from zcalc.index.importing import Import, bring_in

        encoder = Calculator.create(model, clip=clip, device=device).models.encoder
        how = Import(ids, vectors, column, root, check=not unchecked)
        index, report = bring_in(file, encoder, out, how)
        if as_json:
            print_json({"index": str(out), **asdict(report), "total": len(index)})
            return
        checked = ""
        if report.agreement is not None:
            checked = f", checked on {report.checked} (median cosine {report.agreement:.4f})"
        print(f"{out}: {report.pictures} imported{checked}, {len(index)} in all")
        for reason, count in report.left_out.items():
            print(f"  {count} left out: the vector is {reason}")


def _run(
    calculator: "Calculator",
    sources: Sequence[str],
    out: Path,
    settings: dict[str, Any],
    *,
    as_json: bool,
    strict: bool,
    ask: bool = True,
) -> None:
    """Build, ask before something is taken out, and print the report."""
    from zcalc.index import AtStake
    from zcalc.progress import notice

    try:
        try:
            report = calculator.index(sources, out, **settings)
        except AtStake as error:
            if as_json or not ask or not _agrees(error):
                raise
            report = calculator.index(sources, out, **settings | {error.option: True})
    except KeyboardInterrupt:
        notice(
            "Interrupted before the index was finished. "
            "Pictures encoded so far are kept; run the same command again to resume."
        )
        raise typer.Exit(130) from None
    _print_report(report, out, as_json)
    if strict and report.skipped:
        raise typer.Exit(1)


def _agrees(error: "AtStake") -> bool:
    """Ask whether to go on, where somebody can answer."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    typer.echo(error.message, err=True)
    return typer.confirm("Go on, and let them go?", err=True)


def _print_report(report: "Report", out: Path, as_json: bool) -> None:
    from dataclasses import asdict

    from zcalc.show import terminal

    data = asdict(report)
    if as_json:
        print_json({"index": str(out), **data})
        return
    counts = ", ".join(f"{data[part]} {part}" for part in _COUNTS)
    captioned = f", {report.captioned} with captions" if report.captioned else ""
    print(f"{out}: {counts}{captioned}")
    terminal.print_skipped(report.skipped)


def _bytes(memory: str | None) -> int | None:
    if memory is None:
        return None
    from zcalc.index.memory import parse_bytes

    return parse_bytes(memory)
