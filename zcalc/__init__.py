"""Arithmetic on pictures and words. Importing this loads neither torch, faiss nor ipywidgets."""

from typing import TYPE_CHECKING, Any

from zcalc.errors import ZcalcError

if TYPE_CHECKING:
    from zcalc.calculator import Calculator, load
    from zcalc.language import parse

__all__ = ["Calculator", "ZcalcError", "load", "parse"]
_HOMES = {
    "Calculator": "zcalc.calculator",
    "load": "zcalc.calculator",
    "parse": "zcalc.language",
    "load_ipython_extension": "zcalc.notebook.magics",  # what %load_ext zcalc asks for
    "unload_ipython_extension": "zcalc.notebook.magics",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'zcalc' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
