"""The calculator: programs of the language go in, results come out."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc import hooks
from zcalc.adhoc import picture_operand, vector_operand
from zcalc.algebra import odd_one
from zcalc.decode.captions import BUDGET, caption_all, check_verb, setting_names
from zcalc.decode.decoders import DECODERS
from zcalc.errors import ZcalcError
from zcalc.expression import Expression
from zcalc.gallery import Gallery
from zcalc.language import Bound, Call, Keyword, Step, Text, image, number, plan
from zcalc.models.pair import Models
from zcalc.progress import notice
from zcalc.query_result import QueryResult
from zcalc.result import Result, Results
from zcalc.set_result import PictureSet
from zcalc.space import Space

if TYPE_CHECKING:
    import PIL.Image

    from zcalc.decode.caption import Caption
    from zcalc.index import Report
    from zcalc.language.completion import Completion

Folder = str | PathLike[str]


def load(  # noqa: PLR0913
    model: str = "mini",
    *,
    images: Folder | Sequence[Folder] | None = None,
    index: Folder | None = None,
    memory: str | None = None,
    clip: str | None = None,
    lm: str | None = None,
    vocabulary: Folder | Sequence[Folder] | None = None,
    caption_share: float | None = None,
    device: str = "auto",
    seed: int = 0,
    normalize: bool = True,
) -> "Calculator":
    """Create a calculator and load its encoder; the language model waits for the first caption.

    The arguments are those of `Calculator.create`. Raises ZcalcError for a preset, model, folder or
    index that can't be loaded.
    """
    calculator = Calculator.create(
        model,
        images=images,
        index=index,
        memory=memory,
        clip=clip,
        lm=lm,
        vocabulary=vocabulary,
        caption_share=caption_share,
        device=device,
        seed=seed,
        normalize=normalize,
    )
    _ = calculator.models.encoder
    return calculator


@dataclass(frozen=True, eq=False, repr=False)
class Calculator(Space):
    """Models and a gallery put together; `names` are the bindings of its programs so far.

    >>> calc = Calculator(Models.named("mini"))
    >>> calc.txt("tea") - 0.5 * calc.img("coffee")
    ("tea" - 0.5 * img(coffee))
    """

    names: dict[str, Bound] = field(default_factory=dict)

    @classmethod
    def create(  # noqa: PLR0913
        cls,
        model: str = "mini",
        *,
        images: Folder | Sequence[Folder] | None = None,
        index: Folder | Sequence[Folder] | None = None,
        memory: str | None = None,
        clip: str | None = None,
        lm: str | None = None,
        vocabulary: Folder | Sequence[Folder] | None = None,
        caption_share: float | None = None,
        allow_files: bool = False,
        device: str = "auto",
        seed: int = 0,
        normalize: bool = True,
    ) -> "Calculator":
        """Create a calculator from names and folders; models are loaded when first needed.

        `model` is a preset; `clip` and `lm` replace its encoder and language model (see
        `Encoder.load`, `LanguageModel.load`). `images` are folders of pictures; `index` is an index
        of pictures (a folder or `milvus:…`), or several folders whose results are merged, searched
        within `memory`, such as "4GB". Without
        either, the gallery is the sample pictures. `vocabulary` has the words to rank in place of
        the preset's: text files in UTF-8 with one entry per line, or languages (see `wordlists`).
        `caption_share`, from 0 to 4, says how much of a picture's caption goes into its point (at 1
        as much as the picture itself), by default as much as the preset says; an index keeps the
        share that it was built with. With `allow_files`, any picture file may be named by its path,
        not only those in the gallery's folders.
        """
        folders = [images] if isinstance(images, str | PathLike) else list(images or [])
        gallery = Gallery([Path(folder) for folder in folders]) if folders else None
        if index and gallery is None:
            from zcalc.index import IndexedGallery, open_indexes

            gallery = IndexedGallery(open_indexes(index, memory))
        models = Models.named(model, clip, lm, device, vocabulary)
        gallery = gallery or Gallery.samples()
        gallery.allow_files = allow_files
        calculator = cls(models, gallery, seed, normalize, caption_share=caption_share)
        if caption_share is not None and calculator.share != caption_share:
            shares = f"{calculator.share:g}, which is used instead of {caption_share:g}"
            notice(f"The index was built with a caption share of {shares}.")
        return calculator

    def __repr__(self) -> str:
        return f"<zcalc {self.models.name}, {len(self.gallery)} pictures>"

    def __call__(self, program: str) -> Any:  # Result, Scalar, or the Results of several
        """Evaluate a program: parse it and embed its operands; nothing is decoded yet.

        One statement returns its result, several a list of results. Bindings stay for later
        programs; a program that fails binds nothing. Raises LanguageError, with the place, for an
        error in the program, and ZcalcError where a model can't do what it asks for.
        """
        return self.run(*plan(program, self.names), program)

    def run(self, steps: Sequence[Step], bound: Mapping[str, Bound], source: str) -> Any:
        """Evaluate the statements of a program that is already planned."""
        for step in steps:
            if step.verb is not None:
                check_verb(step.verb, self.models, source)
        start = time.perf_counter() - self.models.load_seconds
        evaluation = self.evaluation([step.tree for step in steps], source)
        results = [Expression.of_step(self, step, evaluation, source) for step in steps]
        results[0].seconds["embed"] = time.perf_counter() - self.models.load_seconds - start
        for result in results:
            result.evaluate()
        self.names.update(bound)
        return results[0] if len(results) == 1 else Results(results)

    def with_gallery(self, gallery: Gallery) -> "Calculator":
        """The same models and settings on another gallery, with names of its own."""
        return replace(self, gallery=gallery, names=dict(self.names))

    def complete(self, text: str, cursor: int | None = None) -> "Completion":
        """Completions at the cursor (by default the end): names, functions, pictures."""
        from zcalc.language.completion import complete

        pictures = [*(picture.name for picture in self.gallery), *self.adhoc]
        position = len(text) if cursor is None else cursor
        settings = partial(setting_names, self.models.preset)
        return complete(text, position, tuple(self.names), pictures, DECODERS, settings)

    def img(self, name: str) -> Result:
        """A picture as an operand: `calc.img("coffee") - calc.txt("coffee")`."""
        return Result(self, image(name))

    def txt(self, text: str) -> Result:
        """A text as an operand."""
        return Result(self, Text(text))

    def imgs(
        self, pattern: str | None = None, *, where: str | None = None, most: int | None = None
    ) -> PictureSet:
        """A set of pictures: `calc.imgs("trips/*")`, `calc.imgs(where="year > 2010")`."""
        given = [] if pattern is None else [Text(pattern)]
        named = {"where": where and Text(where), "most": most and number(most)}
        keywords = [Keyword(name, value) for name, value in named.items() if value]
        return PictureSet(self, Call("imgs", (*given, *keywords)))

    def odd_one(self, *things: "str | Result") -> "str | Result":
        """The one that fits the others least: texts, or results such as `calc.img("cat")`.

        It has the lowest cosine with the mean direction of all, as gensim's `doesnt_match` has it.
        Raises ZcalcError for fewer than three.

        >>> import zcalc
        >>> zcalc.load("mini").odd_one("breakfast", "lunch", "dinner", "rocket")
        'rocket'
        """
        if len(things) < 3:
            hint = 'For example: calc.odd_one("breakfast", "lunch", "rocket").'
            raise ZcalcError(f"Nothing is odd among {len(things)}; give three or more.", hint)
        results = [self.txt(thing) if isinstance(thing, str) else thing for thing in things]
        return things[odd_one(np.stack([result.vector for result in results]))]

    def lab(self, expr: str = "") -> Any:
        """The image-algebra widget: build an expression by hand, with live results beside it."""
        return hooks.lab(self, expr)

    def search(self, expr: str = "") -> Any:
        """The search widget: search the gallery with pictures, words and an expression."""
        return hooks.search(self, expr)

    def add_picture(
        self,
        picture: "PIL.Image.Image | Path",
        name: str | None = None,
        caption: str | None = None,
    ) -> str:
        """Add a picture that is in no gallery; returns the name to use in `img(name)`.

        The default name is its file's, the default caption that in the text file beside it ("" for
        none). A taken name gets a number; the same picture with the same caption under the same
        name is added once. Raises ZcalcError for anything that is not a picture.
        """
        return self.adhoc.add(picture_operand(picture, name, caption), self.gallery)

    def add_vector(self, vector: np.ndarray, name: str) -> str:
        """Add an embedding (d,) for use in `img(name)`; `center` treats it as a picture.

        Raises ZcalcError if it has another shape than the encoder's embeddings, is not finite, or
        is all zeros.
        """
        operand = vector_operand(vector, self.models.encoder.dim, name)
        return self.adhoc.add(operand, self.gallery)

    def save_names(self, file: "str | PathLike[str]", names: Sequence[str] | None = None) -> int:
        """Write what names stand for to a `.zvec` file: all embeddings, or some (see `named`)."""
        from zcalc.named import save

        return save(self, Path(file), names)

    def load_names(self, file: "str | PathLike[str]") -> None:
        """Bind the names of a `.zvec` file; raises ZcalcError for another encoder's vectors."""
        from zcalc.named import load

        load(Path(file)).put_into(self)

    def captions(
        self,
        expressions: "Sequence[str | Result]",
        method: str | None = None,
        *,
        mode: str = "vectors",
        budget: int = BUDGET,
        **settings: Any,
    ) -> "list[Caption]":
        """Caption many expressions, as many at once as fit into `budget` bytes.

        Each caption is the one that `Result.caption` returns for the same `mode` and `settings`. An
        interrupt returns the captions so far: the last may be unfinished, later ones are missing.
        """
        results = [self(e) if isinstance(e, str) else e for e in expressions]
        if not all(isinstance(result, Result | QueryResult) for result in results):
            hint = "Pass expressions with one embedding or query each."
            raise ZcalcError("Numbers and programs of several statements have no caption.", hint)
        targets = [result.target(mode) for result in results]
        decoder = method or self.models.preset.method
        return caption_all(self.models, targets, decoder, settings, seed=self.seed, budget=budget)

    @property
    def geometry(self) -> Any:
        """Measures of the embedding space, each with numbers and a plot: `calc.geometry.gap()`."""
        return hooks.geometry(self)

    def map(self, things: "Sequence[str | Result] | None" = None, method: str = "pca") -> Any:
        """Expressions, by default the whole gallery, projected onto a plane: `geometry.map`."""
        return self.geometry.map(things, method)

    def index(
        self,
        sources: Folder | Sequence[Folder],
        to: Folder,
        *,
        column: str | None = None,
        caption_column: str | None = None,
        engine: str = "local",
        **settings: Any,
    ) -> "Report":
        """Build an index of these pictures and no others at `to`, or update the one there.

        `sources` are folders, tar shards, and CSV or Parquet files with a `column` of paths and,
        if it is named, a `caption_column`, which may also be a field of the JSON files in shards;
        without any, they are those of the index. `engine` is "local" or "ray", `settings` are those
        of `zcalc.index.Settings`: with `keep_others`, the index keeps the pictures of other
        sources. An interrupted build resumes when it is called again.
        Raises AtStake if it would drop a source, or one that had pictures has none now (see
        `Settings.replace` and `prune`); ZcalcError if there are no pictures to read or `to` can't
        be written.
        """
        from zcalc.index import Settings, engine_of, known_source, known_sources, source_of, update

        places = [sources] if isinstance(sources, str | PathLike) else sources
        settings.setdefault("caption_share", self.caption_share)
        settings.setdefault("new_share", self.models.preset.caption_share)
        coder = engine_of(engine, self.models.clip, self.models.device)
        chosen = Settings(coder, caption_column=caption_column, **settings)
        known = known_sources(Path(to))
        if not places and any(info.imported for info in known):
            chosen = replace(chosen, keep_others=True)  # what was imported isn't listed again
        source = source_of(places, column, known) if places else known_source(Path(to))
        index, report = update(source, self.models.lazy_encoder, Path(to), chosen)
        _ = index.structure  # built now rather than by the first query
        return report
