"""Sets of pictures, `imgs("trips/*")`, and what tells two of them apart, `diff(A, B)`."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from zcalc.analysis.difference import Separator, separators
from zcalc.analysis.labels import Labels, label
from zcalc.answer import Answer, Strip, View
from zcalc.compound import PictureVectors
from zcalc.expression import Expression, represents
from zcalc.index.hits import Hit
from zcalc.index.query import hit_of
from zcalc.language import Call, Node, Type, fold_constants, unparse
from zcalc.result import Result, Scalar

SHOWN = 8  # pictures of a set


class _OfSets(Expression[Result, Scalar]):
    """What sets of pictures have in common."""

    def _strip(self, node: Node) -> Strip:
        """The first pictures of a set."""
        assert isinstance(node, Call)
        rows = self.calculator.set_rows(node, self._source)
        pictures = self.calculator.searchable
        hits = (hit_of(pictures, int(row), 0.0) for row in rows[:SHOWN])
        return Strip(unparse(node), len(rows), tuple(hits))

    def _answer(self, **fields: Any) -> Answer:
        return Answer(
            expr=self.expr,
            model=self.calculator.models.name,
            tree=self.tree,
            name=self.name,
            seconds=dict(self.seconds),
            **fields,
        )


@represents(Type.SET)
class PictureSet(_OfSets):
    """The pictures of an `imgs(…)`, in the order of the index."""

    def __len__(self) -> int:
        return len(self._value.vectors)

    @property
    def vectors(self) -> np.ndarray:
        """The pictures' unit vectors, (n, d)."""
        return self._value.vectors

    @cached_property
    def pictures(self) -> list[Hit]:
        """The pictures; their `score` is 0."""
        assert isinstance(self.tree, Call)
        rows = self.calculator.set_rows(self.tree, self._source)
        return [hit_of(self.calculator.searchable, int(row), 0.0) for row in rows]

    def label(self, classes: Sequence[str]) -> list[Labels]:
        """The probability of each class for every picture (see `analysis.labels`)."""
        names = [picture.name for picture in self.pictures]
        return label(self.calculator.models, names, self.vectors, classes)

    def diff(self, other: "PictureSet") -> Any:
        """What tells these pictures from others, `diff(a, b)`."""
        return self._call("diff", other)

    def answer(self, view: View | None = None) -> Answer:
        """The first pictures and, with labels in the view, the classes of all."""
        view = self.view if view is None else view
        labels = tuple(self.label(view.labels)) if view.labels else ()
        return self._answer(labels=labels, strips=(self._strip(self.tree),))


@represents(Type.DIFFERENCE)
class Difference(_OfSets):
    """What tells the pictures of one set from those of another."""

    def words(self, k: int = 10, *, among: str | None = None) -> list[Separator]:
        """The `k` texts whose cosines separate the sets best (see `analysis.difference`).

        They are entries of the vocabulary, or lines of the file `among`.
        """
        models = self.calculator.models
        texts = models.plain_vocabulary if among is None else models.word_list(among)
        first, second = (self._vectors(node) for node in self._sets)
        with self._timed("words"):
            return separators(first, second, texts.texts, texts.vectors, k)

    @property
    def _sets(self) -> tuple[Node, Node]:
        folded = fold_constants(self.tree)  # arguments in the order of the parameters
        assert isinstance(folded, Call)
        first, second = folded.arguments
        return first, second

    def _vectors(self, node: Node) -> np.ndarray:
        value = self._evaluation(node)
        assert isinstance(value, PictureVectors)
        return value.vectors

    def answer(self, view: View | None = None) -> Answer:
        """The words that tell the sets apart, and the first pictures of each."""
        view = self.view if view is None else view
        found = self.words(view.words or 10, among=view.among)
        return self._answer(diff=tuple(found), strips=tuple(map(self._strip, self._sets)))
