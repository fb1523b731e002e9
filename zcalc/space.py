"""The space that expressions live in: a pair of models and a gallery, evaluated and searched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from zcalc.adhoc import AdHoc
from zcalc.algebra import unit
from zcalc.compound import Spread
from zcalc.errors import ZcalcError
from zcalc.evaluator import Evaluation
from zcalc.gallery import Gallery, Picture
from zcalc.index.sets import check_pattern, rows_of
from zcalc.language import Call, Image, Node, Text, error_at, errors_at, operands, sets, unparse
from zcalc.models.pair import Models
from zcalc.progress import notice
from zcalc.sidecars import check_share, with_captions
from zcalc.storage import cache_folder, digest

if TYPE_CHECKING:
    from zcalc.index import Index, Skipped
    from zcalc.index.milvus import Served
    from zcalc.index.query import Searchable


@dataclass(frozen=True, eq=False, repr=False)
class Space:
    """Models and a gallery, with what is computed from both; each part is loaded when needed.

    `seed` is the decoders'. `normalize=False` adds up raw features, as the ZeroCap authors' code
    does. `adhoc` holds pictures and embeddings that are in no gallery. `caption_share` replaces the
    preset's; raises ZcalcError unless it is between 0 and 4.
    """

    models: Models
    gallery: Gallery = field(default_factory=Gallery.samples)
    seed: int = 0
    normalize: bool = True
    adhoc: AdHoc = field(default_factory=AdHoc)
    caption_share: float | None = None

    def __post_init__(self) -> None:
        """Check the share of captions."""
        check_share(self.share if self.caption_share is None else self.caption_share)

    @cached_property
    def share(self) -> float:
        """How much of a picture's caption goes into its point (see `algebra.captioned`).

        An opened index has its own share, so that operands agree with the pictures they find.
        """
        own = self.gallery.caption_share
        asked = self.caption_share if own is None else own
        return self.models.preset.caption_share if asked is None else asked

    def picture(self, node: Image, source: str) -> Picture:
        """The picture that an `img` names, with the caption that goes into its point, if any.

        Raises LanguageError at its place in `source`.
        """
        picture = self.adhoc.get(node.name)
        if picture is None:
            with errors_at(source, node.span):
                picture = self.gallery.find(node.name)
        if node.box is None:
            return replace(picture, caption_source=picture.caption if self.share else None)
        if picture.vector is not None:
            message = f"{node.name} is an embedding, which has no parts"
            raise error_at(source, node.span, message, "Use crop on a picture.")
        return replace(picture, caption_source=None, box=node.box)  # its caption is of the whole

    def evaluation(self, trees: Sequence[Node], source: str) -> Evaluation:
        """Embed the operands of some expressions, one batch per modality."""
        for tree in trees:
            self._check_sets(tree, source)
        nodes = dict.fromkeys(node for tree in trees for node in operands(tree))
        texts = [node for node in nodes if isinstance(node, Text)]
        pictures = {n: self.picture(n, source) for n in nodes if isinstance(n, Image)}
        vectors = {n: p.vector for n, p in pictures.items() if p.vector is not None}
        vectors |= self._stored(pictures)
        images = [node for node in pictures if node not in vectors]
        for node in texts:
            check_text(node, source)
        encoder = self.models.encoder
        text_rows = encoder.texts([node.text for node in texts])  # (t, d)
        captions = [pictures[node].caption for node in images]
        raw_images = self._embed(images, pictures, source)  # (p, d)
        image_rows = with_captions(encoder, raw_images, captions, self.share)  # (p, d)
        rows = np.concatenate([image_rows, text_rows, *(v[None] for v in vectors.values())])
        rows = unit(rows.astype(np.float64)) if self.normalize else rows.astype(np.float64)
        embedded = dict(zip([*images, *texts, *vectors], rows, strict=True))
        found = {one: self.set_vectors(one, source) for tree in trees for one in sets(tree)}
        operand_vectors = {node: embedded[node] for node in nodes}
        return Evaluation(operand_vectors, source, lambda: self.means, found)

    def _stored(self, pictures: Mapping[Image, Picture]) -> dict[Image, np.ndarray]:
        """The vectors (d,) of pictures that the opened index has; their files may be away.

        Raw features are not in an index.
        """
        gallery, adhoc = self.gallery, self.adhoc
        if not self.normalize:
            return {}
        whole = [n for n in pictures if n.box is None and adhoc.get(n.name) is None]
        model = self.models.encoder.identity
        found = {n: gallery.stored(pictures[n].name, model) for n in whole}
        return {n: vector for n, vector in found.items() if vector is not None}

    def _embed(
        self, nodes: Sequence[Image], pictures: Mapping[Image, Picture], source: str
    ) -> np.ndarray:
        """Raw embeddings (p, d) of pictures; those of sample pictures are shipped."""
        from zcalc.index.samples import shipped_embedding

        rows, opened = {}, {}
        for node in nodes:
            shipped = shipped_embedding(pictures[node], self.models.encoder.identity)
            if shipped is None:
                with errors_at(source, node.span):
                    opened[node] = pictures[node].open()
            else:
                rows[node] = shipped
        names = [unparse(node) for node in opened]
        encoded = self.models.encoder.images(opened.values(), names)
        rows |= zip(opened, encoded, strict=True)
        return np.stack([rows[node] for node in nodes]) if nodes else encoded

    def check_names(self, tree: Node, source: str) -> None:
        """Raise LanguageError for a picture or set that isn't there; loads no model."""
        for node in operands(tree):
            if isinstance(node, Image):
                self.picture(node, source)
            else:
                check_text(node, source)
        self._check_sets(tree, source)

    def _check_sets(self, tree: Node, source: str) -> None:
        index = getattr(self.gallery, "index", None)
        for node in sets(tree):
            with errors_at(source, node.span):
                if index is None:
                    check_pattern(self.gallery, node)
                elif node not in self._rows:
                    self._rows[node] = rows_of(index, node)

    @cached_property
    def _rows(self) -> dict[Call, np.ndarray]:
        """The rows of the sets so far: an index doesn't change while it is open."""
        return {}

    def set_rows(self, node: Call, source: str) -> np.ndarray:
        """The rows (m,) in the gallery's index of the pictures of an `imgs`.

        Raises LanguageError at its place if there are none, or more than it allows.
        """
        if node not in self._rows:
            with errors_at(source, node.span):
                self._rows[node] = rows_of(self.image_index, node)
        return self._rows[node]

    def set_vectors(self, node: Call, source: str) -> np.ndarray:
        """The unit vectors (m, d) of the pictures of an `imgs`, from the gallery's index."""
        rows = self.set_rows(node, source)
        if not self.normalize:
            message = "A set has stored embeddings, which are of length 1"
            raise error_at(source, node.span, message, "Remove normalize=False (--raw).")
        return unit(self.searchable.take(rows).astype(np.float64))

    @cached_property
    def picture_spread(self) -> Spread:
        """Mean and covariance of the gallery's pictures."""
        return self.image_index.spread

    @cached_property
    def text_spread(self) -> Spread:
        """Mean and covariance of the vocabulary's texts."""
        return Spread.of([self.models.vocabulary.vectors])

    @cached_property
    def image_index(self) -> "Index | Served":
        """The index of the gallery: the one it was opened from, or one kept in the cache folder.

        Raises ZcalcError if the gallery's index was made by another encoder.
        """
        from zcalc.index import CannotWrite, GallerySource, IndexedGallery, Settings, update
        from zcalc.index.samples import picture_engine

        identity = self.models.encoder.identity
        if isinstance(self.gallery, IndexedGallery):
            self.gallery.index.require_model(identity)
            return self.gallery.index
        key = digest("\n".join([identity, *map(str, self.gallery.roots)]))[:16]
        settings = Settings(caption_share=self.share, replace=True, prune=True)
        if not self.gallery.roots:
            settings = replace(settings, engine=picture_engine(identity))
        source, encoder = GallerySource(self.gallery), self.models.encoder
        try:
            return update(source, encoder, cache_folder("index", key), settings)[0]
        except CannotWrite as error:
            notice(
                f"{error.message} So pictures without stored embeddings are read again each time. "
                "Set ZCALC_CACHE to a folder that you may write."
            )
            return update(source, encoder, settings=settings)[0]

    @cached_property
    def searchable(self) -> "Searchable":
        """The gallery's index, ready to be searched."""
        from zcalc.index import Index
        from zcalc.index.query import Local

        index = self.image_index
        return Local(index) if isinstance(index, Index) else index

    def search_among(self, rows: np.ndarray | None) -> "Searchable":
        """The gallery's index, or only some rows (m,) of it, ready to be searched."""
        from zcalc.index import Index
        from zcalc.index.query import Local

        index = self.image_index
        if rows is None or not isinstance(index, Index):
            return self.searchable
        return Local(index, rows)

    @property
    def skipped(self) -> "tuple[Skipped, ...]":
        """The pictures of the gallery that could not be read, with the reason."""
        from zcalc.index import Skipped

        return tuple(Skipped(e.path, e.skipped) for e in self.image_index.skipped)

    @cached_property
    def means(self) -> tuple[np.ndarray, np.ndarray]:
        """The mean picture and the mean text, two (d,).

        Presets that don't store them use the gallery's pictures and their own vocabulary's words.
        """
        if not self.normalize:
            hint = "Remove normalize=False (--raw)."
            raise ZcalcError("center() needs embeddings of length 1", hint)
        if self.models.preset.means:
            from safetensors.numpy import load_file

            stored = load_file(self.models.preset.means)
            return stored["image"], stored["text"]
        words = self.models.plain_vocabulary.vectors
        return self.image_index.mean, words.mean(axis=0, dtype=np.float64)


def check_text(node: Text, source: str) -> None:
    """Raise LanguageError for a text of blanks: encoders give it a point, but it means nothing.

    A NUL character is refused too; tokenizers end the text there, or drop it.
    """
    if "\0" in node.text:
        message = "The text contains a NUL character"
        raise error_at(source, node.span, message, "Remove it: no text has one on purpose.")
    if not node.text.strip():
        raise error_at(source, node.span, "The text is empty", "Write something in the quotes.")
