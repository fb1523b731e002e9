"""ZcalcError, the base class of every error that a user can fix, and optional imports."""

from importlib import import_module
from typing import Any


class ZcalcError(Exception):
    """An error that a user can fix.

    `message` says what went wrong, `hint` how to fix it. The command line prints both and exits
    with status 1.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message

    def _render_traceback_(self) -> list[str]:
        """Make IPython show the message without a traceback."""
        return [str(self)]


def require(module: str, extra: str, purpose: str) -> Any:
    """Import an optional dependency; `purpose` completes "… needs MODULE".

    Raises ZcalcError with the pip command if it is not installed.

    >>> require("zcalc.nothing", "geometry", "A UMAP projection")
    Traceback (most recent call last):
    zcalc.errors.ZcalcError: A UMAP projection needs zcalc.nothing, which is not installed.
    Run: pip install 'zcalc[geometry]'
    """
    try:
        return import_module(module)
    except ImportError as error:
        message = f"{purpose} needs {module}, which is not installed."
        raise ZcalcError(message, f"Run: pip install 'zcalc[{extra}]'") from error
