"""Arithmetic on pictures and words. Importing this loads neither torch, faiss nor ipywidgets."""

from typing import TYPE_CHECKING, Any

from zcalc import hooks
from zcalc.errors import ZcalcError

if TYPE_CHECKING:
    from zcalc.calculator import Calculator, load
    from zcalc.language import parse

__all__ = ["Calculator", "ZcalcError", "load", "parse"]
_HOMES = {
    "Calculator": "zcalc.calculator",
    "load": "zcalc.calculator",
    "parse": "zcalc.language",
    "load_ipython_extension": "zcalc.notebook.magics",  # called by %load_ext zcalc
    "unload_ipython_extension": "zcalc.notebook.magics",
}

hooks.mimebundle.connect("zcalc.show.display:mimebundle")
hooks.progress_bar.connect("zcalc.show.progress:progress_bar")
hooks.draw.connect("zcalc.geometry.plots:draw")
hooks.measure.connect("zcalc.geometry.session:measure_of")
hooks.geometry.connect("zcalc.geometry.session:Geometry")
hooks.lab.connect("zcalc.notebook.lab:Lab")
hooks.search.connect("zcalc.notebook.search:Search")


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("zcalc")
    if name not in _HOMES:
        raise AttributeError(f"module 'zcalc' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
