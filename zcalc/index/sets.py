"""Sets of pictures: the rows of an index that `imgs("trips/*")` or `imgs(where="…")` means."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import translate
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING
from unicodedata import normalize

import numpy as np

from zcalc.errors import ZcalcError
from zcalc.index.where import rows_where
from zcalc.language import FUNCTIONS, Call, Number, Text, fold_constants, unparse
from zcalc.language.arguments import match_arguments
from zcalc.language.formatter import quote
from zcalc.language.tree import SET

if TYPE_CHECKING:
    from zcalc.gallery import Gallery
    from zcalc.index.milvus import Served
    from zcalc.index.store import Index

MOST = 10_000  # pictures of a set, unless it says otherwise
_SUGGESTED = 3
_SEARCHED = 100_000  # names that are compared with a pattern that matches none


def rows_of(index: "Index | Served", node: Call) -> np.ndarray:
    """The rows (m,) of the pictures that an `imgs(…)` means, in order.

    A pattern matches a picture's name, or its path below a root of the index or as a whole; `*`
    also matches folders. Raises ZcalcError if nothing matches, or more than `most`.
    """
    from zcalc.index.store import Index

    if not isinstance(index, Index):
        hint = "Build an index in a folder: zcalc index build DIR -o FILE"
        raise ZcalcError("Sets of pictures need an index in a folder", hint)
    given = arguments(node)
    rows = np.arange(len(index))
    if pattern := given.get("pattern"):
        rows = rows[_matches(index, str(pattern))]
    if where := given.get("where"):
        rows = np.intersect1d(rows, rows_where(index.table, str(where)))
    most = int(given.get("most", MOST))
    if not len(rows):
        raise _empty(index, node, given)
    if len(rows) > most:
        message = f"{unparse(node)} has {len(rows):,} pictures; the limit is {most:,}"
        raise ZcalcError(message, f"Narrow it, or raise the limit: most={len(rows)}.")
    return rows


def arguments(node: Call) -> dict[str, str | float]:
    """The arguments of an `imgs(…)` by name."""
    given: dict[str, str | float] = {}
    for parameter, argument in match_arguments(node, FUNCTIONS[SET], ""):
        match fold_constants(argument):
            case Text(value) | Number(value):
                given[parameter.name] = value
    return given


def check_pattern(gallery: "Gallery", node: Call) -> None:
    """Raise ZcalcError if no picture of a gallery matches the pattern of an `imgs(…)`.

    It needs no index, so no model: whether a condition is met shows once there is one.
    """
    pattern = str(arguments(node).get("pattern", ""))
    if not pattern:
        return
    pictures = [(picture.name, str(picture.path)) for picture in gallery]
    names, paths = [name for name, _ in pictures], [path for _, path in pictures]
    if not matching(names, paths, gallery.roots, pattern).any():
        hint = near(pattern, names, paths, gallery.roots)
        raise ZcalcError(f"{unparse(node)} has no pictures", hint)


def _matches(index: "Index", pattern: str) -> np.ndarray:
    """Which rows (n,) match a pattern."""
    roots = [Path(root) for root in index.roots]
    return matching(index.table["name"].to_pylist(), index.paths, roots, pattern)


def matching(
    names: Sequence[str], paths: Sequence[str], roots: Sequence[Path], pattern: str
) -> np.ndarray:
    """Which pictures (n,) match a pattern."""
    composed = partial(normalize, "NFC")
    found = re.compile(translate(composed(pattern))).match

    def match(text: str) -> bool:
        return bool(found(text if text.isascii() else composed(text)))

    return np.array(
        [
            match(name) or any(match(p) for p in _spellings(path, roots))
            for name, path in zip(names, paths, strict=True)
        ],
        dtype=bool,
    )


def _spellings(path: str, roots: Sequence[Path]) -> list[str]:
    """A path as a whole, below each root, and with the root's own name."""
    spellings = [path]
    for root in roots:
        if PurePath(path).is_relative_to(root):
            below = PurePath(path).relative_to(root)
            spellings += [str(below), str(PurePath(root.name) / below)]
    return spellings


def _empty(index: "Index", node: Call, given: dict[str, str | float]) -> ZcalcError:
    """The error for a set without pictures, with what comes near."""
    message = f"{unparse(node)} has no pictures"
    pattern = str(given.get("pattern", ""))
    if not pattern:
        listed = ", ".join(index.fields[:12]) or "none"
        return ZcalcError(message, f"No picture meets the condition. The columns are {listed}.")
    if "where" in given and _matches(index, pattern).any():
        return ZcalcError(message, "The pattern matches, but no match meets the condition.")
    roots = [Path(root) for root in index.roots]
    return ZcalcError(message, near(pattern, index.table["name"].to_pylist(), index.paths, roots))


def near(pattern: str, names: Sequence[str], paths: Sequence[str], roots: Sequence[Path]) -> str:
    """Names and folders that come near a pattern, or a few that there are."""
    known = dict.fromkeys(names[:_SEARCHED])
    for path in paths[:_SEARCHED]:
        for spelling in _spellings(path, roots)[1:2]:
            if (folder := str(PurePath(spelling).parent)) != ".":
                known[f"{folder}/*"] = None
    wanted = {name.lower(): name for name in known}
    close = get_close_matches(pattern.lower(), wanted, n=_SUGGESTED, cutoff=0.5)
    if close:
        return f"Did you mean {', '.join(quote(wanted[name]) for name in close)}?"
    return f"There is, for example, {', '.join(quote(name) for name in list(known)[-6:])}."
