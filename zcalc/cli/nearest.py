"""`zcalc nearest`: the pictures nearest to an expression, in the terminal or as a page."""
# ruff: noqa: PLR0913, PLR0917  (typer makes an option of every parameter)

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zcalc.cli import handed, outputs
from zcalc.cli.options import (
    AllowFiles,
    CaptionShare,
    Clip,
    Count,
    Device,
    Images,
    IndexFile,
    Json,
    Keep,
    Memory,
    Model,
    NamesFile,
    OptionalExpression,
    Raw,
    Seed,
    reporting,
)

if TYPE_CHECKING:
    from zcalc.expression import Expression as Value

app = typer.Typer()


@app.command("nearest")
def nearest(
    expr: OptionalExpression = None,
    model: Model = "mini",
    clip: Clip = None,
    images: Images = None,
    index: IndexFile = None,
    allow_files: AllowFiles = False,
    names: NamesFile = None,
    memory: Memory = None,
    caption_share: CaptionShare = None,
    k: Count = None,
    threshold: Annotated[
        float | None, typer.Option(min=-1, max=1, help="Lowest cosine to show.")
    ] = None,
    where: Annotated[
        str | None, typer.Option(help="SQL condition on metadata: 'year > 2010'.")
    ] = None,
    fold: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Fold near-duplicates with at least this cosine, such as 0.94."
        ),
    ] = None,
    offset: Annotated[int, typer.Option(min=0, help="Skip the best ones: the next page.")] = 0,
    diversity: Annotated[
        float,
        typer.Option(min=0, max=1, help="0 for the nearest pictures, up to 1 for the most varied."),
    ] = 0.0,
    center: Annotated[
        bool | None,
        typer.Option("--center/--no-center", help="Subtract the mean picture and text first."),
    ] = None,
    more: Annotated[
        list[str] | None, typer.Option(help="More like this picture; repeatable.")
    ] = None,
    less: Annotated[
        list[str] | None, typer.Option(help="Less like this picture; repeatable.")
    ] = None,
    queries: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Many queries instead of EXPR: one a line, or a table with a column expr.",
        ),
    ] = None,
    copy_to: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Copy the pictures found into this folder.")
    ] = None,
    print0: Annotated[
        bool,
        typer.Option("--print0", help="Print only paths, each with NUL after it, for xargs -0."),
    ] = False,
    html: Annotated[Path | None, typer.Option(help="Write a contact sheet to this file.")] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the contact sheet.")] = False,
    thumbnails: Annotated[
        bool | None, typer.Option(help="Show thumbnails in the terminal.")
    ] = None,
    keep_operands: Keep = False,
    raw: Raw = False,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Show the pictures nearest to an expression."""
    models = {"model": model, "clip": clip, "device": device, "memory": memory}
    gallery: dict[str, Any] = {"images": images, "index": index, "caption_share": caption_share}
    gallery |= {"allow_files": allow_files, "names": names}
    how = {"normalize": not raw, "seed": seed}
    query = {"threshold": threshold, "where": where, "fold": fold, "center": center}
    query = {name: value for name, value in query.items() if value is not None}
    query |= {"diversity": diversity} if diversity else {}
    query |= {"offset": offset} if offset else {}
    if (expr is None) == (queries is None):
        raise typer.BadParameter("Give either EXPR or --queries FILE.")
    with reporting(as_json):
        outputs.check(html)
        results = _results(expr, queries, models | gallery | how)

        from zcalc.answer import View
        from zcalc.cli.run import print_answer
        from zcalc.show.run import answer
        from zcalc.show.sheet import sheet

        view = View(pictures=k or 5, query=query, keep_operands=keep_operands)
        page = ""
        for result in results:
            answered = answer(_with_feedback(result, more or [], less or []), view, as_json)
            hits = answered.images or ()
            if print0:
                sys.stdout.write("".join(f"{hit.path}\0" for hit in hits))
            else:
                print_answer(answered, as_json, thumbnails)
            if copy_to is not None:
                handed.copy(hits, copy_to)
            if (html or show) and answered.images is not None:
                page = sheet(answered)
        if page:
            _write(html, page, show, as_json)


def _results(
    expr: str | None, queries: Path | None, options: dict[str, Any]
) -> "Iterator[Value[Any, Any]]":
    """The results of an expression or, one after another, of those in a file."""
    from zcalc.cli.run import evaluate

    if expr is not None:
        yield from evaluate(expr, options)
        return
    from zcalc.calculator import Calculator
    from zcalc.errors import ZcalcError
    from zcalc.language import plan
    from zcalc.show import terminal
    from zcalc.show.run import evaluate as run

    names = options.pop("names")
    calculator, failed = Calculator.create(**options), 0
    if names:
        calculator.load_names(names)
    for source in handed.queries(queries or Path()):
        try:
            results = run(source, *plan(source, calculator.names), calculator)
        except ZcalcError as error:  # the others are still answered
            terminal.print_error(error)
            failed += 1
            continue
        yield from results
    if failed:
        raise typer.Exit(1)


def _with_feedback(
    result: "Value[Any, Any]", more: list[str], less: list[str]
) -> "Value[Any, Any]":
    """The result with pictures added (`more`) and subtracted (`less`)."""
    from zcalc.errors import ZcalcError
    from zcalc.result import Result

    if not (more or less):
        return result
    if not isinstance(result, Result):
        hint = "Name the pictures in the expression: both(img(a), img(b))."
        raise ZcalcError("--more and --less add to an embedding, and this is none.", hint)
    edited = result.more(*more) if more else result
    edited = edited.less(*less) if less else edited
    edited.verb = result.verb
    return edited


def _write(html: Path | None, page: str, show: bool, as_json: bool) -> None:
    """Write the contact sheet of the last expression, and open it if wanted."""
    import tempfile

    from zcalc.show import terminal

    path = html or Path(tempfile.mkdtemp(prefix="zcalc-")) / "nearest.html"
    outputs.write(path, page.encode())
    if not as_json:
        terminal.out.print(f"Contact sheet: {path}", markup=False)
    if show:
        typer.launch(str(path))
