"""The encoding engines by name."""

from zcalc.errors import ZcalcError
from zcalc.index.engine import Engine, encode_locally
from zcalc.index.ray_engine import RayEngine


def engine_of(name: str, clip: str = "mini", device: str = "auto") -> Engine:
    """The engine called "local" or "ray"; Ray's workers load the model `clip` on `device`.

    Raises ZcalcError for an unknown name, or if Ray is not installed.
    """
    if name == "local":
        return encode_locally
    if name == "ray":
        return RayEngine.for_model(clip, device)
    raise ZcalcError(f"Unknown engine {name!r}.", "Use local or ray.")
