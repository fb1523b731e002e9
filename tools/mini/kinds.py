"""The kinds of the image tower's classes, such as dog and animal for a beagle, from kinds.tsv."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

FILE = Path(__file__).with_name("kinds.tsv")
BROADER = 0.5  # weight of every kind but the first, unless the table gives one

Kinds = tuple[tuple[str, float], ...]


def kinds(
    photographed: Collection[str] | None = None, drawn: Collection[str] = (), file: Path = FILE
) -> dict[str, Kinds]:
    """The kinds of each class and their weights in (0, 1], the most basic kind first.

    Keys are class names as their sources spell them; classes of the same name share a line. If the
    names of the photographed (ImageNet's) classes are given, each of them must have a line, and
    each line must name one of them or a drawn class.
    Raises ValueError, with the number of the line, if the table breaks these rules or its format.
    """
    table: dict[str, Kinds] = {}
    for number, line in _lines(file):
        where = f"{file.name}, line {number}"
        name, _, cell = line.partition("\t")
        if name in table:
            raise ValueError(f"{where}: {name!r} has a line already. Join the two.")
        if photographed is not None and name not in photographed and name not in drawn:
            raise ValueError(f"{where}: no class is called {name!r}.")
        table[name] = tuple(
            _kind(text, BROADER if i else 1.0, where) for i, text in enumerate(cell.split("|"))
        )
    missing = [name for name in photographed or () if name not in table]
    if missing:
        raise ValueError(f"{file.name} has no line for {', '.join(missing)}.")
    return table


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    """The lines of the table and their numbers, without comments."""
    for number, line in enumerate(file.read_text(encoding="utf8").splitlines(), start=1):
        if not line.startswith("#"):
            yield number, line


def _kind(text: str, default: float, where: str) -> tuple[str, float]:
    """A kind and its weight, from text such as `animal` or `animal:0.3`."""
    match = re.fullmatch(r"([a-z]+(?: [a-z]+)*)(?::(0\.\d+|1))?", text)
    if not match or (match[2] and not float(match[2])):
        raise ValueError(f"{where}: {text!r} is not a kind in lower case such as dog or person:0.3")
    return match[1], float(match[2] or default)
