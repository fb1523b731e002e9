"""`zcalc eval`, `caption`, `words`, `nearest` and `parse`: what an expression comes to."""
# ruff: noqa: PLR0913, PLR0917  (typer makes an option of every parameter)

from typing import TYPE_CHECKING, Any

import typer

from zcalc.cli.options import (
    Beams,
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
    print_json,
    read,
    reporting,
)

if TYPE_CHECKING:
    from zcalc.result import Result

app = typer.Typer()


@app.command("caption", help="Decode an expression into a sentence.")
@app.command("eval", help="Evaluate an expression: captions, words and pictures.")
def captioned(
    context: typer.Context,
    expr: Expression,
    model: Model = "mini",
    clip: Clip = None,
    lm: Lm = None,
    images: Images = None,
    index: IndexFile = None,
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
    models = {"model": model, "clip": clip, "lm": lm, "device": device}
    gallery = {"images": images or [], "index": index, "normalize": not raw, "seed": seed}
    asked = {"beams": beams, "prompt": prompt}
    settings: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
    everything = context.info_name == "eval"
    counts = {"words": k or 10, "pictures": k or 5} if everything else {}
    with reporting(as_json):
        result = _evaluate(expr, models | gallery)
        if as_json:
            result.caption(method, **settings)
        else:
            from zcalc import terminal

            terminal.show_equation(result)
            terminal.show_caption(result, method, settings)
        _show(result, counts, keep_operands, as_json)


@app.command("nearest", help="Show the pictures nearest to an expression.")
@app.command("words", help="Show the words nearest to an expression.")
def looked_up(
    context: typer.Context,
    expr: Expression,
    model: Model = "mini",
    clip: Clip = None,
    images: Images = None,
    index: IndexFile = None,
    k: Count = None,
    keep_operands: Keep = False,
    raw: Raw = False,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Run `words` or `nearest`."""
    models = {"model": model, "clip": clip, "device": device}
    gallery = {"images": images or [], "index": index, "normalize": not raw, "seed": seed}
    counts = {"words": k or 10} if context.info_name == "words" else {"pictures": k or 5}
    with reporting(as_json):
        result = _evaluate(expr, models | gallery)
        if not as_json:
            from zcalc import terminal

            terminal.show_equation(result)
        _show(result, counts, keep_operands, as_json)


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


def _evaluate(expr: str, options: dict[str, Any]) -> "Result":
    """Check the expression, load what it needs, and embed it."""
    from zcalc import terminal
    from zcalc.calculator import Calculator
    from zcalc.language import Image, check, operands, parse

    source = read(expr)
    tree = parse(source)
    check(tree, source)
    calculator = Calculator(**options)
    for node in operands(tree):
        if isinstance(node, Image):
            calculator.find(node, source)
    with terminal.waiting(f"Loading {calculator.model} …"):
        _ = calculator.encoder
    return calculator(source)


def _show(result: "Result", counts: dict[str, int], keep_operands: bool, as_json: bool) -> None:
    from zcalc import terminal

    if as_json:
        print_json(result.data(**counts, keep_operands=keep_operands))
        terminal.show_skipped(result.calculator.skipped if counts.get("pictures") else ())
    else:
        terminal.show_tables(result, **counts, keep_operands=keep_operands)
