"""The measures of a calculator's own pictures and words: `calc.geometry`."""

from collections.abc import Sequence
from pathlib import Path as File
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from zcalc.algebra import unit
from zcalc.errors import ZcalcError
from zcalc.geometry.analogy import Analogy, analogy
from zcalc.geometry.attribution import Attribution, attribution
from zcalc.geometry.axes import ConceptAxes, concept_axes
from zcalc.geometry.checks import spread_rows
from zcalc.geometry.hubness import Hubs, hubness
from zcalc.geometry.maps import Map, Steps, map_of
from zcalc.geometry.measures import Cone, Cosines, Gap, cone, cosine_matrix, gap
from zcalc.geometry.paths import Names, Path, path
from zcalc.geometry.shown import Shown
from zcalc.geometry.trace import Trace, trace_of
from zcalc.language import Image, Text, unparse
from zcalc.words import stems

if TYPE_CHECKING:
    from zcalc.calculator import Calculator
    from zcalc.result import Result

KINDS = ("map", "cosines", "terms", "trace")  # what there is to plot of one expression
Thing: TypeAlias = "str | Result"  # an expression
_MOST = 10_000  # pictures that are looked at


class Geometry:
    """Measures over a calculator's gallery and vocabulary; each gives numbers with a `.plot()`.

    Things are expressions: a result, or its text, such as `'img(cat)'` and `'"a cat"'`. Groups are
    called "pictures" (the gallery), "words" (the vocabulary) and "sentences".
    """

    def __init__(self, calculator: "Calculator") -> None:
        self._calculator = calculator

    def map(self, things: "Sequence[Thing] | None" = None, method: str = "pca") -> Map:
        """Things on a plane, the gallery without any; `method` is "pca" or "umap".

        Of an expression its operands and its result are shown, with the arithmetic as arrows.
        Raises ZcalcError for fewer than two different points.
        """
        if things is None:
            shown = self._group("pictures")
            return map_of(shown.texts, shown.vectors, (), shown.paths, method)
        points: dict[str, tuple[np.ndarray, File | None]] = {}
        walked = []
        for result in self._results(things):
            simple = isinstance(result.tree, Image | Text)
            directions = result.directions()
            named = list(directions.items())[: 1 if simple else None]
            for name, vector in named:
                points.setdefault(name, (vector, self._files(result).get(name)))
            if not simple:
                parts, weights = _parts(result)
                signs = tuple("−" if weight < 0 else "+" for weight in weights)
                walked.append(Steps(result.expr, parts, signs, list(points).index(named[-1][0])))
        vectors = np.stack([vector for vector, _ in points.values()])
        return map_of(list(points), vectors, walked, [p for _, p in points.values()], method)

    def cosines(self, things: "Sequence[Thing]") -> Cosines:
        """The cosines of things with one another; one expression stands for its parts too."""
        results = self._results(things)
        found: dict[str, tuple[np.ndarray, File | None]] = {}
        for result in results:
            alone = len(results) == 1 and not isinstance(result.tree, Image | Text)
            named = result.directions() if alone else {unparse(result.tree): result.vector}
            files = self._files(result)
            found |= {name: (vector, files.get(name)) for name, vector in named.items()}
        vectors = np.stack([vector for vector, _ in found.values()])
        return cosine_matrix(list(found), vectors, [file for _, file in found.values()])

    def terms(self, thing: "Thing", k: int = 8, words: Sequence[str] = ()) -> Attribution:
        """Which term pulls the result toward which word: its `k` nearest, or `words`."""
        (result,) = self._results([thing])
        texts = list(words) or [word.text for word in result.words(k)]
        known = self._calculator.vocabulary
        rows = dict(zip(known.texts, known.vectors, strict=True))
        vectors = [rows[t] if t in rows else self._calculator.txt(t).vector for t in texts]
        names = [term.name for term in result.terms]
        return attribution(names, _parts(result)[0], texts, np.stack(vectors))

    def trace(
        self, thing: "Thing", k: int = 5, method: str | None = None, **settings: Any
    ) -> Trace:
        """What each token of the caption was chosen from; `settings` are those of `caption`."""
        (result,) = self._results([thing])
        from zcalc.decode.settings import SearchSettings
        from zcalc.decode.vocabulary import Vocabulary

        beam = result.caption(method, trace=k, **settings).best_clip
        pieces = Vocabulary(self._calculator.language_model, SearchSettings()).pieces
        return trace_of(beam, [pieces[token] for token in beam.tokens])

    def path(self, a: "Thing", b: "Thing", steps: int = 11) -> Path:
        """The way from one thing to another, with the words and pictures met on it."""
        first, last = self._results([a, b])
        names = unparse(first.tree), unparse(last.tree)
        met = self._group("words"), self._group("pictures")
        return path(names, first.vector, last.vector, *met, steps=steps)

    def analogy(self, a: "Thing", b: "Thing", c: "Thing", d: "Thing", k: int = 5) -> Analogy:
        """Test "a is to b as c is to d": the angle of the differences, and the rank of d.

        Where d is a picture, the gallery answers, else the vocabulary, without the question's own.
        """
        results = self._results([a, b, c, d])
        names = [unparse(result.tree) for result in results]
        corners = np.stack([result.vector for result in results])
        plain = [_plain(result) for result in results]
        among = self._group("pictures" if isinstance(results[3].tree, Image) else "words")
        said = [stems(name) for name in plain[:3] if name]
        own = [i for i, t in enumerate(among.texts) if any(stems(t) <= words for words in said)]
        answer = next((i for i, t in enumerate(among.texts) if t == plain[3]), None)
        called = (names[0], names[1], names[2], names[3])
        options: dict[str, Any] = {"leave_out": own, "answer": answer, "k": k}
        return analogy(called, corners, among.vectors, among.texts, **options)

    def axes(self, x: "Thing", y: "Thing", things: "Sequence[Thing] | None" = None) -> ConceptAxes:
        """Things (the gallery without any) on two axes, such as `'"day" - "night"'`."""
        first, second = self._results([x, y])
        names = unparse(first.tree), unparse(second.tree)
        if things is None:
            shown = self._group("pictures")
        else:
            results = self._results(things)
            files = [self._files(r).get(unparse(r.tree)) for r in results]
            vectors = np.stack([r.vector for r in results])
            shown = Names([unparse(r.tree) for r in results], vectors, files)
        points = (shown.texts, shown.vectors, shown.paths)
        return concept_axes(names, (first.vector, second.vector), *points)

    def gap(self, texts: str = "words") -> Gap:
        """The gap between the gallery's pictures and "words" or "sentences"."""
        return gap(self._group("pictures").vectors, self._group(texts).vectors)

    def cone(self, of: str = "pictures") -> Cone:
        """The cone that the "pictures", "words" or "sentences" lie in."""
        return cone(self._group(of).vectors, of)

    def hubness(self, k: int = 10, of: str = "words", asked_by: str | None = None) -> Hubs:
        """How often each is among the `k` nearest: of one another, or of another group."""
        shown = self._group(of)
        queries = None if asked_by in (None, of) else self._group(str(asked_by)).vectors
        return hubness(shown.texts, shown.vectors, k, queries, of)

    def _results(self, things: "Sequence[Thing]") -> "list[Result]":
        from zcalc.result import Result

        if isinstance(things, str) or not isinstance(things, Sequence):
            raise ZcalcError("These are no things.", "Give a list: ['img(cat)', '\"a cat\"'].")
        if not things:
            raise ZcalcError("There is nothing to look at.", "Name pictures or texts.")
        results = [self._calculator(one) if isinstance(one, str) else one for one in things]
        for one, result in zip(things, results, strict=True):
            if not isinstance(result, Result):
                message = f"{one!r} is no one picture, text or sum of them"
                raise ZcalcError(message, 'Write img(cat), "a cat", or what they add up to.')
        return results

    def _files(self, result: "Result") -> dict[str, File]:
        return {unparse(n): picture.path for n, picture in result.operand_pictures.items()}

    def _group(self, of: str) -> Names:
        """Pictures, words or sentences with their unit vectors."""
        calculator = self._calculator
        if of in ("words", "sentences"):
            stored = calculator.vocabulary if of == "words" else calculator.sentences
            return Names(stored.texts, stored.vectors)
        if of != "pictures":
            message = f"There is no group {of!r}."
            raise ZcalcError(message, "The groups are pictures, words and sentences.")
        from zcalc.index import Index

        index = calculator.pictures
        if not isinstance(index, Index):
            message = "The gallery is served by a database, and its vectors stay there."
            raise ZcalcError(message, "Use an index in a folder, or name the pictures.")
        rows = spread_rows(len(index), _MOST)
        entries = [index.entry(int(row)) for row in rows]
        vectors = index.vectors.take(rows).astype(np.float32)
        return Names([e.name for e in entries], vectors, [File(e.path) for e in entries])


