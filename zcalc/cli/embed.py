"""`zcalc embed`: the vectors of expressions or of a file of them, for other programs."""
# ruff: noqa: PLR0913, PLR0917  (typer makes an option of every parameter)

from pathlib import Path
from typing import Annotated, Any

import typer

from zcalc.cli import handed, outputs
from zcalc.cli.options import (
    AllowFiles,
    Clip,
    Device,
    Images,
    IndexFile,
    Json,
    Model,
    Raw,
    print_json,
    reporting,
)

app = typer.Typer()


@app.command("embed")
def embed(
    exprs: Annotated[
        list[str],
        typer.Argument(
            metavar="EXPR...",
            help="Expressions, or one file: an expression a line, or a table with a column expr.",
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="A .npy file for the vectors.")],
    model: Model = "mini",
    clip: Clip = None,
    images: Images = None,
    index: IndexFile = None,
    allow_files: AllowFiles = False,
    raw: Raw = False,
    device: Device = "auto",
    as_json: Json = False,
) -> None:
    """Write the vectors of expressions to a NumPy file, with a manifest in JSON beside it."""
    with reporting(as_json):
        import io
        import json

        import numpy as np

        from zcalc.calculator import Calculator
        from zcalc.errors import ZcalcError
        from zcalc.result import Result

        outputs.check(out)
        if out.suffix.lower() != ".npy":
            raise ZcalcError(f"{out} must end in .npy.", "For example: -o vectors.npy")
        one = Path(exprs[0]) if len(exprs) == 1 else None
        sources = list(handed.queries(one)) if one and one.is_file() else exprs
        calculator = Calculator.create(
            model, clip=clip, images=images, index=index, allow_files=allow_files,
            normalize=not raw, device=device,
        )  # fmt: skip
        rows = []
        for source in sources:
            value: Any = calculator(source)
            if not isinstance(value, Result):
                raise ZcalcError(f"{source} is no embedding.", "Give expressions, one each.")
            rows.append(value.vector)
        array = io.BytesIO()
        np.save(array, np.stack(rows).astype(np.float32))
        manifest = {
            "model": calculator.models.encoder.identity,
            "dimensions": calculator.models.encoder.dim,
            "normalized": True,
            "raw_operands": raw,
            "expressions": sources,
        }
        beside = out.with_suffix(".json")
        outputs.write(out, array.getvalue())
        outputs.write(beside, json.dumps(manifest, ensure_ascii=False, indent=1).encode())
        if as_json:
            print_json({"vectors": str(out), "manifest": str(beside), "count": len(rows)})
        else:
            print(f"{out}: {len(rows)} vectors; {beside} says what they are")
