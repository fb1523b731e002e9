"""A plugin: the decoder `words`, which lists the nearest words, and a preset that uses it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from zcalc.decode.caption import Beam, Caption
from zcalc.decode.decoders import Decoder
from zcalc.models.presets import PRESETS


@dataclass(frozen=True, kw_only=True)
class WordsSettings:
    """`beams` captions, each made of `length` words."""

    beams: int = 1
    length: int = 3


def decode(targets: Sequence[Any], models: Any, settings: WordsSettings) -> Iterator[list[Caption]]:
    """List the vocabulary's words nearest to each target, a point (d,)."""
    captions = []
    for target in targets:
        words = models.vocabulary.nearest(target, settings.beams * settings.length)
        beams = []
        for i in range(0, len(words), settings.length):
            row = words[i : i + settings.length]
            text = ", ".join(word.text for word in row)
            beams.append(Beam(text, sum(word.score for word in row) / len(row), None))
        captions.append(Caption.of(beams, "words"))
    yield captions


WORDS = Decoder("words", WordsSettings, decode, "the nearest words", needs_language_model=False)
PRESET = replace(
    PRESETS["mini"], name="mini-words", description="mini with the decoder words", method="words"
)
