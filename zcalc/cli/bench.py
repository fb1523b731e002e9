"""`zcalc bench`: what models can do, measured."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zcalc.cli.options import Json, Method, Model, print_json, reporting

if TYPE_CHECKING:
    from zcalc.calculator import Calculator
    from zcalc.evaluate import Report

Measured = Annotated[
    str, typer.Option("--model", help="Preset, or an encoder: open_clip:ARCH/TAG or a folder.")
]
Other = Annotated[
    str | None, typer.Option("--compare", help="A second model, named alike, to compare with.")
]
Table = Annotated[Path, typer.Argument(metavar="CSV", help="Columns image and references.")]
Answers = Annotated[bool, typer.Option("--show", help="With --json: every item, too.")]
Folders = Annotated[
    list[Path] | None,
    typer.Option("--images", help="Folder of the pictures that are named, if not the samples."),
]

app = typer.Typer(help="Measure the models.", no_args_is_help=True)


@app.command("mini")
def bench_mini(
    photos: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Photographs with a labels.tsv.")
    ] = None,
    samples: Annotated[int, typer.Option(min=0, help="Captions to draw from the model.")] = 0,
    captions: Annotated[int, typer.Option(min=0, help="Photographs to caption.")] = 0,
    as_json: Json = False,
) -> None:
    """Measure the embedded models: recall on labelled photographs, cosine with the teacher."""
    with reporting(as_json):
        from zcalc.evaluate.mini import run

        run(photos, samples, captions, as_json)


@app.command("arithmetic")
def bench_arithmetic(  # noqa: PLR0913, PLR0917
    photos: Annotated[
        Path | None,
        typer.Argument(metavar="[FOLDER]", help="The photographs that a third of it is about."),
    ] = None,
    split: Annotated[str, typer.Option(help="dev (to tune on), test (to report) or all.")] = "test",
    captions: Annotated[bool, typer.Option(help="Write a caption for each; slow.")] = False,
    show: Annotated[bool, typer.Option(help="List every question with its answers.")] = False,
    model: Model = "mini",
    as_json: Json = False,
) -> None:
    """Ask 293 questions in arithmetic on pictures, with closed lists of answers."""
    with reporting(as_json):
        from zcalc.evaluate.arithmetic import run

        run(photos, split, model, as_json=as_json, captions=captions, show=show)


@app.command("flags")
def bench_flags(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Folders of flags such as us.png.")
    ] = None,
    model: Model = "mini",
    as_json: Json = False,
) -> None:
    """Find countries by their flags, in designs that nothing was trained on."""
    with reporting(as_json):
        from zcalc.evaluate.flags import run

        run(folder, model, as_json)


@app.command("all")
def bench_all(
    model: Measured = "mini",
    other: Other = None,
    method: Method = None,
    items: Answers = False,
    as_json: Json = False,
) -> None:
    """Measure all that the package has sets for: a few minutes."""
    with reporting(as_json):
        from zcalc.evaluate import everything

        first = everything(_calculator(model), method)
        if other is None:
            _show(first, first.data(items) if as_json else None)
            return
        from zcalc.evaluate import compare

        second = {r.title: r for r in everything(_calculator(other), method).reports}
        both = [compare(r, second[r.title]) for r in first.reports if r.title in second]
        if as_json:
            print_json({"comparisons": [compared.data() for compared in both]})
        for compared in both if not as_json else ():
            _show(compared, None)


@app.command("relations")
def bench_relations(  # noqa: PLR0913, PLR0917
    table: Annotated[
        Path | None,
        typer.Argument(metavar="[TSV]", help="Columns section, expression and answers."),
    ] = None,
    images: Folders = None,
    captions: Annotated[bool, typer.Option(help="Write a caption for each; slow.")] = False,
    model: Measured = "mini",
    other: Other = None,
    items: Answers = False,
    as_json: Json = False,
) -> None:
    """Ask questions in arithmetic with closed lists of answers: B@1, R@5 and the CLIP score."""
    from zcalc.evaluate import relations

    _measure(
        lambda c: relations(c, table, captions=captions), (model, other), images, items, as_json
    )


@app.command("analogies")
def bench_analogies(
    table: Annotated[
        Path | None, typer.Argument(metavar="[TSV]", help="Columns section, a, b, c and answers.")
    ] = None,
    model: Measured = "mini",
    other: Other = None,
    items: Answers = False,
    as_json: Json = False,
) -> None:
    """Ask what a - b + c is, in words alone: R@1 and R@5."""
    from zcalc.evaluate import analogies

    _measure(lambda c: analogies(c, table), (model, other), None, items, as_json)


@app.command("retrieval")
def bench_retrieval(  # noqa: PLR0913, PLR0917
    table: Table,
    images: Folders = None,
    model: Measured = "mini",
    other: Other = None,
    items: Answers = False,
    as_json: Json = False,
) -> None:
    """Let pictures find their texts and texts their pictures: R@1, R@5, R@10, median rank."""
    from zcalc.evaluate import retrieval

    _measure(lambda c: retrieval(c, table), (model, other), images, items, as_json)


@app.command("captions")
def bench_captions(  # noqa: PLR0913, PLR0917
    table: Table,
    images: Folders = None,
    method: Method = None,
    model: Measured = "mini",
    other: Other = None,
    items: Answers = False,
    as_json: Json = False,
) -> None:
    """Caption pictures; BLEU-4, CIDEr, CLIPScore, RefCLIPScore and how varied the captions are."""
    from zcalc.evaluate import captions

    _measure(lambda c: captions(c, table, method), (model, other), images, items, as_json)


def _measure(
    evaluate: "Callable[[Calculator], Report]",
    models: tuple[str, str | None],
    images: list[Path] | None,
    items: bool,
    as_json: bool,
) -> None:
    """Print the report on one model, or two models side by side."""
    with reporting(as_json):
        from zcalc.evaluate import compare

        first = evaluate(_calculator(models[0], images))
        if models[1] is None:
            _show(first, first.data(items) if as_json else None)
            return
        second = evaluate(_calculator(models[1], images))
        compared = compare(first, second)
        _show(compared, compared.data() if as_json else None)


def _calculator(name: str, images: list[Path] | None = None) -> "Calculator":
    """A calculator on a preset, or on another encoder with the language model of `mini`."""
    from zcalc.calculator import Calculator
    from zcalc.models.presets import PRESETS

    own = name not in PRESETS and (name.startswith("open_clip:") or Path(name).is_dir())
    return Calculator("mini" if own else name, images or (), clip=name if own else None)


def _show(found: Any, data: dict[str, Any] | None) -> None:
    from zcalc import terminal

    if data is None:
        terminal.out.print(found)
    else:
        print_json(data)
