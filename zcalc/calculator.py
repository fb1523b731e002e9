"""The calculator: a pair of models and a gallery; an expression goes in, a Result comes out."""

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.algebra import unit
from zcalc.captions import caption_each
from zcalc.errors import ZcalcError
from zcalc.evaluator import Evaluation
from zcalc.gallery import Gallery, Picture
from zcalc.given import Given, picture_of, vector_of
from zcalc.language import Bound, Image, Node, Step, Text, Type, image, operands, placed, plan
from zcalc.pair import Pair
from zcalc.storage import cache_folder, digest

if TYPE_CHECKING:
    import PIL.Image

    from zcalc.decode.caption import Caption
    from zcalc.geometry.maps import Map
    from zcalc.geometry.session import Geometry
    from zcalc.index import Index, Report, Skipped
    from zcalc.index.milvus import Served
    from zcalc.index.query import Searchable
    from zcalc.language.completion import Completion
    from zcalc.notebook.lab import Lab
    from zcalc.notebook.search import Search
    from zcalc.result import Result

Folder = str | PathLike[str]


def load(  # noqa: PLR0913
    model: str = "mini",
    *,
    images: Folder | Sequence[Folder] | None = None,
    index: Folder | None = None,
    memory: str | None = None,
    clip: str | None = None,
    lm: str | None = None,
    device: str = "auto",
    seed: int = 0,
    normalize: bool = True,
) -> "Calculator":
    """Make a calculator and load its encoder; the language model waits for the first caption.

    `model` is a preset; `clip` and `lm` put another encoder or language model in its place (see
    `Encoder.load`, `LanguageModel.load`). `images` are folders of pictures, `index` is an index of
    them (a folder, or `milvus:…`, see `index.milvus`), which searching may take `memory` for, such
    as "4GB"; without either, the gallery is the sample pictures. `normalize=False` adds up the
    models' raw features, as the ZeroCap authors' code does.
    Raises ZcalcError for a preset or folder that can't be reached.
    """
    folders = [images] if isinstance(images, str | PathLike) else (images or [])
    calculator = Calculator(
        model,
        folders,
        index,
        memory=memory,
        clip=clip,
        lm=lm,
        device=device,
        seed=seed,
        normalize=normalize,
    )
    _ = calculator.encoder
    return calculator


