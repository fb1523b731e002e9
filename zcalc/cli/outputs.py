"""Files that commands write: checked before the work, written at once after it."""

import os
from pathlib import Path

from zcalc.errors import ZcalcError


def check(file: Path | None) -> None:
    """Raise ZcalcError if a file can't be written, before any work is done for it."""
    if file is None:
        return
    if file.is_dir():
        name = file / "output"
        raise ZcalcError(f"{file} is a folder.", f"Give the name of a file, such as {name}.")
    existing = next((folder for folder in file.absolute().parents if folder.exists()), None)
    if existing is None or not existing.is_dir() or not os.access(existing, os.W_OK):
        raise ZcalcError(f"Can't write {file}.", "Check the path and its permissions.")


def write(file: Path, data: bytes) -> None:
    """Replace a file atomically. Raises ZcalcError if it can't be written."""
    from zcalc.storage import write_atomically

    try:
        write_atomically(file, data)
    except OSError as error:
        message = f"Can't write {file}: {error.strerror}."
        raise ZcalcError(message, "Check the path and its permissions.") from error
