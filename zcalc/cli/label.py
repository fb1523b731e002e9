"""`zcalc label`: the classes of a picture or of a set of pictures, as a table or CSV."""
# ruff: noqa: PLR0913, PLR0917  (typer makes an option of every parameter)

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zcalc.cli import outputs
from zcalc.cli.options import (
    AllowFiles,
    CaptionShare,
    Clip,
    Device,
    Expression,
    Images,
    IndexFile,
    Json,
    Model,
    reporting,
)

if TYPE_CHECKING:
    from zcalc.analysis.labels import Labels

app = typer.Typer()


@app.command("label")
def label(
    expr: Expression,
    classes: Annotated[
        list[str], typer.Argument(metavar="CLASS...", help="What to choose from: cat dog bird.")
    ],
    model: Model = "mini",
    clip: Clip = None,
    images: Images = None,
    index: IndexFile = None,
    allow_files: AllowFiles = False,
    caption_share: CaptionShare = None,
    csv: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a row per picture, a column per class."),
    ] = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Zero-shot classes with probabilities: of an expression, or of every picture of a set."""
    options: dict[str, Any] = {"model": model, "clip": clip, "device": device}
    options |= {"images": images, "index": index, "caption_share": caption_share}
    options |= {"allow_files": allow_files}
    with reporting(as_json):
        from zcalc.answer import View
        from zcalc.cli.options import read
        from zcalc.cli.run import evaluate, print_answer
        from zcalc.errors import ZcalcError
        from zcalc.language import Type, plan

        steps, _ = plan(read(expr))
        classifiable = (Type.EMBEDDING, Type.SET)
        if len(steps) > 1 or steps[0].verb or steps[0].type not in classifiable:
            hint = "For example: zcalc label 'imgs(\"*.jpg\")' cat dog bird"
            raise ZcalcError("Give one expression or one set of pictures, without a verb.", hint)
        if len(set(classes)) < max(2, len(classes)):
            hint = "For example: zcalc label 'img(cat)' cat dog"
            raise ZcalcError("Give two different classes or more.", hint)
        (result,) = evaluate(expr, options)
        answer = result.answer(View(labels=tuple(classes)))
        if csv is not None:
            write_csv(csv, answer.labels, classes)
        if csv is None or as_json:
            print_answer(answer, as_json)
        else:
            print(f"{csv}: {len(answer.labels):,} rows")


def write_csv(file: Path, rows: "tuple[Labels, ...]", classes: list[str]) -> None:
    """Write a table: picture, its likeliest class, and the probability of each class."""
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["picture", "class", *classes])
    for row in rows:
        values = dict(row.probabilities)
        writer.writerow([row.name, row.best[0], *(f"{values[name]:.6f}" for name in classes)])
    outputs.write(file, text.getvalue().encode("utf-8"))
