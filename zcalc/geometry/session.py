"""Measures on a calculator's gallery and vocabulary: `calc.geometry`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from zcalc.algebra import unit
from zcalc.errors import ZcalcError
from zcalc.geometry.analogy import Analogy, analogy
from zcalc.geometry.attribution import Attribution, attribution
from zcalc.geometry.axes import ConceptAxes, concept_axes
from zcalc.geometry.base import Measure, NamedVectors
from zcalc.geometry.checks import evenly_spaced
from zcalc.geometry.cone import Cone, cone
from zcalc.geometry.cosines import Cosines, cosine_matrix
from zcalc.geometry.gap import Gap, gap
from zcalc.geometry.hubness import Hubs, hubness
from zcalc.geometry.maps import Map, TermSum, map_of
from zcalc.geometry.paths import EmbeddingPath, path
from zcalc.geometry.relevance import Relevance, relevance
from zcalc.geometry.trace import Trace, trace_of
from zcalc.language import Image, Text, unparse
from zcalc.result import Result
from zcalc.words import stems

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

KINDS = ("map", "cosines", "terms", "trace")  # plots of a single expression
Operand: TypeAlias = str | Result  # an expression, as text or evaluated
_MAX_PICTURES = 10_000


class Geometry:
    """Measures on a calculator's gallery and vocabulary; each has a `.table()` and a `.plot()`.

    Operands are expressions: a Result, or text such as `'img(cat)'` and `'"a cat"'`. Groups are
    "pictures" (the gallery), "words" (the vocabulary), and "sentences".
    """

    def __init__(self, calculator: "Calculator") -> None:
        self._calculator = calculator

    def map(self, operands: Sequence[Operand] | None = None, method: str = "pca") -> Map:
        """Map expressions, by default the gallery, in two dimensions by "pca" or "umap".

        An expression contributes its own operands and its result, with arrows for the arithmetic.
        Raises ZcalcError for fewer than two different points.
        """
        if operands is None:
            return map_of(self._group("pictures"), method=method)
        points: dict[str, tuple[np.ndarray, Path | None]] = {}
        sums = []
        for result in self._results(operands):
            simple = isinstance(result.tree, Image | Text)
            files = _files(result)
            vectors = list(result.directions().items())[: 1 if simple else None]
            for name, vector in vectors:
                points.setdefault(name, (vector, files.get(name)))
            if not simple:
                parts, weights = _parts(result)
                signs = tuple("−" if weight < 0 else "+" for weight in weights)
                sums.append(TermSum(result.expr, parts, signs, list(points).index(vectors[-1][0])))
        return map_of(_named(points), sums, method)

    def cosines(self, operands: Sequence[Operand]) -> Cosines:
        """Compute the pairwise cosines of expressions; a single sum is expanded to its operands."""
        results = self._results(operands)
        points: dict[str, tuple[np.ndarray, Path | None]] = {}
        for result in results:
            expand = len(results) == 1 and not isinstance(result.tree, Image | Text)
            vectors = result.directions() if expand else {unparse(result.tree): result.vector}
            files = _files(result)
            points |= {name: (vector, files.get(name)) for name, vector in vectors.items()}
        named = _named(points)
        return cosine_matrix(named.names, named.vectors, named.paths)

    def terms(self, operand: Operand, k: int = 8, words: Sequence[str] = ()) -> Attribution:
        """Attribute the cosine with each of `words`, by default the `k` nearest, to the terms."""
        (result,) = self._results([operand])
        texts = list(words) or [word.text for word in result.words(k)]
        vectors = unit(self._calculator.models.encoder.texts(texts))  # (w, d)
        names = [term.name for term in result.terms]
        return attribution(names, _parts(result)[0], texts, vectors)

    def trace(
        self, operand: Operand, k: int = 5, method: str | None = None, **settings: Any
    ) -> Trace:
        """Trace the top `k` candidates of each token of the caption.

        `method` and `settings` are passed to `Result.caption`.
        """
        (result,) = self._results([operand])
        from zcalc.decode.settings import SearchSettings
        from zcalc.decode.vocabulary import Vocabulary

        beam = result.caption(method, trace=k, **settings).best_clip
        pieces = Vocabulary(self._calculator.models.language_model, SearchSettings()).pieces
        return trace_of(beam, [pieces[token] for token in beam.tokens])

    def relevance(self, operand: Operand, text: str, grid: int = 7) -> Relevance:
        """Map which parts of a picture answer to a text. Raises ZcalcError for anything else."""
        (result,) = self._results([operand])
        picture = result.operand_pictures.get(cast("Image", result.tree))
        if picture is None or picture.vector is not None:
            hint = "Use it on a picture alone, such as img(coffee)."
            raise ZcalcError(f"{result.expr} is not a picture.", hint)
        return relevance(self._calculator.models.encoder, picture.open(), picture.name, text, grid)

    def path(self, a: Operand, b: Operand, steps: int = 11) -> EmbeddingPath:
        """Interpolate between two expressions, with the nearest words and pictures on the way."""
        first, last = self._results([a, b])
        names = unparse(first.tree), unparse(last.tree)
        groups = self._group("words"), self._group("pictures")
        return path(names, first.vector, last.vector, *groups, steps=steps)

    def analogy(self, a: Operand, b: Operand, c: Operand, d: Operand, k: int = 5) -> Analogy:
        """Test "a is to b as c is to d": the angle between the differences, and the rank of d.

        Candidates are the gallery if d is a picture, otherwise the vocabulary; a, b, and c are
        excluded.
        """
        results = self._results([a, b, c, d])
        names = [unparse(result.tree) for result in results]
        corners = np.stack([result.vector for result in results])
        plain = [_plain_name(result) for result in results]
        candidates = self._group("pictures" if isinstance(results[3].tree, Image) else "words")
        question = [stems(name) for name in plain[:3] if name]
        exclude = [
            i
            for i, name in enumerate(candidates.names)
            if any(stems(name) <= words for words in question)
        ]
        answer = next((i for i, name in enumerate(candidates.names) if name == plain[3]), None)
        return analogy(
            (names[0], names[1], names[2], names[3]),
            corners,
            candidates.vectors,
            candidates.names,
            exclude=exclude,
            answer=answer,
            k=k,
        )

    def axes(
        self, x: Operand, y: Operand, operands: Sequence[Operand] | None = None
    ) -> ConceptAxes:
        """Project expressions, by default the gallery, on two axes, such as `'"day" - "night"'`."""
        first, second = self._results([x, y])
        names = unparse(first.tree), unparse(second.tree)
        if operands is None:
            points = self._group("pictures")
        else:
            results = self._results(operands)
            labels = [unparse(result.tree) for result in results]
            files = [
                _files(result).get(label) for result, label in zip(results, labels, strict=True)
            ]
            points = NamedVectors(labels, np.stack([result.vector for result in results]), files)
        return concept_axes(names, (first.vector, second.vector), points)

    def gap(self, texts: str = "words") -> Gap:
        """Measure the gap between the gallery's pictures and "words" or "sentences"."""
        return gap(self._group("pictures").vectors, self._group(texts).vectors)

    def cone(self, of: str = "pictures") -> Cone:
        """Measure the cone of the "pictures", "words", or "sentences"."""
        return cone(self._group(of).vectors, of)

    def hubness(self, k: int = 10, of: str = "words", queries: str | None = None) -> Hubs:
        """Count how often each entry is among the `k` nearest neighbours of a query.

        The queries are another group or, by default, the group itself.
        """
        group = self._group(of)
        vectors = None if queries in (None, of) else self._group(str(queries)).vectors
        return hubness(group.names, group.vectors, k, vectors, of)

    def _results(self, operands: Sequence[Operand]) -> list[Result]:
        if isinstance(operands, str) or not isinstance(operands, Sequence):
            message = f"Expected a list of expressions, got {operands!r}."
            raise ZcalcError(message, "Pass a list: ['img(cat)', '\"a cat\"'].")
        if not operands:
            raise ZcalcError("The list of expressions is empty.", "Add a picture or a text.")
        results = [self._calculator(o) if isinstance(o, str) else o for o in operands]
        for operand, result in zip(operands, results, strict=True):
            if not isinstance(result, Result):
                message = f"{operand!r} does not evaluate to a single embedding."
                raise ZcalcError(message, 'Use img(cat), "a cat", or a sum of them.')
        return results

    def _group(self, of: str) -> NamedVectors:
        """Return the unit vectors of the pictures, words, or sentences."""
        calculator = self._calculator
        if of in ("words", "sentences"):
            texts = calculator.models.vocabulary if of == "words" else calculator.models.sentences
            return NamedVectors(texts.texts, texts.vectors)
        if of != "pictures":
            raise ZcalcError(f"Unknown group {of!r}.", "Use pictures, words, or sentences.")
        from zcalc.index import Index

        index = calculator.image_index
        if not isinstance(index, Index):
            message = "The gallery's vectors are stored in a database and can't be read in bulk."
            raise ZcalcError(message, "Use an index in a folder, or list the pictures.")
        rows = evenly_spaced(len(index), _MAX_PICTURES)
        entries = [index.entry(int(row)) for row in rows]
        vectors = index.vectors.take(rows).astype(np.float32)
        return NamedVectors([e.name for e in entries], vectors, [Path(e.path) for e in entries])


