"""JupyterLab on the notebooks of a checkout, or on copies of those in the wheel."""

import os
from collections.abc import Sequence
from pathlib import Path

from zcalc.errors import ZcalcError
from zcalc.progress import notice

DEFAULT = Path("zcalc-notebooks")
_PACKAGED = Path(__file__).parent / "notebooks"
_CHECKOUT = Path(__file__).parents[2] / "notebooks"
_OFFLINE = (  # fetch no news, look for no updates
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate",
)


def open_lab(folder: Path | None, options: Sequence[str]) -> None:
    """Copy the notebooks into a folder and run JupyterLab there until it is stopped.

    The server runs in this process, so that signals reach it and its kernels end with it. The
    default folder is the checkout's notebooks or, in an installed zcalc, ./zcalc-notebooks.
    `options` are JupyterLab's. Raises ZcalcError if the folder can't be written.
    """
    folder = folder or (DEFAULT if _PACKAGED.is_dir() else _CHECKOUT)
    copied, edited = copy_notebooks(folder)
    if copied:
        notice(f"Copied {', '.join(copied)} to {folder}.")
    if edited:
        notice(f"Kept your version of {', '.join(edited)} in {folder}. Delete it for a new copy.")
    from jupyterlab.labapp import main

    main(_arguments(folder, options))


def copy_notebooks(folder: Path) -> tuple[list[str], list[str]]:
    """Copy missing notebooks to a folder; returns the names of the copied and the edited ones."""
    source = _PACKAGED if _PACKAGED.is_dir() else _CHECKOUT
    copied, edited = [], []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for notebook in sorted(source.glob("*.ipynb")):
            data, target = notebook.read_bytes(), folder / notebook.name
            if not target.exists():
                target.write_bytes(data)
                copied.append(notebook.name)
            elif target.read_bytes() != data:
                edited.append(notebook.name)
    except OSError as error:
        message = f"Can't copy the notebooks to {folder}: {error.strerror}."
        raise ZcalcError(message, "Choose a folder that you can write to.") from error
    return copied, edited


def _arguments(folder: Path, options: Sequence[str]) -> list[str]:
    """JupyterLab's arguments; as root it needs --allow-root."""
    root = ["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    return [str(folder), *_OFFLINE, *root, *options]
