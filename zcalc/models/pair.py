"""A pair of models, an encoder and a language model, each loaded when it is first needed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from zcalc.errors import ZcalcError
from zcalc.models.presets import PRESETS, Preset, source
from zcalc.models.random_pairs import measured
from zcalc.ranking import Ranking
from zcalc.wordlists import Entry, Source, read_texts, word_lists
from zcalc.words import StoredTexts

if TYPE_CHECKING:
    from zcalc.models.encoder import Encoder
    from zcalc.models.identity import LazyEncoder
    from zcalc.models.language_model import LanguageModel
    from zcalc.models.mini_lm import MiniLanguageModel
    from zcalc.models.prefix import PrefixModel

Model = TypeVar("Model")


@dataclass(frozen=True, eq=False)
class Models:
    """A preset, or a replacement for one of its models, with the texts embedded for it.

    `clip` and `lm` say where the encoder and the language model come from, `device` where they run.
    `words` are ranked in place of the preset's vocabulary.
    """

    preset: Preset
    clip: str
    lm: str
    device: str = "auto"
    name: str = ""
    words: tuple[Entry, ...] | None = None
    _load_times: list[float] = field(default_factory=list, init=False, repr=False)

    @classmethod
    def named(
        cls,
        preset: str = "mini",
        clip: str | None = None,
        lm: str | None = None,
        device: str = "auto",
        vocabulary: Source | Sequence[Source] | None = None,
    ) -> "Models":
        """The models of a preset; `clip` and `lm` replace its encoder and language model.

        `vocabulary`, word lists (see `wordlists`), replaces its words. No model is loaded yet.
        Raises ZcalcError for an unknown preset and for a word list that can't be read.
        """
        settings = _preset(preset)
        if clip:  # these are for the preset's encoder
            settings = replace(
                settings,
                decoder={},
                method="zerocap",
                means=None,
                ranking=Ranking(),
                caption_share=0.0,
                random_cosine=None,
                prefix=None,
                suggests_both=True,
            )
        elif lm and lm != preset:  # settings of decoders are tuned for the pair
            settings = replace(settings, decoder={}, prefix=None)
        name = "+".join([clip or preset, *([lm] if lm else [])])
        words = None
        if vocabulary:
            lists = [vocabulary] if isinstance(vocabulary, str | PathLike) else vocabulary
            words = word_lists(lists)
            # Only the preset's own words are sorted by frequency.
            settings = replace(settings, ranking=replace(settings.ranking, common=0.0))
        return cls(settings, clip or preset, lm or preset, device, name, words)

    @property
    def load_seconds(self) -> float:
        """How long loading models has taken so far, in seconds."""
        return sum(self._load_times)

    @property
    def is_loaded(self) -> bool:
        """Whether the encoder is loaded."""
        return "encoder" in vars(self)

    @cached_property
    def encoder(self) -> "Encoder":
        """The encoder of pictures and texts."""

        def load() -> "Encoder":
            from zcalc.models.encoder import Encoder

            return Encoder.load(self.clip, self.device)

        return self._timed(load)

    @cached_property
    def language_model(self) -> "LanguageModel | MiniLanguageModel":
        """The language model that writes captions."""

        def load() -> "LanguageModel | MiniLanguageModel":
            from zcalc.models.mini_lm import FOLDER, MiniLanguageModel

            if source(self.lm, "lm") == str(FOLDER):
                return MiniLanguageModel(self.device)

            from zcalc.models.language_model import LanguageModel

            return LanguageModel.load(self.lm, self.device)

        return self._timed(load)

    @cached_property
    def prefix(self) -> "PrefixModel":
        """The preset's prefix decoder; raises ZcalcError if there is none for these models."""
        if self.preset.prefix is None:
            raise ZcalcError(
                f"{self.name} has no prefix decoder.",
                "Train one (zcalc decoder train --help) and give its folder as the method.",
            )

        def load() -> "PrefixModel":
            from zcalc.models.prefix import PrefixModel

            folder = Path(str(self.preset.prefix))
            return PrefixModel.load(folder, self.encoder.identity, self.language_model.device)

        return self._timed(load)

    @property
    def lazy_encoder(self) -> "Encoder | LazyEncoder":
        """The encoder; not loaded yet if its identity is cached."""
        from zcalc.models.identity import LazyEncoder, cached_identity

        identity = None if self.is_loaded else cached_identity(self.clip)
        return LazyEncoder(*identity, lambda: self.encoder) if identity else self.encoder

    @property
    def random_cosine(self) -> float | None:
        """The mean cosine of random pairs of pictures and words, if it was measured."""
        known = self.preset.random_cosine
        return measured(self.encoder.identity) if known is None else known

    @cached_property
    def vocabulary(self) -> StoredTexts:
        """The words that `words` ranks, by the preset's ranking and templates."""
        words = word_lists(self.preset.vocabulary) if self.words is None else self.words
        return StoredTexts(words, self.encoder, self.preset.ranking, self.preset.templates)

    def check_count(self, k: int) -> None:
        """Raise ZcalcError if the vocabulary has fewer than `k` words; loads no model."""
        words = word_lists(self.preset.vocabulary) if self.words is None else self.words
        if k > len(words):
            message = f"The vocabulary has {len(words):,} words, fewer than {k:,}"
            raise ZcalcError(message, "Ask for a handful: parts(6).")

    def word_list(self, file: Source) -> StoredTexts:
        """One's own words in a file, ranked as the vocabulary is; "sentences" are the stored ones.

        Raises ZcalcError if the file can't be read.
        """
        if file == "sentences":
            return self.sentences
        ranking = replace(self.preset.ranking, common=0.0)
        entries = word_lists([file])
        return StoredTexts(entries, self.encoder, ranking, self.preset.templates, "the words")

    @cached_property
    def plain_vocabulary(self) -> StoredTexts:
        """The preset's words by the vectors of their texts alone."""
        return StoredTexts(word_lists(self.preset.vocabulary), self.encoder)

    @cached_property
    def sentences(self) -> StoredTexts:
        """The sentences that the decoder `retrieve` chooses from."""
        entries = [Entry(text) for text in read_texts("captions.txt")]
        return StoredTexts(entries, self.encoder, label="the sentences")

    def _timed(self, load: Callable[[], Model]) -> Model:
        start = time.perf_counter()
        model = load()
        self._load_times.append(time.perf_counter() - start)
        return model


def _preset(name: str) -> Preset:
    if name in PRESETS:
        return PRESETS[name]
    close = get_close_matches(name.lower(), PRESETS, n=1)
    did_you_mean = f"Did you mean {close[0]!r}? " if close else ""
    raise ZcalcError(
        f"Unknown preset {name!r}.",
        f"{did_you_mean}Presets: {', '.join(PRESETS)}. For other models pass clip and lm.",
    )
