"""What goes in and out of `zcalc nearest` besides an answer: queries in files, copies."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zcalc.index.hits import Hit


def queries(file: Path) -> Iterator[str]:
    """The expressions in a file: the column `expr` of a table, else a line each; # is a comment.

    Raises ZcalcError if it can't be read or has none.
    """
    from zcalc.errors import ZcalcError
    from zcalc.index import table_files

    if table_files.is_table(file):
        table = table_files.read(file)
        names = [name for name in table.column_names if name.lower() in ("expr", "expression")]
        if not names:
            listed = ", ".join(table.column_names)
            raise ZcalcError(f"{file} has no column expr; its columns are {listed}.", "Add one.")
        found = [str(text) for text in table[names[0]].to_pylist() if text]
    else:
        try:
            text = table_files.decode(file.read_bytes())
        except OSError as error:
            raise ZcalcError(f"Can't read {file}: {error.strerror}.", "Check the path.") from error
        lines = (line.strip() for line in text.splitlines())
        found = [line for line in lines if line and not line.startswith("#")]
    if not found:
        raise ZcalcError(f"{file} has no expressions.", "Write one a line.")
    yield from found


def copy(hits: "Sequence[Hit]", folder: Path) -> None:
    """Copy the pictures of hits into a folder, best first by name; what is there stays.

    A picture inside a tar or a video is saved as PNG. Raises ZcalcError if one can't be copied.
    """
    from zcalc.errors import ZcalcError
    from zcalc.pictures import open_picture, split_path

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for hit in hits:
            file, inside = split_path(Path(hit.path))
            if inside:
                name = Path(hit.name.replace("/", "_").replace("#", "_")).name + ".png"
                open_picture(Path(hit.path)).save(_free(folder / name))
            else:
                shutil.copy2(file, _free(folder / file.name))
    except OSError as error:
        reason = error.strerror or str(error)
        raise ZcalcError(f"Can't copy into {folder}: {reason}.", "Check its path.") from error


def _free(path: Path) -> Path:
    """A path that isn't taken: `cat.jpg`, else `cat-2.jpg` and so on."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_stem(f"{path.stem}-{number}")
    return free
