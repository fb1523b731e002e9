"""`zcalc caption`: a sentence for an expression, or for every picture of a folder or index."""
# ruff: noqa: PLR0913, PLR0917  (typer makes an option of every parameter)

from pathlib import Path
from typing import Any

import typer

from zcalc.cli.expressions import set_options, show
from zcalc.cli.options import (
    AllowFiles,
    Beams,
    CaptionShare,
    Clip,
    Count,
    Csv,
    Device,
    Images,
    IndexFile,
    Json,
    Lm,
    Method,
    Model,
    NamesFile,
    OptionalExpression,
    Overwrite,
    Prompt,
    Raw,
    Seed,
    Set,
    Sidecars,
    Template,
    Vocabulary,
    reporting,
)

app = typer.Typer()


@app.command("caption")
def caption(
    expr: OptionalExpression = None,
    model: Model = "mini",
    clip: Clip = None,
    lm: Lm = None,
    vocabulary: Vocabulary = None,
    images: Images = None,
    index: IndexFile = None,
    allow_files: AllowFiles = False,
    names: NamesFile = None,
    caption_share: CaptionShare = None,
    method: Method = None,
    beams: Beams = None,
    prompt: Prompt = None,
    set_: Set = None,
    csv: Csv = None,
    sidecars: Sidecars = False,
    template: Template = "{caption}",
    k: Count = None,
    overwrite: Overwrite = False,
    raw: Raw = False,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Decode an expression into a sentence, or caption every picture of a folder or index."""
    every = csv is not None or sidecars
    if every == (expr is not None):
        either = "Give either EXPR, or --csv or --sidecars to caption every picture"
        raise typer.BadParameter(f"{either}{', not both' if every else ''}.")
    if csv is not None and sidecars:
        raise typer.BadParameter("Give either --csv or --sidecars, not both.")
    options = {
        "model": model, "clip": clip, "lm": lm, "vocabulary": vocabulary, "device": device,
        "images": images, "index": index, "caption_share": caption_share,
        "allow_files": allow_files, "names": names, "normalize": not raw, "seed": seed,
    }  # fmt: skip
    given = {"beams": beams, "prompt": prompt}
    settings = {name: value for name, value in given.items() if value is not None}
    with reporting(as_json):
        settings |= set_options(model, clip, method, set_ or [])
    if expr is not None:
        named = {"method": method} if method else {}
        show(expr, options, {"caption": settings | named}, as_json)
        return
    how = {"template": template, "k": 5 if k is None else k, "method": method}
    with reporting(as_json):
        _every(options, how | {"settings": settings}, csv, overwrite, as_json)


def _every(
    options: dict[str, Any], how: dict[str, Any], csv: Path | None, overwrite: bool, as_json: bool
) -> None:
    """Caption every picture into a table, or beside it; a stopped run exits with 130."""
    from dataclasses import asdict

    from zcalc.calculator import Calculator
    from zcalc.cli.options import print_json
    from zcalc.labelling import Labelling, write_sidecars, write_table

    names = options.pop("names")
    calculator = Calculator.create(**options)
    if names:
        calculator.load_names(names)
    labelling = Labelling(calculator=calculator, **how)
    writing = (
        write_table(labelling, csv, overwrite) if csv else write_sidecars(labelling, overwrite)
    )
    written, unreadable = 0, []
    try:
        for labels in writing:
            written += sum(not label.error for label in labels)
            unreadable += [label for label in labels if label.error]
            if as_json:
                for label in labels:
                    print_json(asdict(label))
    except KeyboardInterrupt:
        typer.echo(f"Stopped after {written} pictures. Run it again to go on.", err=True)
        raise typer.Exit(130) from None
    where = str(csv) if csv else "text files beside the pictures"
    said = f"{written} of {len(calculator.gallery)} pictures captioned into {where}."
    typer.echo(said, err=as_json)
    for label in unreadable:
        typer.echo(f"skipped {label.name}: {label.error}", err=True)