def measure_of(result: Result, kind: str = "map", **settings: Any) -> Measure:
    """Compute the measure that a plot of one expression shows.

    Raises ZcalcError for an unknown kind, and for settings that the kind does not accept.
    """
    if kind == "relevance" and "text" in settings:
        return Geometry(cast("Calculator", result.calculator)).relevance(result, **settings)
    if kind not in KINDS:
        raise ZcalcError(f"Unknown plot kind {kind!r}.", f"Use {', '.join(KINDS)}.")
    if kind in ("map", "cosines") and "k" in settings:
        message = f'plot(kind="{kind}") does not accept k.'
        raise ZcalcError(message, 'Remove it, or use kind="terms".')
    if kind in ("cosines", "terms") and "method" in settings:
        raise ZcalcError(f'plot(kind="{kind}") does not accept method.', "Remove it.")
    geometry = Geometry(cast("Calculator", result.calculator))
    operand = [result] if kind in ("map", "cosines") else result
    return getattr(geometry, kind)(operand, **settings)


def _named(points: dict[str, tuple[np.ndarray, Path | None]]) -> NamedVectors:
    vectors, files = zip(*points.values(), strict=True)
    return NamedVectors(list(points), np.stack(vectors), files)


def _files(result: Result) -> dict[str, Path]:
    """Return the files of a result's pictures, by their text in the expression."""
    return {unparse(node): picture.path for node, picture in result.operand_pictures.items()}


def _parts(result: Result) -> tuple[np.ndarray, np.ndarray]:
    """Return a result's terms before normalisation (m, d), and their weights (m,)."""
    objective: Any = result.objective
    weights = np.asarray(objective.weights, dtype=np.float64)
    return unit(np.asarray(objective.points)) * weights[:, None], weights


def _plain_name(result: Result) -> str | None:
    """Return a text without quotes, or a picture's name; None for a sum."""
    match result.tree:
        case Text(text):
            return text
        case Image(name):
            return name
        case _:
            return None
