"""`zcalc decoder train`: a decoder for any text encoder, from captions alone."""
# ruff: noqa: PLR0913, PLR0917  (typer makes an option of every parameter)

from pathlib import Path
from typing import Annotated

import typer

from zcalc.cli.options import Clip, Device, Model, reporting


def train(
    captions: Annotated[
        Path,
        typer.Argument(
            metavar="CAPTIONS",
            help="One caption per line, a .tsv or .csv table, or COCO's captions JSON.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="The decoder's folder.")
    ],
    column: Annotated[
        str | None, typer.Option(help="The table's column; defaults to caption, or the last one.")
    ] = None,
    model: Model = "mini",
    clip: Clip = None,
    lm: Annotated[
        str | None,
        typer.Option(help="Language model to start from: mini, a hub id or a folder."),
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Training steps.")] = 2000,
    batch: Annotated[int, typer.Option(min=1, help="Captions per step.")] = 64,
    noise: Annotated[
        float, typer.Option(min=0, help="The longest noise on a caption's unit point.")
    ] = 0.8,
    rate: Annotated[float | None, typer.Option(help="Learning rate of the language model.")] = None,
    memory: Annotated[
        int, typer.Option(min=1, help="Points of captions to keep for the projection.")
    ] = 4096,
    length: Annotated[int, typer.Option(min=1, help="Prefix vectors.")] = 4,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    device: Device = "auto",
) -> None:
    """Train a decoder on captions alone, for any text encoder; repeat the command to resume."""
    with reporting(False):
        from zcalc.decode.caption_files import read_captions
        from zcalc.decode.training_run import Recipe, TrainingRun
        from zcalc.models.language_model import LanguageModel
        from zcalc.models.pair import Models

        recipe = Recipe(
            steps=steps,
            batch=batch,
            noise=noise,
            rate=rate,
            memory=memory,
            length=length,
            seed=seed,
        )
        texts = read_captions(captions, column)
        models = Models.named(model, clip=clip, device=device)
        writer = LanguageModel.load(lm or ("mini" if clip else models.lm), device)
        run = TrainingRun(texts, models.encoder, writer, output, recipe)
        try:
            decoder = run()
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        print(
            f"{output}: a decoder for {models.encoder.identity}, held-out perplexity "
            f"{decoder.about['perplexity']}. Use it with --method {output}"
        )
