"""The weights in a model's folder: safetensors, never a pickle."""

from collections.abc import Sequence
from pathlib import Path

from zcalc.errors import ZcalcError


def find_weights(folder: Path, weights: Sequence[str]) -> Path:
    """The first of `weights` that is in a folder; raises ZcalcError if none is."""
    for name in weights:
        if (folder / name).is_file():
            return folder / name
    pickles = sorted(p.name for p in folder.iterdir() if p.suffix in {".bin", ".pt", ".pth"})
    raise ZcalcError(
        f"{folder} has no {' or '.join(weights)}"
        + (f", only {', '.join(pickles)}, and zcalc loads no pickles." if pickles else "."),
        "Convert the weights (python -m zcalc.models.convert --help)."
        if pickles
        else "Save the weights there as safetensors, or give the folder that has them.",
    )
