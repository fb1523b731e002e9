"""`zcalc` and `zcalc shell`: type an expression, see the answer, type the next one."""
# ruff: noqa: PLR0913, PLR0917  (typer makes an option of every parameter)

from typing import Annotated

import typer

from zcalc.cli.options import (
    AllowFiles,
    CaptionShare,
    Clip,
    Device,
    Images,
    IndexFile,
    Keep,
    Lm,
    Memory,
    Model,
    Raw,
    Seed,
    Vocabulary,
    reporting,
)

app = typer.Typer()


@app.command("shell")
def shell(
    model: Model = "mini",
    clip: Clip = None,
    lm: Lm = None,
    vocabulary: Vocabulary = None,
    images: Images = None,
    index: IndexFile = None,
    allow_files: AllowFiles = False,
    memory: Memory = None,
    caption_share: CaptionShare = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many words and pictures to show.")] = 5,
    keep_operands: Keep = False,
    raw: Raw = False,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Type expressions one after another; the models are loaded once."""
    with reporting(False):
        from zcalc.answer import View
        from zcalc.calculator import Calculator
        from zcalc.shell import Prompt, Shell

        calculator = Calculator.create(
            model,
            images=images,
            index=index,
            memory=memory,
            clip=clip,
            lm=lm,
            vocabulary=vocabulary,
            caption_share=caption_share,
            allow_files=allow_files,
            device=device,
            seed=seed,
            normalize=not raw,
        )
        view = View(words=k, pictures=k, keep_operands=keep_operands)
        Shell(calculator, view).run(Prompt(calculator))
