"""Which decoder makes the sentence, and with which settings."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.errors import ZcalcError

if TYPE_CHECKING:
    from zcalc.calculator import Calculator
    from zcalc.decode.caption import Caption
    from zcalc.decode.settings import DecoderSettings

METHODS = ("zerocap", "search", "retrieve")


def decode(
    calculator: "Calculator", target: np.ndarray, method: str, settings: Mapping[str, Any]
) -> "Iterator[Caption]":
    """Decode a point (d,) with the decoder of that name; yields the captions so far.

    The preset's settings hold where `settings` says nothing else. Raises ZcalcError for an unknown
    decoder or setting.
    """
    from zcalc.decode.settings import SearchSettings, ZeroCapSettings

    if method == "retrieve":
        return _retrieve(calculator, target, settings)
    if method not in METHODS:
        raise ZcalcError(f"There is no decoder {method!r}.", f"Choose one of {_listed(METHODS)}.")
    if method == "zerocap":
        return _seeded(calculator, target, _settings(ZeroCapSettings, calculator, settings))
    return _seeded(calculator, target, _settings(SearchSettings, calculator, settings))


def _seeded(
    calculator: "Calculator", target: np.ndarray, settings: "DecoderSettings"
) -> "Iterator[Caption]":
    """Run a decoder of the language model from the calculator's seed."""
    import torch

    from zcalc.decode.search import search
    from zcalc.decode.settings import SearchSettings, ZeroCapSettings
    from zcalc.decode.zerocap import zerocap

    models = calculator.encoder, calculator.language_model
    with torch.random.fork_rng():
        torch.manual_seed(calculator.seed)
        if isinstance(settings, ZeroCapSettings):
            yield from zerocap(target, *models, settings)
        elif isinstance(settings, SearchSettings):
            yield from search(target, *models, settings)


def _retrieve(
    calculator: "Calculator", target: np.ndarray, settings: Mapping[str, Any]
) -> "Iterator[Caption]":
    """The stored sentences nearest to the point, at once."""
    from zcalc.decode.retrieve import retrieve

    _refuse_unknown(settings, {"beams"})
    stored = calculator.sentences
    yield retrieve(target, stored.texts, stored.vectors, settings.get("beams", 5))


def _settings(
    kind: "type[DecoderSettings]", calculator: "Calculator", settings: Mapping[str, Any]
) -> "DecoderSettings":
    known = {field.name for field in fields(kind)}
    _refuse_unknown(settings, known)
    presets = {k: v for k, v in calculator.preset.decoder.items() if k in known}
    return kind(**{**presets, **settings})


def _refuse_unknown(settings: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(settings.keys() - known)
    if unknown:
        message = f"This decoder has no setting {_listed(unknown)}."
        raise ZcalcError(message, f"It has {_listed(sorted(known))}.")


def _listed(names: list[str] | tuple[str, ...]) -> str:
    return ", ".join(names)