class Calculator(Pair):
    """Models and a gallery, each loaded or read when it is first needed.

    >>> calc = Calculator("mini")
    >>> calc.txt("tea") - 0.5 * calc.img("coffee")
    ("tea" - 0.5 * img(coffee))
    """

    def __init__(  # noqa: PLR0913
        self,
        model: str = "mini",
        images: Sequence[Folder] = (),
        index: Folder | None = None,
        *,
        memory: str | None = None,
        clip: str | None = None,
        lm: str | None = None,
        device: str = "auto",
        seed: int = 0,
        normalize: bool = True,
    ) -> None:
        super().__init__(model, clip, lm, device)
        self.seed = seed
        self.normalize = normalize
        self.names: dict[str, Bound] = {}  # what its programs have bound so far
        self.given = Given()  # pictures and embeddings that are in no gallery
        self._index_place = index
        self._memory = memory
        roots = [Path(folder) for folder in images]
        self.gallery = Gallery(roots) if roots else Gallery.samples()
        if index is not None and not roots:
            from zcalc.index.opened import gallery_of, open_named

            self.gallery = gallery_of(open_named(index, memory))

    def __repr__(self) -> str:
        return f"<zcalc {self.model}, {len(self.gallery)} pictures>"

    def __call__(self, program: str) -> Any:  # Result, Scalar, or the Results of several
        """Read a program and embed it; nothing is decoded yet.

        One statement gives its result, several a list of theirs. What they bind is known from then
        on; a program that fails binds nothing. Raises LanguageError, with the place, for what is
        wrong with the program, and ZcalcError where a model can't do what it asks.
        """
        return self.run(*plan(program, self.names), program)

    def run(self, steps: Sequence[Step], bound: Mapping[str, Bound], source: str) -> Any:
        """Embed the statements of a program that was read already, as calling does."""
        from zcalc.result import Result, Results, Scalar

        begin = time.perf_counter() - self.seconds
        evaluation = self.evaluation([step.tree for step in steps], source)
        results = [
            (Scalar if step.type is Type.NUMBER else Result).of(self, step, evaluation, source)
            for step in steps
        ]
        results[0].seconds["embed"] = time.perf_counter() - self.seconds - begin
        for result in results:
            _ = result.value if isinstance(result, Scalar) else result.vector
        self.names = {**self.names, **bound}
        return results[0] if len(results) == 1 else Results(results)

    def complete(self, text: str, cursor: int | None = None) -> "Completion":
        """What could go on at the cursor (without one, the end): names, functions, pictures."""
        from zcalc.language.completion import complete

        pictures = [*(picture.name for picture in self.gallery), *self.given]
        at = len(text) if cursor is None else cursor
        return complete(text, at, tuple(self.names), pictures)

    def img(self, name: str) -> "Result":
        """A picture by its name, to calculate with: `calc.img("coffee") - calc.txt("coffee")`."""
        from zcalc.result import Result

        return Result(self, image(name))

    def txt(self, text: str) -> "Result":
        """A text, to calculate with."""
        from zcalc.result import Result

        return Result(self, Text(text))

    def lab(self, expr: str = "") -> "Lab":
        """A widget to put an expression together by hand, with what it comes to beside it."""
        from zcalc.notebook.lab import Lab

        return Lab(self, expr)

    def search(self, expr: str = "") -> "Search":
        """A widget to search the gallery with pictures, words and an expression."""
        from zcalc.notebook.search import Search

        return Search(self, expr)

    def add_picture(self, picture: "PIL.Image.Image | Path", name: str | None = None) -> str:
        """Keep a picture that is in no gallery; gives the name of it for `img(name)`.

        Without a `name` it has its file's. Where the name is taken it gets a number; the same
        picture under the same name is kept once. Raises ZcalcError for what is no picture.
        """
        return self.given.add(picture_of(picture, name), self.gallery)

    def add_vector(self, vector: np.ndarray, name: str) -> str:
        """Keep an embedding (d,) under a name for `img(name)`; `center` counts it as a picture.

        Raises ZcalcError where it is not one of this encoder's, or not finite, or zero.
        """
        return self.given.add(vector_of(vector, self.encoder.dim, name), self.gallery)

    def captions(
        self, expressions: "Sequence[str | Result]", method: str | None = None, **options: Any
    ) -> "list[Caption]":
        """Decode many expressions together; the options are those of `captions.caption_each`."""
        return caption_each(self, expressions, method, **options)

    @property
    def geometry(self) -> "Geometry":
        """Measures of its space: `calc.geometry.gap()`, each with numbers and a plot."""
        from zcalc.geometry.session import Geometry

        return Geometry(self)

    def map(self, things: "Sequence[str | Result] | None" = None, method: str = "pca") -> "Map":
        """Expressions, or without any the gallery, on a plane: `geometry.map`."""
        return self.geometry.map(things, method)

    def index(
        self,
        sources: Folder | Sequence[Folder],
        to: Folder,
        *,
        column: str | None = None,
        engine: str = "local",
        **settings: Any,
    ) -> "Report":
        """Build an index of pictures at `to`, or bring the one there up to date.

        `sources` are folders, tar shards, and CSV or Parquet files with a `column` of paths;
        `engine` is "local" or "ray", `settings` are those of `zcalc.index.Settings`. Interrupted,
        it goes on where it was when it is called again.
        Raises ZcalcError where there are no pictures to read, or `to` can't be written.
        """
        from zcalc.index import Settings, engine_of, source_of, update

        places = [sources] if isinstance(sources, str | PathLike) else sources
        chosen = Settings(engine_of(engine, self._clip, self._device), **settings)
        index, report = update(source_of(places, column), self._late_encoder, Path(to), chosen)
        _ = index.structure  # made now, not by the first query
        return report

    @cached_property
    def pictures(self) -> "Index | Served":
        """The gallery's index: the one that was named, or one kept up to date in the cache."""
        from zcalc.index import CannotWrite, Named, Settings, update
        from zcalc.index.samples import picture_engine

        if self._index_place is not None:
            from zcalc.index.opened import open_named

            return open_named(self._index_place, self._memory, self.encoder.identity)
        about = [self.encoder.identity, *map(str, self.gallery.roots)]
        folder = cache_folder("index", digest("\n".join(about))[:16])
        settings = Settings() if self.gallery.roots else Settings(picture_engine(about[0]))
        try:
            return update(Named(self.gallery), self.encoder, folder, settings)[0]
        except CannotWrite:
            return update(Named(self.gallery), self.encoder, settings=settings)[0]

    @cached_property
    def searched(self) -> "Searchable":
        """The gallery's pictures, to be searched."""
        from zcalc.index import Index
        from zcalc.index.query import Local

        return Local(self.pictures) if isinstance(self.pictures, Index) else self.pictures

    @property
    def skipped(self) -> "tuple[Skipped, ...]":
        """The pictures of the gallery that could not be read, and why."""
        from zcalc.index import Skipped

        return tuple(Skipped(e.path, e.skipped) for e in self.pictures.skipped)

    def find(self, node: Image, source: str) -> Picture:
        """The picture that an expression names; raises LanguageError with its place."""
        if given := self.given.get(node.name):
            return given
        with placed(source, node.span):
            return self.gallery.find(node.name)

    def evaluation(self, trees: Sequence[Node], source: str) -> Evaluation:
        """What evaluates expressions: their operands embedded, one batch of each modality."""
        nodes = dict.fromkeys(node for tree in trees for node in operands(tree))
        images = [node for node in nodes if isinstance(node, Image)]
        texts = [node for node in nodes if isinstance(node, Text)]
        found = {node: self.find(node, source) for node in images}
        known = {node: one.vector for node, one in found.items() if one.vector is not None}
        images = [node for node in images if node not in known]
        opened = []
        for node in images:
            with placed(source, node.span):
                opened.append(found[node].open())
        text_rows = self.encoder.texts([node.text for node in texts])  # (t, d)
        picture_rows = self.encoder.images(opened)  # (p, d)
        rows = np.concatenate([picture_rows, text_rows, *(v[None] for v in known.values())])
        rows = unit(rows.astype(np.float64)) if self.normalize else rows.astype(np.float64)
        vectors = dict(zip([*images, *texts, *known], rows, strict=True))
        return Evaluation({node: vectors[node] for node in nodes}, source, lambda: self.means)

    @cached_property
    def means(self) -> tuple[np.ndarray, np.ndarray]:
        """The mean picture and the mean text, two (d,): the preset's, else gallery and vocabulary.

        A preset without means of its own takes the gallery's pictures and the vocabulary's words.
        """
        if not self.normalize:
            hint = "Leave normalize=False (--raw) out."
            raise ZcalcError("center( ) needs embeddings of length 1", hint)
        if self.preset.means:
            from safetensors.numpy import load_file

            stored = load_file(self.preset.means)
            return stored["image"], stored["text"]
        return self.pictures.means, self.vocabulary.vectors.mean(axis=0, dtype=np.float64)
