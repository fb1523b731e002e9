"""What a live widget asks of a calculator, again and again: results, thumbnails, the gallery."""

import base64
import io
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zcalc.errors import ZcalcError
from zcalc.evaluator import Evaluation
from zcalc.gallery import open_picture
from zcalc.index.query import Hit, plain
from zcalc.language import Image, Node, Operand, Type, operands, plan
from zcalc.notebook.draft import expression
from zcalc.result import Result, Scalar

if TYPE_CHECKING:
    import numpy as np
    import PIL.Image

    from zcalc.calculator import Calculator

WORDS, PICTURES = 10, 8
PAGE = 24  # pictures of the gallery that are sent at once
_SMALL, _LARGE = 120, 640  # pixels of a thumbnail's longer side, and of a picture looked at
_REMEMBERED = 1024  # operands


class Live:
    """A calculator whose operands' vectors stay at hand, so that new weights cost little."""

    def __init__(self, calculator: "Calculator") -> None:
        self.calculator = calculator
        self._vectors: dict[Operand, np.ndarray] = {}

    def read(self, text: str) -> Node:
        """The tree of one expression, checked with the calculator's names and pictures.

        Raises LanguageError for what can't be computed as it stands.
        """
        tree = expression(text)
        steps, _ = plan(text, self.calculator.names)
        for node in operands(steps[0].tree):
            if isinstance(node, Image):
                self.calculator.find(node, text)
        return tree

    def result(self, text: str) -> Result | Scalar:
        """What an expression comes to; only operands that are new are embedded.

        Raises LanguageError, as the calculator does, and ZcalcError for what a model can't do.
        """
        (step,), _ = plan(text, self.calculator.names)
        needed = operands(step.tree)
        new = [node for node in needed if node not in self._vectors]
        if new:
            if len(self._vectors) > _REMEMBERED:
                self._vectors, new = {}, list(needed)
            self._vectors.update(self.calculator.evaluation(new, text).vectors)
        vectors = {node: self._vectors[node] for node in needed}
        evaluation = Evaluation(vectors, text, lambda: self.calculator.means)
        kind = Scalar if step.type is Type.NUMBER else Result
        result = kind.of(self.calculator, step, evaluation, text)
        _ = result.value if isinstance(result, Scalar) else result.vector
        return result

    def shelf(self, search: str, start: int = 0) -> dict[str, Any]:
        """A page of the gallery's pictures whose names have all words of `search`, with thumbnails.

        `next` is where the next page starts, None after the last.
        """
        words = search.casefold().split()
        found = [p for p in self.calculator.gallery if _has(p.name, words)]
        page = [
            {"name": p.name, "src": self.thumbnail(p.name)} for p in found[start : start + PAGE]
        ]
        end = start + PAGE
        following = end if end < len(found) else None
        about = {"search": search, "start": start, "size": PAGE}
        return about | {"pictures": page, "total": len(found), "next": following}

    def thumbnail(self, name: str) -> str:
        """A picture as a small data URI, empty where it can't be read."""
        given = self.calculator.given.get(name)
        try:
            if given is None:
                return small(self.calculator.gallery.find(name).path)
            return "" if given.pixels is None else uri(given.open(), _SMALL, 75)
        except ZcalcError:
            return ""

    def thumbnails(self, tree: Node) -> dict[str, str]:
        """The thumbnails of an expression's pictures by name."""
        images = (node for node in operands(tree) if isinstance(node, Image))
        return {node.name: self.thumbnail(node.name) for node in images}


def shown_words(result: Result) -> list[dict[str, Any]]:
    """The nearest words as JSON."""
    return [{"text": w.text, "score": round(w.score, 4)} for w in result.words(WORDS)]


def shown_hits(hits: Iterable[Hit]) -> list[dict[str, Any]]:
    """Pictures that were found as JSON, with thumbnails and what is known about them."""
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


def _metadata(known: Mapping[str, Any]) -> list[list[str]]:
    return [[key, str(plain(value))] for key, value in known.items() if value is not None]


def _has(name: str, words: list[str]) -> bool:
    folded = name.casefold()
    return all(word in folded for word in words)


@lru_cache(maxsize=4096)
def small(path: Path) -> str:
    """A picture file as a JPEG data URI of a few kilobytes, empty where it can't be read."""
    return _uri(path, _SMALL, 75)


@lru_cache(maxsize=16)
def large(path: Path) -> str:
    """A picture file as a JPEG data URI to look at, empty where it can't be read."""
    return _uri(path, _LARGE, 85)


def _uri(path: Path, side: int, quality: int) -> str:
    try:
        return uri(open_picture(path), side, quality)
    except ZcalcError:
        return ""


def uri(picture: "PIL.Image.Image", side: int, quality: int) -> str:
    """A picture as a JPEG data URI, at most `side` pixels wide and high."""
    picture.thumbnail((side, side))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
