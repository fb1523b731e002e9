"""`python -m tools.mini.vectors`: precompute the embeddings that the package ships.

Embeds the vocabulary, the language model's words (both in float16) and the sample pictures (in
float32), and writes them as safetensors next to the weights. It also binds the prefix decoder to
the encoder's identity. Rerun it when the weights, a list or the pictures change.
"""

import hashlib
import json
import os
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from zcalc import storage
from zcalc.calculator import Calculator
from zcalc.models.prefix import MANIFEST
from zcalc.vector_cache import FOLDER

KINDS = ("texts", "tokens", "pictures")


def main() -> None:
    """Rewrite the three files."""
    for kind in KINDS:
        (FOLDER / f"{kind}.safetensors").unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as cache:
        os.environ["ZCALC_CACHE"] = cache
        calculator = Calculator.create("mini")
        bind_decoder(calculator.models.encoder.identity)
        _ = calculator.models.vocabulary.vectors
        calculator('"a word"').caption("search", max_tokens=1)
        for kind in KINDS[:2]:
            (file,) = Path(cache, kind).glob("*.safetensors")
            vectors, metadata = storage.read_packed(file.read_bytes())
            half = storage.pack(vectors.astype(np.float16), **metadata)
            (FOLDER / f"{kind}.safetensors").write_bytes(half)
    pictures(calculator, FOLDER / "pictures.safetensors")


def bind_decoder(encoder: str) -> None:
    """Name the encoder, as the weights now are, in the prefix decoder's manifest."""
    file = FOLDER / MANIFEST
    about = json.loads(file.read_bytes()) | {"encoder": encoder}
    file.write_text(json.dumps(about, indent=2) + "\n", encoding="utf8")


def pictures(calculator: Calculator, file: Path) -> None:
    """Write the gallery's raw embeddings (n, d) and its files' SHA-256 (n, 32).

    They are what the encoder computes, in float32, for they are operands too.
    """
    files = [picture.path.read_bytes() for picture in calculator.gallery]
    hashes = [np.frombuffer(hashlib.sha256(data).digest(), np.uint8) for data in files]
    encoder = calculator.models.encoder
    rows = encoder.images(picture.open() for picture in calculator.gallery)
    tensors = {"contents": np.stack(hashes), "vectors": rows}
    file.write_bytes(save(tensors, {"model": encoder.identity}))


if __name__ == "__main__":
    main()
