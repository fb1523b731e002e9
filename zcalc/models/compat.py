"""Makes torchvision importable beside a torch it was not built for.

torchvision describes its compiled operators while it is imported, and that fails where the compiled
part can't be loaded (a CPU build of torch with the registry's CUDA build of torchvision). zcalc
needs torchvision's picture transforms only, so declaring the two operators is enough.
Import this module before anything that imports torchvision, open_clip and timm above all.
"""

import importlib.util
import sys
from pathlib import Path

import torch

_SCHEMAS = ("nms", "qnms")
_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def declare_torchvision_operators() -> None:
    """Declare `torchvision::nms` and `torchvision::qnms` where torchvision can't bring its own."""
    spec = None if "torchvision" in sys.modules else importlib.util.find_spec("torchvision")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for library in Path(folder).glob("_C*"):
            try:
                torch.ops.load_library(library)
            except (ImportError, OSError):
                continue
        for name in _SCHEMAS:
            if not hasattr(torch.ops.torchvision, name):
                _fragment().define(name + _SIGNATURE)


def _fragment() -> torch.library.Library:
    """A library that stays alive as long as the process: its end would undo its definitions."""
    global _library  # noqa: PLW0603
    _library = _library or torch.library.Library("torchvision", "FRAGMENT")
    return _library


_library: torch.library.Library | None = None
declare_torchvision_operators()
