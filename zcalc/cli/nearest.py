"""`zcalc nearest`: the pictures nearest to an expression, in the terminal or as a page."""
# ruff: noqa: PLR0913, PLR0917  (typer makes an option of every parameter)

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zcalc.cli import outputs
from zcalc.cli.options import (
    CaptionShare,
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
    from zcalc.expression import Expression as Value

app = typer.Typer()


@app.command("nearest")
def nearest(
    expr: Expression,
    model: Model = "mini",
    clip: Clip = None,
    images: Images = None,
    index: IndexFile = None,
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
    gallery = {"images": images, "index": index, "caption_share": caption_share}
    how = {"normalize": not raw, "seed": seed}
    query = {"threshold": threshold, "where": where, "fold": fold, "center": center}
    query = {name: value for name, value in query.items() if value is not None}
    query |= {"diversity": diversity} if diversity else {}
    with reporting(as_json):
        from zcalc.cli.run import evaluate, print_answer

        outputs.check(html)
        results = evaluate(expr, models | gallery | how)

        from zcalc.answer import View
        from zcalc.show.run import answer
        from zcalc.show.sheet import sheet

        view = View(pictures=k or 5, query=query, keep_operands=keep_operands)
        page = ""
        for result in results:
            answered = answer(_with_feedback(result, more or [], less or []), view, as_json)
            print_answer(answered, as_json, thumbnails)
            if (html or show) and answered.images is not None:
                page = sheet(answered)
        if page:
            _write(html, page, show, as_json)


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
