"""Live results: evaluation with cached operands, and JSON for the widgets."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zcalc.errors import ZcalcError
from zcalc.evaluator import Evaluation
from zcalc.expression import Expression
from zcalc.index.hits import Hit, shown
from zcalc.language import Image, Node, Operand, operands, plan, sets
from zcalc.notebook.draft import expression
from zcalc.pictures import SHOWN, open_picture
from zcalc.show.html import jpeg_uri

if TYPE_CHECKING:
    import numpy as np

    from zcalc.calculator import Calculator

WORDS, PICTURES = 10, 8
PAGE_SIZE = 24  # pictures of the gallery sent at once
_SMALL, _LARGE = (120, 120), (640, 640)  # pixels of a thumbnail, and of an enlarged picture
_MAX_CACHED = 1024  # operands


class Live:
    """A calculator with cached operand vectors, so that changing a weight costs little."""

    def __init__(self, calculator: "Calculator") -> None:
        self.calculator = calculator
        self._vectors: dict[Operand, np.ndarray] = {}

    def read(self, text: str) -> Node:
        """Parse one expression and check its names and pictures.

        Raises LanguageError for an expression that can't be evaluated.
        """
        tree = expression(text)
        steps, _ = plan(text, self.calculator.names)
        self.calculator.check_names(steps[0].tree, text)
        return tree

    def result(self, text: str) -> Expression[Any, Any]:
        """Evaluate an expression, embedding only operands that are new.

        Raises LanguageError and ZcalcError as the calculator does.
        """
        (step,), _ = plan(text, self.calculator.names)
        nodes = operands(step.tree)
        new = [node for node in nodes if node not in self._vectors]
        if new:
            if len(self._vectors) > _MAX_CACHED:
                self._vectors, new = {}, list(nodes)
            self._vectors.update(self.calculator.evaluation(new, text).vectors)
        vectors = {node: self._vectors[node] for node in nodes}
        found = {one: self.calculator.set_vectors(one, text) for one in sets(step.tree)}
        evaluation = Evaluation(vectors, text, lambda: self.calculator.means, found)
        result = Expression.of_step(self.calculator, step, evaluation, text)
        result.evaluate()
        return result

    def browse(self, search: str, start: int = 0) -> dict[str, Any]:
        """A page of the gallery's pictures whose names contain all words of `search`.

        `next` is the start of the next page, None on the last.
        """
        words = search.casefold().split()
        matches = [p for p in self.calculator.gallery if _contains(p.name, words)]
        end = start + PAGE_SIZE
        return {
            "search": search,
            "start": start,
            "size": PAGE_SIZE,
            "pictures": [
                {"name": p.name, "src": self.thumbnail(p.name)} for p in matches[start:end]
            ],
            "total": len(matches),
            "next": end if end < len(matches) else None,
        }

    def thumbnail(self, name: str) -> str:
        """A picture as a small data URI; empty if it can't be read."""
        adhoc = self.calculator.adhoc.get(name)
        try:
            if adhoc is None:
                return small(self.calculator.gallery.find(name).path)
            return "" if adhoc.pixels is None else jpeg_uri(adhoc.open(), _SMALL, 75)
        except ZcalcError:
            return ""

    def thumbnails(self, tree: Node) -> dict[str, str]:
        """The thumbnails of an expression's pictures by name."""
        images = (node for node in operands(tree) if isinstance(node, Image))
        return {node.name: self.thumbnail(node.name) for node in images}


def hit_data(hits: Iterable[Hit]) -> list[dict[str, Any]]:
    """Search results as JSON, with thumbnails and metadata."""
    return [
        {
            "name": hit.name,
            "path": hit.path,
            "score": round(hit.score, 4),
            "src": small(Path(hit.path)),
            "alike": [other.name for other in hit.alike],
            "metadata": _metadata(hit.metadata),
        }
        for hit in hits
    ]


@lru_cache(maxsize=4096)
def small(path: Path) -> str:
    """A picture file as a JPEG data URI of a few kilobytes; empty if it can't be read."""
    return _uri(path, _SMALL, 75)


@lru_cache(maxsize=16)
def large(path: Path) -> str:
    """A picture file as a larger JPEG data URI; empty if it can't be read."""
    return _uri(path, _LARGE, 85)


def _uri(path: Path, size: tuple[int, int], quality: int) -> str:
    try:
        return jpeg_uri(open_picture(path, SHOWN), size, quality)
    except ZcalcError:
        return ""


def _metadata(values: Mapping[str, Any]) -> list[list[str]]:
    return [[key, shown(value)] for key, value in values.items() if value is not None]


def _contains(name: str, words: list[str]) -> bool:
    folded = name.casefold()
    return all(word in folded for word in words)
