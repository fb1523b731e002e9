"""The identity of an encoder without loading it, cached until the files of the model change.

Loading takes seconds, but an index that is up to date needs only the identity.
"""

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from zcalc.models import presets
from zcalc.pictures import PREPARATION
from zcalc.storage import cache_folder, digest, write_atomically


class PointEncoder(Protocol):
    """An encoder, as building an index uses it."""

    @property
    def batch_size(self) -> int:
        """The number of pictures to encode together."""
        ...

    def prepare(self, picture: Image.Image) -> Any:
        """A picture as the model's input."""
        ...

    def encode(self, inputs: Sequence[Any]) -> np.ndarray:
        """Embeddings (n, d) of prepared pictures."""
        ...

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """Embeddings (n, d) of texts."""
        ...


class LazyEncoder:
    """An encoder that `load` loads when the first picture or text is encoded.

    `identity` and `dim` are available before that.
    """

    def __init__(self, identity: str, dim: int, load: Callable[[], PointEncoder]) -> None:
        self.identity, self.dim, self._load = identity, dim, load

    @cached_property
    def _encoder(self) -> PointEncoder:
        return self._load()

    @property
    def batch_size(self) -> int:
        """The number of pictures to encode together."""
        return self._encoder.batch_size

    def prepare(self, picture: Image.Image) -> Any:
        """A picture as the model's input."""
        return self._encoder.prepare(picture)

    def encode(self, inputs: Sequence[Any]) -> np.ndarray:
        """Embeddings (n, d) of prepared pictures."""
        return self._encoder.encode(inputs)

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """Embeddings (n, d) of texts."""
        return self._encoder.texts(texts)


def cached_identity(clip: str) -> tuple[str, int] | None:
    """The identity and dimension of a model whose files are unchanged since it was last loaded."""
    try:
        entry = json.loads(_cache_file(clip).read_bytes())
        identity, dim = entry["identity"], entry["dim"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (identity, dim) if isinstance(identity, str) and isinstance(dim, int) else None


def cache_identity(clip: str, identity: str, dim: int) -> None:
    """Cache the identity and dimension of a loaded model, if the cache is writable."""
    try:
        write_atomically(_cache_file(clip), json.dumps({"identity": identity, "dim": dim}).encode())
    except OSError:
        return


def _cache_file(clip: str) -> Path:
    """The cache file for a model, named after the size and time of each of the model's files.

    Raises OSError if the model is not a local folder.
    """
    folder = Path(presets.source(clip, "clip")).expanduser().resolve(strict=True)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    stats = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return cache_folder("identity", f"{digest(json.dumps([clip, PREPARATION, stats]))[:32]}.json")
