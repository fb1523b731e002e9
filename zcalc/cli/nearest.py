"""`zcalc nearest`: the pictures nearest to an expression, in the terminal or as a page."""
# ruff: noqa: PLR0913, PLR0917  (typer makes an option of every parameter)

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zcalc.cli.options import (
    Clip,
    Count,
    Device,
    Expression,
    Images,
    IndexFile,
    Json,
    Keep,
    Memory,
    Model,
    Raw,
    Seed,
    reporting,
)

if TYPE_CHECKING:
    from zcalc.result import Result

app = typer.Typer()
_Share = typer.Option(min=0, max=1)


@app.command("nearest")
def nearest(
    expr: Expression,
    model: Model = "mini",
    clip: Clip = None,
    images: Images = None,
    index: IndexFile = None,
    memory: Memory = None,
    k: Count = None,
    threshold: Annotated[
        float | None, typer.Option(min=-1, max=1, help="The least cosine of a picture.")
    ] = None,
    where: Annotated[
        str | None, typer.Option(help="A condition on metadata, as in SQL: 'year > 2010'.")
    ] = None,
    fold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Fold pictures of this cosine or more: 0.94, say."),
    ] = None,
    diversity: Annotated[
        float, typer.Option(min=0, max=1, help="From 0, the nearest, to 1, the most varied.")
    ] = 0.0,
    center: Annotated[
        bool | None,
        typer.Option("--center/--no-center", help="Compare without the mean picture and text."),
    ] = None,
    more: Annotated[
        list[str] | None, typer.Option(help="More like this picture; may be given again.")
    ] = None,
    less: Annotated[
        list[str] | None, typer.Option(help="Less like this picture; may be given again.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a contact sheet to this file.")] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the contact sheet.")] = False,
    thumbnails: Annotated[
        bool | None, typer.Option(help="Show pictures in the terminal, where it can.")
    ] = None,
    keep_operands: Keep = False,
    raw: Raw = False,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Show the pictures nearest to an expression."""
    models = {"model": model, "clip": clip, "device": device, "memory": memory}
    gallery = {"images": images or [], "index": index, "normalize": not raw, "seed": seed}
    asked = {"threshold": threshold, "where": where, "fold": fold, "center": center}
    asked = {name: value for name, value in asked.items() if value is not None}
    asked |= {"diversity": diversity} if diversity else {}
    with reporting(as_json):
        from zcalc.cli.show import evaluated
        from zcalc.cli.show import show as print_result
        from zcalc.result import Result, View

        view = View(pictures=k or 5, asked=asked, thumbnails=thumbnails)
        pages = []
        for found in evaluated(expr, models | gallery):
            result = _told(found, more or [], less or []) if isinstance(found, Result) else found
            print_result(result, view, keep_operands, as_json)
            if (html or show) and isinstance(result, Result):
                pages.append(_page(result, view, keep_operands))
        if pages:
            _written(html, pages, show, as_json)


def _told(result: "Result", more: list[str], less: list[str]) -> "Result":
    """The expression after what a person said about its pictures."""
    if not more and not less:
        return result
    told = result.more(*more) if more else result
    told = told.less(*less) if less else told
    told.verb = result.verb
    return told


def _page(result: "Result", default: Any, keep_operands: bool) -> str:
    from zcalc.index.sheet import sheet

    view = result.view if result.verb and result.view.pictures else default
    hits = result.nearest(view.pictures, keep_operands=keep_operands, **view.asked)
    facts = [f"{len(hits)} of {len(result.calculator.pictures):,} pictures"]
    facts += [result.calculator.model]
    facts += [f"{name} {value}" for name, value in view.asked.items()]
    return sheet(result.expr, facts, hits)


def _written(html: Path | None, pages: list[str], show: bool, as_json: bool) -> None:
    """Write the page of the last expression, and open it."""
    import tempfile

    from zcalc import terminal
    from zcalc.errors import ZcalcError
    from zcalc.storage import write_atomically

    place = html or Path(tempfile.mkdtemp(prefix="zcalc-")) / "nearest.html"
    try:
        write_atomically(place, pages[-1].encode())
    except OSError as error:
        message = f"Can't write {place}: {error.strerror}."
        raise ZcalcError(message, "Check the place and its rights.") from error
    if not as_json:
        terminal.out.print(f"The contact sheet is in {place}.", markup=False)
    if show:
        typer.launch(str(place))
