"""What an encoder is called before it is loaded: remembered for the files that it is made of.

Loading takes seconds; an index of which nothing has changed needs no more than the name.
"""

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from zcalc.models import presets
from zcalc.storage import cache_folder, digest, write_atomically

if TYPE_CHECKING:
    from zcalc.models.encoder import Encoder


class LateEncoder:
    """An encoder that is loaded when the first picture is to be encoded.

    `identity` and `dim` are known before; `load` gives the encoder.
    """

    def __init__(self, identity: str, dim: int, load: "Callable[[], Encoder]") -> None:
        self.identity, self.dim, self._load = identity, dim, load

    @cached_property
    def _encoder(self) -> "Encoder":
        return self._load()

    @property
    def batch_size(self) -> int:
        """How many pictures are encoded together."""
        return self._encoder.batch_size

    def prepare(self, picture: Image.Image) -> Any:
        """A picture as the model's input."""
        return self._encoder.prepare(picture)

    def encode(self, inputs: Sequence[Any]) -> np.ndarray:
        """Embeddings (n, d) of prepared pictures."""
        return self._encoder.encode(inputs)


def known(clip: str) -> tuple[str, int] | None:
    """The identity and dimension of a model whose files are as they were when it was loaded."""
    try:
        found = json.loads(_place(clip).read_bytes())
        identity, dim = found["identity"], found["dim"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (identity, dim) if isinstance(identity, str) and isinstance(dim, int) else None


def remember(clip: str, identity: str, dim: int) -> None:
    """Keep what a model that has been loaded is called, where the cache can be written."""
    try:
        write_atomically(_place(clip), json.dumps({"identity": identity, "dim": dim}).encode())
    except OSError:
        return


def _place(clip: str) -> Path:
    """Where it is kept: a file named by the model and the size and time of each of its files.

    Raises OSError for a model that is no folder on this machine.
    """
    folder = Path(presets.source(clip, "clip")).expanduser().resolve(strict=True)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    stats = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return cache_folder("identity", f"{digest(json.dumps([clip, stats]))[:32]}.json")
