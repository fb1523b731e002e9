"""JupyterLab on the notebooks: those of a checkout, or copies of those in the wheel."""

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from zcalc.errors import ZcalcError
from zcalc.progress import notice

DEFAULT = Path("zcalc-notebooks")
_PACKAGED = Path(__file__).parent / "notebooks"
_CHECKOUT = Path(__file__).parents[2] / "notebooks"
_QUIET = (  # no news, no look for updates: it works offline
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
)


def open_lab(folder: Path | None, options: Sequence[str]) -> None:
    """Bring the notebooks into a folder, and be JupyterLab there until it is stopped.

    It runs in this process, so that a signal reaches the server itself and its kernels end with
    it. Without a folder it is the notebooks of the checkout, or else ./zcalc-notebooks. `options`
    are passed on. Raises ZcalcError where JupyterLab is missing or the folder can't be written.
    """
    if find_spec("jupyterlab") is None:
        raise ZcalcError("JupyterLab is not installed.", "Install it: pip install jupyterlab")
    folder = folder or (DEFAULT if _PACKAGED.is_dir() else _CHECKOUT)
    copied, kept = copy_notebooks(folder)
    if copied:
        notice(f"Copied {', '.join(copied)} to {folder}.")
    if kept:
        notice(f"Left {', '.join(kept)} in {folder} as you have it; delete it to get a new one.")
    from jupyterlab.labapp import main

    main(_arguments(folder, options))


def copy_notebooks(folder: Path) -> tuple[list[str], list[str]]:
    """Copy the notebooks that a folder lacks; gives the names of the copied and the edited ones."""
    source = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
    copied, kept = [], []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for notebook in sorted(source.glob("*.ipynb")):
            data, there = notebook.read_bytes(), folder / notebook.name
            if not there.exists():
                there.write_bytes(data)
                copied.append(notebook.name)
            elif there.read_bytes() != data:
                kept.append(notebook.name)
    except OSError as error:
        message = f"Can't copy the notebooks to {folder}: {error.strerror}."
        raise ZcalcError(message, "Name a folder that you can write to.") from error
    return copied, kept


def _arguments(folder: Path, options: Sequence[str]) -> list[str]:
    """What JupyterLab is told: its folder, to stay offline, to run as root too, and the options."""
    root = ["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    return [str(folder), *_QUIET, *root, *options]