def shown_of(result: "Result", kind: str = "map", **settings: Any) -> Shown:
    """What of one expression a plot shows; raises ZcalcError for a kind that there isn't."""
    geometry = Geometry(result.calculator)
    if kind not in KINDS:
        raise ZcalcError(f"There is no plot {kind!r}.", f"The kinds are {', '.join(KINDS)}.")
    if kind in ("map", "cosines") and "k" in settings:
        raise ZcalcError(f"A plot of kind {kind!r} takes no k.", 'Leave it out, or kind="terms".')
    if kind in ("cosines", "terms") and "method" in settings:
        raise ZcalcError(f"A plot of kind {kind!r} takes no method.", "Leave it out.")
    many = kind in ("map", "cosines")
    return getattr(geometry, kind)([result] if many else result, **settings)


def _parts(result: "Result") -> tuple[np.ndarray, np.ndarray]:
    """What a result's terms add to it before it is normalised (m, d), and their weights (m,)."""
    toward: Any = result.objective
    weights = np.asarray(toward.weights, dtype=np.float64)
    return unit(np.asarray(toward.points)) * weights[:, None], weights


def _plain(result: "Result") -> str | None:
    """A text's words, a picture's name; nothing for a sum."""
    match result.tree:
        case Text(text):
            return text
        case Image(name):
            return name
        case _:
            return None
