"""Make torchvision importable with a torch build it was not compiled for.

On import, torchvision registers fake implementations of its compiled operators, which fails if its
compiled library can't be loaded (for instance a CPU build of torch with a CUDA build of
torchvision). zcalc needs only torchvision's image transforms, so declaring the two operators is
enough. Import this module before anything that imports torchvision, such as open_clip and timm.
"""

import importlib.util
import sys
from pathlib import Path

import torch

_SCHEMAS = ("nms", "qnms")
_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def declare_torchvision_operators() -> None:
    """Declare `torchvision::nms` and `torchvision::qnms` unless torchvision's own ones load."""
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
    """A library that lives as long as the process: deleting it would undo its definitions."""
    global _library  # noqa: PLW0603
    _library = _library or torch.library.Library("torchvision", "FRAGMENT")
    return _library


_library: torch.library.Library | None = None
declare_torchvision_operators()
