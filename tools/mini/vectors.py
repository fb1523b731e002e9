"""`python -m tools.mini.vectors`: embed what a first card needs, so that it comes with the package.

The vocabulary, the language model's words and the sample pictures, as float16 safetensors beside
the weights. To be run again when the weights, a list or the pictures have changed.
"""

import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from zcalc import shipped, storage
from zcalc.algebra import unit
from zcalc.calculator import Calculator

KINDS = ("texts", "tokens", "pictures")


def main() -> None:
    """Write the three files anew."""
    for kind in KINDS:
        (shipped.FOLDER / f"{kind}.safetensors").unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ZCALC_CACHE"] = folder
        calculator = Calculator("mini")
        _ = calculator.vocabulary.vectors
        calculator('"a word"').caption("search", max_tokens=1)
        for kind in KINDS[:2]:
            (made,) = Path(folder, kind).glob("*.safetensors")
            vectors, about = storage.read_packed(made.read_bytes())
            half = storage.pack(vectors.astype(np.float16), **about)
            (shipped.FOLDER / made.parent.name).with_suffix(".safetensors").write_bytes(half)
    pictures(calculator, shipped.FOLDER / "pictures.safetensors")


def pictures(calculator: Calculator, file: Path) -> None:
    """Write the gallery's vectors (n, d) and the hashes (n, 32) of its files."""
    files = [picture.path.read_bytes() for picture in calculator.gallery]
    hashes = [np.frombuffer(hashlib.sha256(data).digest(), np.uint8) for data in files]
    rows = unit(calculator.encoder.images(picture.open() for picture in calculator.gallery))
    tensors = {"contents": np.stack(hashes), "vectors": rows.astype(np.float16)}
    file.write_bytes(save(tensors, {"model": calculator.encoder.identity}))


if __name__ == "__main__":
    main()
