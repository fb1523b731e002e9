"""Hooks: what a lower layer calls and an upper layer provides.

A `Result` shows itself and `calc.lab()` opens a widget, yet neither imports the layers that do so.
`zcalc/__init__.py` connects each hook to a function by name; it is imported on the first call.
"""

from importlib import import_module
from typing import Any


class Hook:
    """A function of an upper layer, connected by name as "module:function".

    >>> hook = Hook()
    >>> hook.connect("math:sqrt")
    >>> hook(9.0)
    3.0
    """

    def __init__(self) -> None:
        self._target = ""

    def connect(self, target: str) -> None:
        """Name the function to call, as "module:function"."""
        self._target = target

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, importing its module first."""
        module, _, function = self._target.partition(":")
        return getattr(import_module(module), function)(*args, **kwargs)


mimebundle = Hook()  # object -> what a notebook displays, by MIME type
progress_bar = Hook()  # (label, total, unit, start time) -> progress.Bar
draw = Hook()  # a measure -> matplotlib figure
measure = Hook()  # (Result, kind, settings) -> a measure that can be plotted
geometry = Hook()  # Calculator -> geometry.session.Geometry
lab = Hook()  # (Calculator, expression) -> the image-algebra widget
search = Hook()  # (Calculator, expression) -> the search widget
