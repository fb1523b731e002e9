"""The options that commands share, and how commands read input and report errors."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer


def completions(ctx: typer.Context, incomplete: str) -> list[str]:
    """Shell completions for an unfinished EXPR."""
    from functools import partial

    from zcalc.decode.captions import setting_names
    from zcalc.decode.decoders import DECODERS
    from zcalc.errors import ZcalcError
    from zcalc.gallery import Gallery
    from zcalc.language.completion import complete
    from zcalc.models.presets import PRESETS

    try:
        folders = ctx.params.get("images")
        gallery = Gallery(folders) if folders else Gallery.samples()
    except ZcalcError:
        return []
    pictures = [picture.name for picture in gallery]
    settings = partial(setting_names, PRESETS["mini"])
    completion = complete(incomplete, len(incomplete), (), pictures, DECODERS, settings)
    return [incomplete[: completion.start] + option for option in completion.options]


def setting_completions(ctx: typer.Context, incomplete: str) -> list[str]:
    """Shell completions for NAME=VALUE."""
    from zcalc.decode.captions import setting_names
    from zcalc.models.presets import PRESETS

    preset = PRESETS.get(ctx.params.get("model") or "mini", PRESETS["mini"])
    names = setting_names(preset, ctx.params.get("method") or "")
    return [f"{name}=" for name in names if name.startswith(incomplete)]


def _decoder(name: str | None) -> str | None:
    """Check --method against the table of decoders, or as a decoder's folder."""
    if name is not None:
        from zcalc.decode.captions import decoder_named
        from zcalc.errors import ZcalcError

        try:
            decoder_named(name)
        except ZcalcError as error:
            raise typer.BadParameter(str(error)) from error
    return name


Expression = Annotated[
    str,
    typer.Argument(
        metavar="EXPR",
        help='An expression or program: \'img(coffee) - "coffee" + "tea"\'; '
        "- reads it from standard input.",
        autocompletion=completions,
    ),
]
OptionalExpression = Annotated[str | None, *Expression.__metadata__]
Csv = Annotated[
    Path | None,
    typer.Option(
        "--csv",
        metavar="FILE",
        help="Caption every picture into this table, without EXPR; run it again to go on.",
    ),
]
Sidecars = Annotated[
    bool,
    typer.Option(
        "--sidecars", help="Caption every picture into a .txt file beside it, without EXPR."
    ),
]
Template = Annotated[
    str, typer.Option(help="Text of --csv and --sidecars, with {caption}, {words} and {name}.")
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace the table or text files of an earlier run.")
]
Model = Annotated[str, typer.Option(help="Preset; `zcalc models` lists them.")]
Clip = Annotated[str | None, typer.Option(help="Another encoder: open_clip:ARCH/TAG or a folder.")]
Lm = Annotated[
    str | None, typer.Option(help="Another language model: hub id, folder or .gguf file.")
]
Images = Annotated[list[Path] | None, typer.Option(help="Folder of pictures; repeatable.")]
IndexFile = Annotated[
    list[str] | None,
    typer.Option(
        "--index",
        help="An existing index, or milvus://HOST:PORT/COLLECTION; repeatable, for folders.",
    ),
]
AllowFiles = Annotated[
    bool,
    typer.Option(
        "--allow-files", help="Let img(…) name any picture file, not only those of the gallery."
    ),
]
NamesFile = Annotated[
    Path | None,
    typer.Option(
        "--names",
        metavar="FILE",
        help="A .zvec file of named vectors: its names can be used, and names that EXPR binds are "
        "kept there.",
    ),
]
Memory = Annotated[
    str | None, typer.Option(help="Memory limit for searching the index, such as 4GB.")
]
Vocabulary = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="Words to rank instead of the preset's: a text file with one entry per line, or a "
        "language: en, de, fr, es, it, pt, zh or ja; repeatable.",
    ),
]
CaptionShare = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=4,
        metavar="X",
        help="How much of a picture's caption goes into its point: 0 leaves captions out, at 1 "
        "they count as much as the pictures; defaults to the preset's, or that of the index.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Seed = Annotated[int, typer.Option(help="Random seed of the decoder.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
Count = Annotated[int | None, typer.Option("-k", min=1, help="How many results to show.")]
Keep = Annotated[
    bool, typer.Option("--keep-operands", help="Include the expression's own operands.")
]
Raw = Annotated[bool, typer.Option("--raw", help="Add up raw features without normalising.")]
Method = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        callback=_decoder,
        help="Decoder, such as search, or the folder of a trained one; defaults to the preset's. "
        "`zcalc decoder list` shows them.",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        autocompletion=setting_completions,
        help="A setting of the decoder, such as end_factor=1.06; repeatable. `zcalc decoder list` "
        "shows them all.",
    ),
]
Beams = Annotated[int | None, typer.Option(min=1, help="Beam width.")]
Prompt = Annotated[str | None, typer.Option(help='How captions start, such as "Image of a".')]


def read(expr: str) -> str:
    """The expression: the argument itself, or standard input for `-`, without a byte order mark.

    Raises ZcalcError if standard input is closed, or is not UTF-8.
    """
    if expr != "-":
        return expr.removeprefix(" ")
    from zcalc.errors import ZcalcError

    if sys.stdin is None or sys.stdin.closed:
        raise ZcalcError("Standard input is closed.", "Give the expression itself instead of -.")
    data = sys.stdin.buffer.read()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise ZcalcError(
            f"Line {line}, column {column} of standard input is not UTF-8: "
            f"the byte 0x{data[error.start]:02x}.",
            "Save it as UTF-8, or convert it: iconv -f latin1 -t utf-8",
        ) from error


def reporting(as_json: bool) -> Any:
    """A context in which a ZcalcError is printed and ends the program with exit code 1."""
    from zcalc.show.terminal import reporting as in_terminal

    return in_terminal(as_json)


def print_json(data: dict[str, Any]) -> None:
    """Print one JSON object."""
    from zcalc.show.terminal import print_json as to_terminal

    to_terminal(data)
