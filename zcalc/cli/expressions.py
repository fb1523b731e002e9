"""`zcalc eval`, `words`, `parse` and `fmt`: evaluate, check and format programs."""
# ruff: noqa: PLR0913, PLR0917  (typer makes an option of every parameter)

from typing import Any

import typer

from zcalc.cli.options import (
    AllowFiles,
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
    NamesFile,
    Prompt,
    Raw,
    Seed,
    Set,
    Vocabulary,
    print_json,
    read,
    reporting,
)

app = typer.Typer()


@app.command("eval")
def evaluate(
    expr: Expression,
    model: Model = "mini",
    clip: Clip = None,
    lm: Lm = None,
    vocabulary: Vocabulary = None,
    images: Images = None,
    index: IndexFile = None,
    allow_files: AllowFiles = False,
    names: NamesFile = None,
    caption_share: CaptionShare = None,
    k: Count = None,
    keep_operands: Keep = False,
    method: Method = None,
    beams: Beams = None,
    prompt: Prompt = None,
    set_: Set = None,
    raw: Raw = False,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Evaluate an expression: caption, words and pictures."""
    models = {"model": model, "clip": clip, "lm": lm, "vocabulary": vocabulary, "device": device}
    gallery: dict[str, Any] = {"images": images, "index": index, "caption_share": caption_share}
    gallery |= {"allow_files": allow_files, "names": names}
    how = {"normalize": not raw, "seed": seed}
    settings = {"method": method, "beams": beams, "prompt": prompt}
    settings = {name: value for name, value in settings.items() if value is not None}
    with reporting(as_json):
        settings |= set_options(model, clip, method, set_ or [])
    counts = {"words": k or 10, "pictures": k or 5}
    view = {"caption": settings, "keep_operands": keep_operands, **counts}
    show(expr, models | gallery | how, view, as_json)


@app.command("words")
def words(
    expr: Expression,
    model: Model = "mini",
    clip: Clip = None,
    vocabulary: Vocabulary = None,
    images: Images = None,
    index: IndexFile = None,
    allow_files: AllowFiles = False,
    names: NamesFile = None,
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
    gallery: dict[str, Any] = {"images": images, "index": index, "caption_share": caption_share}
    gallery |= {"allow_files": allow_files, "names": names}
    how = {"normalize": not raw, "seed": seed}
    view = {"words": k or 10, "keep_operands": keep_operands}
    show(expr, models | gallery | how, view, as_json)


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


def set_options(
    model: str, clip: str | None, method: str | None, texts: list[str]
) -> dict[str, Any]:
    """The decoder's settings that --set gives."""
    if not texts:
        return {}
    from zcalc.decode.captions import parse_settings
    from zcalc.models.pair import Models

    return parse_settings(Models.named(model, clip).preset, method, texts)


def show(expr: str, options: dict[str, Any], view: dict[str, Any], as_json: bool) -> None:
    """Evaluate a program and print every answer; `view` is for results without a verb."""
    with reporting(as_json):
        from zcalc.cli.run import evaluate, print_answer

        results = evaluate(expr, options)

        from zcalc.answer import View
        from zcalc.show.run import answer

        for result in results:
            print_answer(answer(result, View(**view), as_json), as_json)
