"""A pair of models, an encoder and a language model, each loaded when it is first needed."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from zcalc.errors import ZcalcError
from zcalc.models.presets import PRESETS, Preset
from zcalc.ranking import Ranking
from zcalc.words import StoredTexts

if TYPE_CHECKING:
    from zcalc.models.encoder import Encoder
    from zcalc.models.identity import LazyEncoder
    from zcalc.models.language_model import LanguageModel

Model = TypeVar("Model")


@dataclass(frozen=True, eq=False)
class Models:
    """A preset, or a replacement for one of its models, with the texts embedded for it.

    `clip` and `lm` say where the encoder and the language model come from, `device` where they run.
    """

    preset: Preset
    clip: str
    lm: str
    device: str = "auto"
    name: str = ""
    _load_times: list[float] = field(default_factory=list, init=False, repr=False)

    @classmethod
    def named(
        cls,
        preset: str = "mini",
        clip: str | None = None,
        lm: str | None = None,
        device: str = "auto",
    ) -> "Models":
        """The models of a preset; `clip` and `lm` replace its encoder and language model.

        Nothing is loaded yet. Raises ZcalcError for an unknown preset.
        """
        settings = _preset(preset)
        if clip:  # the preset's settings are tuned for its own encoder
            settings = replace(
                settings, decoder={}, method="zerocap", means=None, ranking=Ranking()
            )
        name = "+".join([clip or preset, *([lm] if lm else [])])
        return cls(settings, clip or preset, lm or preset, device, name)

    @property
    def load_seconds(self) -> float:
        """How long loading models has taken so far, in seconds."""
        return sum(self._load_times)

    @cached_property
    def encoder(self) -> "Encoder":
        """The encoder of pictures and texts."""

        def load() -> "Encoder":
            from zcalc.models.encoder import Encoder

            return Encoder.load(self.clip, self.device)

        return self._timed(load)

    @cached_property
    def language_model(self) -> "LanguageModel":
        """The language model that writes captions."""

        def load() -> "LanguageModel":
            from zcalc.models.language_model import LanguageModel

            return LanguageModel.load(self.lm, self.device)

        return self._timed(load)

    @property
    def lazy_encoder(self) -> "Encoder | LazyEncoder":
        """The encoder; not loaded yet if its identity is cached."""
        from zcalc.models.identity import LazyEncoder, cached_identity

        identity = None if "encoder" in vars(self) else cached_identity(self.clip)
        return LazyEncoder(*identity, lambda: self.encoder) if identity else self.encoder

    @cached_property
    def vocabulary(self) -> StoredTexts:
        """The words that `words` ranks."""
        return StoredTexts("vocabulary.tsv", self.encoder, ranking=self.preset.ranking)

    @cached_property
    def sentences(self) -> StoredTexts:
        """The sentences that the decoder `retrieve` chooses from."""
        return StoredTexts("captions.txt", self.encoder)

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
