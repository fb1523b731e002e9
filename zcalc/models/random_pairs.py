"""What random pairs of pictures and words have for a cosine: measured once per encoder, and kept.

An answer whose best cosine is lower is far from everything. `zcalc bench random-pairs` measures it.
"""

import json
from contextlib import suppress
from pathlib import Path

from zcalc.storage import cache_folder, digest, write_atomically


def measured(identity: str) -> float | None:
    """The mean cosine that was measured for an encoder, or None."""
    try:
        return float(json.loads(_file(identity).read_text(encoding="utf-8"))["mean"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep(identity: str, mean: float) -> None:
    """Keep the mean cosine of an encoder for later answers."""
    text = json.dumps({"model": identity, "mean": round(mean, 4)})
    with suppress(OSError):  # measured again when it is needed
        write_atomically(_file(identity), text.encode())


def _file(identity: str) -> Path:
    return cache_folder("random_pairs", f"{digest(identity)[:16]}.json")
