"""A pair of models, an encoder and a language model, each loaded when it is first needed."""

import time
from dataclasses import replace
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING

from zcalc.errors import ZcalcError
from zcalc.models.presets import PRESETS, Preset
from zcalc.ranking import Ranking
from zcalc.words import StoredTexts

if TYPE_CHECKING:
    from zcalc.models.encoder import Encoder
    from zcalc.models.identity import LateEncoder
    from zcalc.models.language_model import LanguageModel


class Pair:
    """The models of a preset, or others in their place, with the words and sentences they know.

    `model` is what they are called, `seconds` the time that loading has taken so far.
    Raises ZcalcError for a preset that there isn't.
    """

    def __init__(self, model: str, clip: str | None, lm: str | None, device: str) -> None:
        self.preset = _preset(model)
        if clip:  # the preset's settings suit its own encoder only
            self.preset = replace(
                self.preset, decoder={}, method="zerocap", means=None, ranking=Ranking()
            )
        self.model = "+".join([clip or model, *([lm] if lm else [])]) if clip or lm else model
        self.seconds = 0.0
        self._clip, self._lm, self._device = clip or model, lm or model, device

    @property
    def _late_encoder(self) -> "Encoder | LateEncoder":
        """The encoder, not loaded yet where what it is called is known."""
        from zcalc.models.identity import LateEncoder, known

        about = None if "encoder" in vars(self) else known(self._clip)
        return LateEncoder(*about, lambda: self.encoder) if about else self.encoder

    @cached_property
    def encoder(self) -> "Encoder":
        """The encoder of pictures and texts."""
        begin = time.perf_counter()
        from zcalc.models.encoder import Encoder

        encoder = Encoder.load(self._clip, self._device)
        self.seconds += time.perf_counter() - begin
        return encoder

    @cached_property
    def language_model(self) -> "LanguageModel":
        """The language model that writes captions."""
        begin = time.perf_counter()
        from zcalc.models.language_model import LanguageModel

        model = LanguageModel.load(self._lm, self._device)
        self.seconds += time.perf_counter() - begin
        return model

    @cached_property
    def vocabulary(self) -> StoredTexts:
        """The words that `words` chooses from."""
        return StoredTexts("vocabulary.tsv", self.encoder, ranking=self.preset.ranking)

    @cached_property
    def sentences(self) -> StoredTexts:
        """The sentences that the decoder `retrieve` chooses from."""
        return StoredTexts("captions.txt", self.encoder)


def _preset(name: str) -> Preset:
    if name in PRESETS:
        return PRESETS[name]
    close = get_close_matches(name.lower(), PRESETS, n=1)
    did_you_mean = f"Did you mean {close[0]!r}? " if close else ""
    raise ZcalcError(
        f"There is no preset {name!r}.",
        f"{did_you_mean}Presets: {', '.join(PRESETS)}. Models of your own are named with clip "
        "and lm.",
    )
