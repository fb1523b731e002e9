"""The options that commands share, and how they read and answer."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer


def completions(ctx: typer.Context, incomplete: str) -> list[str]:
    """What the shell offers for an unfinished EXPR."""
    from zcalc.errors import ZcalcError
    from zcalc.gallery import Gallery
    from zcalc.language.completion import complete

    try:
        folders = ctx.params.get("images")
        gallery = Gallery(folders) if folders else Gallery.samples()
    except ZcalcError:
        return []
    found = complete(incomplete, len(incomplete), (), [picture.name for picture in gallery])
    return [incomplete[: found.start] + option for option in found.options]


Expression = Annotated[
    str,
    typer.Argument(
        metavar="EXPR",
        help='An expression or program: \'img(coffee) - "coffee" + "tea"\'; - reads it.',
        autocompletion=completions,
    ),
]
Model = Annotated[str, typer.Option(help="Preset: see `zcalc models`.")]
Clip = Annotated[str | None, typer.Option(help="Own encoder: open_clip:ARCH/TAG or a folder.")]
Lm = Annotated[str | None, typer.Option(help="Own language model: hub id, folder or .gguf file.")]
Images = Annotated[
    list[Path] | None, typer.Option(help="Folder of pictures; may be given more than once.")
]
IndexFile = Annotated[
    str | None,
    typer.Option("--index", help="An index that was built before, or milvus://HOST:PORT/NAME."),
]
Memory = Annotated[str | None, typer.Option(help="What searching the index may take, such as 4GB.")]
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


def read(expr: str) -> str:
    """The expression that an argument gives: itself, or standard input for `-`."""
    if expr == "-":
        return sys.stdin.buffer.read().decode("utf-8", "replace")
    return expr.removeprefix(" ")


def reporting(as_json: bool) -> Any:
    """Turn errors that a person can mend into messages and exit code 1."""
    from zcalc.terminal import reporting as in_terminal

    return in_terminal(as_json)


def print_json(data: dict[str, Any]) -> None:
    """Print one JSON object."""
    from zcalc.terminal import print_json as to_terminal

    to_terminal(data)
