"""What has a sentence: an embedding or a query, decoded by any decoder."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.algebra import unit
from zcalc.answer import Answer, View, skipped_note
from zcalc.decode.caption import Caption, latest
from zcalc.decode.captions import MODES, decode, max_updates
from zcalc.decode.comparison import ComparedCaption, Comparison
from zcalc.errors import ZcalcError
from zcalc.expression import Embedding, Expression, Scalar
from zcalc.index.hits import Hit, Hits
from zcalc.language import Call, Node, Text, operands
from zcalc.language.tree import SET
from zcalc.progress import track
from zcalc.words import StoredTexts, Word

if TYPE_CHECKING:
    from zcalc.decode.run import Target
    from zcalc.index import Skipped


class Decodable(Expression[Embedding, Scalar]):
    """A value with a sentence, words and pictures; each is computed when it is asked for.

    A notebook shows it as a card: the parts that its verb names or, without a verb, those of
    `card`.
    """

    card = View(caption={}, words=10, pictures=6)
    modes: Sequence[str] = MODES  # what `compare` captions in, by default

    @property
    @abstractmethod
    def vector(self) -> np.ndarray:
        """The direction that a decoder may read, (d,) float32 of length 1."""

    @abstractmethod
    def words(
        self, k: int = 10, *, keep_operands: bool = False, among: str | None = None
    ) -> list[Word]:
        """The `k` best words, best first."""

    @abstractmethod
    def nearest(self, k: int = 5, *args: Any, **query: Any) -> Hits:
        """The `k` best pictures of the gallery, best first."""

    @abstractmethod
    def target(self, mode: str = "vectors") -> "Target":
        """What a decoder writes toward."""

    @cached_property
    def _captions(self) -> dict[Any, tuple[Caption, float]]:
        """The captions so far by decoder and settings, with the seconds they took."""
        return {}

    def caption(
        self,
        method: str | None = None,
        *,
        mode: str = "vectors",
        on_token: Callable[[Caption], None] | None = None,
        **settings: Any,
    ) -> Caption:
        """Decode the point into a sentence; the same call returns the same caption at once.

        `method` is a decoder of `DECODERS`, the preset's by default; `settings` are the decoder's.
        `mode="scores"` does the arithmetic on the operands' cosines with the caption instead of on
        their vectors. `on_token` receives the growing caption. An interrupt returns what is there.
        """
        method = method or self.calculator.models.preset.method
        return self._decoded(method, mode, settings, on_token)[0]

    def _decoded(
        self,
        method: str,
        mode: str,
        settings: Mapping[str, Any],
        on_token: Callable[[Caption], None] | None = None,
    ) -> tuple[Caption, float]:
        """A caption, and the seconds that decoding it took; cached."""
        models, key = self.calculator.models, (method, mode, tuple(sorted(settings.items())))
        if key not in self._captions:
            target, before = self.target(mode), self.seconds["caption"]
            with self._timed("caption"):
                captions = decode(models, target, method, settings, self.calculator.seed)
                total = max_updates(models, method, settings)
                updates = track(captions, "Writing a caption", total, saying=lambda c: c.text)
                caption = latest(updates, on_token)
            self._captions[key] = caption, self.seconds["caption"] - before
        return self._captions[key]

    def compare(
        self, *methods: str, modes: Sequence[str] | None = None, **settings: Any
    ) -> Comparison:
        """Caption this with several decoders (the preset's by default), in all its modes."""
        models, rows = self.calculator.models, []
        chosen = self.modes if modes is None else modes
        pairs = [(m, mode) for m in methods or (models.preset.method,) for mode in chosen]
        for pair in track(pairs, "Comparing captions"):
            caption, seconds = self._decoded(*pair, settings)
            vector = unit(models.encoder.texts([caption.text]))[0]  # (d,)
            rows.append(ComparedCaption(*pair, caption, float(vector @ self.vector), seconds))
        return Comparison(self.expr, tuple(rows))

    def answer(self, view: View | None = None) -> Answer:
        """Compute what is shown: the parts that `view` names, by default `self.view`, each once."""
        view = self.view if view is None else view
        caption = None if view.caption is None else self.caption(**view.caption)
        keep = view.keep_operands
        words = self.words(view.words, keep_operands=keep, among=view.among) if view.words else None
        hits: list[Hit] | None = None
        skipped: tuple[Skipped, ...] = ()
        searched = 0
        if view.pictures:
            hits = self.nearest(view.pictures, keep_operands=keep, **view.query)
            skipped, searched = self.calculator.skipped, len(self.calculator.image_index)
        details = self._details(view)
        return Answer(
            expr=self.expr,
            model=self.calculator.models.name,
            tree=self.tree,
            name=self.name,
            operands=self.operand_pictures,
            captions=None if caption is None else caption.ranked,
            method="" if caption is None else caption.method,
            words=None if words is None else tuple(words),
            images=None if hits is None else tuple(hits),
            searched=searched,
            query={name: value for name, value in view.query.items() if name != "among"},
            skipped=skipped,
            notes=skipped_note(skipped),
            text_remarks=self.remarks,
            seconds=dict(self.seconds),
            **details,
        )

    def _details(self, view: View) -> dict[str, Any]:
        """What an answer of this kind has besides, by field."""
        return {}

    @abstractmethod
    def _answers(self, k: int) -> list[Word]:
        """The `k` words that a sentence should rather name, best first.

        Where something is subtracted they leave out the operands; a sum may name them: a dog on a
        beach is still a dog.
        """

    def _keywords(self, k: int) -> list[str]:
        """The words that an English sentence should rather name: none of other languages."""
        english = self.calculator.models.vocabulary.is_english
        return [word.text for word in self._answers(k)] if english else []

    def _own(self) -> list[str]:
        """The texts of the operands, and the names of the pictures where there are several."""
        nodes = set(operands(self.tree))
        own = [node.text for node in nodes if isinstance(node, Text)]
        if len(nodes) > 1:
            own += [picture.name for picture in self.operand_pictures.values()]
        return own

    def _own_paths(self) -> set[str]:
        """The files of the pictures that the expression names as a whole."""
        return {str(p.path) for n, p in self.operand_pictures.items() if n.box is None}

    def _vocabulary(self, among: str | None) -> StoredTexts:
        """The words to rank: the vocabulary, or one's own list in a file."""
        models = self.calculator.models
        return models.vocabulary if among is None else models.word_list(among)

    def _rows_among(self, among: "Expression[Any, Any] | Node | None") -> np.ndarray | None:
        """The rows (m,) of the index that a set means; None for all."""
        if among is None:
            return None
        tree = among.tree if isinstance(among, Expression) else among
        if not (isinstance(tree, Call) and tree.function == SET):
            raise ZcalcError("among takes a set of pictures.", 'Write calc.imgs("trips/*").')
        return self.calculator.set_rows(tree, self._source)
