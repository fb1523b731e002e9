"""`zcalc eval`, `caption`, `words`, `parse` and `fmt`: evaluate, check and format programs."""
# ruff: noqa: PLR0913, PLR0917  (typer makes an option of every parameter)

from typing import Any

import typer

from zcalc.cli.options import (
    Beams,
    CaptionShare,
    Clip,
    Count,
    Device,
    Expression,
    Images,
    IndexFile,
    Json,
    Keep,
    Lm,
    Method,
    Model,
    Prompt,
    Raw,
    Seed,
    Vocabulary,
    print_json,
    read,
    reporting,
)

app = typer.Typer()


@app.command("caption", help="Decode an expression into a sentence.")
@app.command("eval", help="Evaluate an expression: caption, words and pictures.")
def caption(
    context: typer.Context,
    expr: Expression,
    model: Model = "mini",
    clip: Clip = None,
    lm: Lm = None,
    vocabulary: Vocabulary = None,
    images: Images = None,
    index: IndexFile = None,
    caption_share: CaptionShare = None,
    k: Count = None,
    keep_operands: Keep = False,
    method: Method = None,
    beams: Beams = None,
    prompt: Prompt = None,
    raw: Raw = False,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Run `eval` or `caption`."""
    models = {"model": model, "clip": clip, "lm": lm, "vocabulary": vocabulary, "device": device}
    gallery = {"images": images, "index": index, "caption_share": caption_share}
    how = {"normalize": not raw, "seed": seed}
    settings = {"method": method, "beams": beams, "prompt": prompt}
    settings = {name: value for name, value in settings.items() if value is not None}
    counts = {"words": k or 10, "pictures": k or 5} if context.info_name == "eval" else {}
    view = {"caption": settings, "keep_operands": keep_operands, **counts}
    _run(expr, models | gallery | how, view, as_json)


@app.command("words")
def words(
    expr: Expression,
    model: Model = "mini",
    clip: Clip = None,
    vocabulary: Vocabulary = None,
    images: Images = None,
    index: IndexFile = None,
    caption_share: CaptionShare = None,
    k: Count = None,
    keep_operands: Keep = False,
    raw: Raw = False,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Show the words nearest to an expression."""
    models = {"model": model, "clip": clip, "vocabulary": vocabulary, "device": device}
    gallery = {"images": images, "index": index, "caption_share": caption_share}
    how = {"normalize": not raw, "seed": seed}
    view = {"words": k or 10, "keep_operands": keep_operands}
    _run(expr, models | gallery | how, view, as_json)


@app.command("fmt")
def fmt(expr: Expression) -> None:
    """Format a program: one statement per line, in its shortest form, without comments."""
    with reporting(False):
        from zcalc.language import parse, unparse

        print(unparse(parse(read(expr))))


@app.command("parse")
def parse_command(expr: Expression, as_json: Json = False) -> None:
    """Check an expression without loading a model, and print its shortest form."""
    with reporting(as_json):
        from zcalc.language import check, parse, unparse

        source = read(expr)
        tree = parse(source)
        kind = check(tree, source).value
        if as_json:
            print_json({"expr": source, "parsed": unparse(tree), "type": kind, "tree": repr(tree)})
        else:
            print(unparse(tree))


def _run(expr: str, options: dict[str, Any], view: dict[str, Any], as_json: bool) -> None:
    """Evaluate a program and print every answer; `view` is for results without a verb."""
    with reporting(as_json):
        from zcalc.answer import View
        from zcalc.cli.run import answer, evaluate, print_answer

        for result in evaluate(expr, options):
            print_answer(answer(result, View(**view), as_json), as_json)
