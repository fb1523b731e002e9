"""The command line. Only what a command needs is imported: `zcalc --help` is instant."""
# ruff: noqa: PLR0913, PLR0917  (typer makes an option of every parameter)

import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

app = typer.Typer(
    help="Arithmetic on pictures and words.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
index_app = typer.Typer(help="Build and look at indexes of pictures.", no_args_is_help=True)
bench_app = typer.Typer(help="Measure the models.", no_args_is_help=True)
app.add_typer(index_app, name="index")
app.add_typer(bench_app, name="bench")


def _completions(ctx: typer.Context, incomplete: str) -> list[str]:
    from zcalc.show import completions

    return completions(ctx, incomplete)


Expression = Annotated[
    str,
    typer.Argument(
        metavar="EXPR",
        help='An expression or program: \'img(coffee) - "coffee" + "tea"\'; - reads it.',
        autocompletion=_completions,
    ),
]
Model = Annotated[str, typer.Option(help="Preset: see `zcalc models`.")]
Clip = Annotated[str | None, typer.Option(help="Own encoder: open_clip:ARCH/TAG or a folder.")]
Lm = Annotated[str | None, typer.Option(help="Own language model: hub id, folder or .gguf file.")]
Images = Annotated[
    list[Path] | None, typer.Option(help="Folder of pictures; may be given more than once.")
]
IndexFile = Annotated[Path | None, typer.Option("--index", help="An index that was built before.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Seed = Annotated[int, typer.Option(help="Seed of the decoder.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Count = Annotated[int | None, typer.Option("-k", min=1, help="How many to show.")]
Keep = Annotated[bool, typer.Option("--keep-operands", help="Show the expression's own too.")]
Raw = Annotated[bool, typer.Option("--raw", help="Add up raw features, not normalised ones.")]
Method = Annotated[
    Literal["zerocap", "search", "retrieve"] | None,
    typer.Option(help="Decoder; the preset has its own."),
]
Beams = Annotated[int | None, typer.Option(min=1, help="Captions kept while decoding.")]
Prompt = Annotated[str | None, typer.Option(help='How captions begin, such as "Image of a".')]


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
    asked = {"method": method, "beams": beams, "prompt": prompt}
    settings = {name: value for name, value in asked.items() if value is not None}
    counts = {"words": k or 10, "pictures": k or 5} if context.info_name == "eval" else {}
    _run(expr, models | gallery, {"caption": settings, **counts}, keep_operands, as_json)


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
    _run(expr, models | gallery, counts, keep_operands, as_json)


@app.command("fmt")
def fmt(expr: Expression) -> None:
    """Print a program in its shortest readable form, one statement a line, without comments."""
    with _reporting(False):
        from zcalc.language import parse, unparse
        from zcalc.show import read

        print(unparse(parse(read(expr))))


@app.command("parse")
def parse_command(expr: Expression, as_json: Json = False) -> None:
    """Check an expression without loading a model, and print its shortest form."""
    with _reporting(as_json):
        from zcalc.language import check, parse, unparse
        from zcalc.show import read

        source = read(expr)
        tree = parse(source)
        kind = check(tree, source).value
        if as_json:
            _print_json({"expr": source, "parsed": unparse(tree), "type": kind, "tree": repr(tree)})
        else:
            print(unparse(tree))


@index_app.command("build")
def index_build(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of pictures.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The index to build or update.")],
    model: Model = "mini",
    clip: Clip = None,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Index a folder of pictures, or bring its index up to date: only what is new is read."""
    with _reporting(as_json):
        from dataclasses import asdict

        from zcalc import terminal
        from zcalc.calculator import Calculator

        with terminal.waiting(f"Loading {clip or model} …"):
            calculator = Calculator(model, clip=clip, device=device)
            _ = calculator.encoder
        report = calculator.index(folder, out)
        if as_json:
            _print_json({"index": str(out), **asdict(report)})
            return
        about = asdict(report)
        counts = ", ".join(f"{about[part]} {part}" for part in _REPORTED)
        print(f"{out}: {counts}")
        terminal.show_skipped(report.skipped)


@index_app.command("info")
def index_info(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An index.")], as_json: Json = False
) -> None:
    """Show what an index holds, and check that it is whole."""
    with _reporting(as_json):
        from zcalc.index import Index

        index = Index.open(file)
        about: dict[str, Any] = {
            "index": str(file),
            "model": index.model,
            "pictures": len(index.entries),
            "dimensions": index.vectors.shape[1],
            "folders": list(index.roots),
            "skipped": [{"path": e.path, "reason": e.skipped} for e in index.skipped],
        }
        if as_json:
            _print_json(about)
            return
        for name in ("model", "pictures", "dimensions"):
            print(f"{name:12}{about[name]}")
        print(f"{'folders':12}{', '.join(about['folders']) or 'the sample photographs'}")
        print(f"{'skipped':12}{len(index.skipped)}")


@app.command("models")
def models(as_json: Json = False) -> None:
    """List the presets, and which of them are on this machine."""
    with _reporting(as_json):
        os.environ["HF_HUB_OFFLINE"] = "1"  # before the hub's library is imported: ask nobody
        from zcalc import terminal
        from zcalc.models.available import availability

        with terminal.waiting("Looking for models …"):
            found = availability()
        if as_json:
            _print_json({"models": found})
        else:
            terminal.show_models(found)


@app.command("lab")
def lab(
    folder: Annotated[Path | None, typer.Argument(metavar="[FOLDER]", help="Notebooks.")] = None,
) -> None:
    """Open JupyterLab on the notebooks."""
    import subprocess

    here = Path("notebooks") if Path("notebooks").is_dir() else Path()
    command = [sys.executable, "-m", "jupyterlab", str(folder or here)]
    raise typer.Exit(subprocess.call(command))


@app.command("demo")
def demo(
    html: Annotated[Path | None, typer.Option(help="Write the cards to this file.")] = None,
    model: Model = "mini",
) -> None:
    """Evaluate four expressions over the sample photographs."""
    with _reporting(False):
        from zcalc.demo import run

        run(html, model)


@bench_app.command("mini")
def bench_mini(
    photos: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="Photographs with a labels.tsv.")
    ] = None,
    samples: Annotated[int, typer.Option(min=0, help="Captions to draw from the model.")] = 0,
    as_json: Json = False,
) -> None:
    """Measure the embedded models: recall on labelled photographs, cosine with the teacher."""
    with _reporting(as_json):
        from zcalc.bench.mini import run

        run(photos, samples, as_json)


def main() -> None:
    """Run the command line; an expression may begin with a minus sign."""
    # A leading space tells such an expression from an option; the language ignores it.
    arguments = [f" {a}" if _SIGNED.match(a) else a for a in sys.argv[1:]]
    app(arguments)


_SIGNED = re.compile(r"""-[-+\s]*(\w+\s*\(|["'(.\d])""")
_REPORTED = ("added", "updated", "removed", "unchanged")


def _run(
    expr: str, options: dict[str, Any], view: dict[str, Any], keep_operands: bool, as_json: bool
) -> None:
    """Evaluate a program and show every result; `view` is what is shown without a verb."""
    with _reporting(as_json):
        from zcalc.result import View
        from zcalc.show import evaluated, show

        for result in evaluated(expr, options):
            show(result, View(**view), keep_operands, as_json)


def _reporting(as_json: bool) -> Any:
    from zcalc.terminal import reporting

    return reporting(as_json)


def _print_json(data: dict[str, Any]) -> None:
    from zcalc.terminal import print_json

    print_json(data)


if __name__ == "__main__":
    main()
