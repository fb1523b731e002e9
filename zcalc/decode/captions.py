"""Captions by name: looks up the decoder, completes its settings, and decodes in batches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from zcalc.decode.decoders import DECODERS, Decoder
from zcalc.errors import ZcalcError
from zcalc.progress import track

if TYPE_CHECKING:
    from zcalc.decode.caption import Caption
    from zcalc.decode.run import Target
    from zcalc.models.pair import Models

MODES = ("vectors", "scores")  # what the arithmetic is done on
BUDGET = 1 << 30  # bytes on top of the loaded models that decoding a batch may take


def decode(
    models: "Models",
    target: "Target",
    method: str,
    settings: Mapping[str, Any],
    seed: int = 0,
) -> "Iterator[Caption]":
    """Decode a point (d,) or an objective with a named decoder, yielding the caption so far.

    Settings not given are the preset's. Raises ZcalcError for an unknown decoder or setting.
    """
    for (caption,) in decode_each(models, [target], method, settings, seed):
        yield caption


def decode_each(
    models: "Models",
    targets: "Sequence[Target]",
    method: str,
    settings: Mapping[str, Any],
    seed: int = 0,
) -> "Iterator[list[Caption]]":
    """Decode several targets in one batch, yielding all captions so far at every token."""
    import torch

    decoder, complete = decoder_named(method), complete_settings(models, method, settings)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield from decoder.decode(targets, models, complete)


def caption_all(  # noqa: PLR0913
    models: "Models",
    targets: "Sequence[Target]",
    method: str,
    settings: Mapping[str, Any],
    *,
    seed: int = 0,
    budget: int = BUDGET,
) -> "list[Caption]":
    """Decode many targets, as many at once as fit into `budget` bytes, with a progress bar.

    An interrupt returns the captions so far: the last batch may be unfinished, later ones missing.
    """
    size = batch_size(models, method, settings, budget)
    batches = [targets[i : i + size] for i in range(0, len(targets), size)]
    total = len(batches) * max_updates(models, method, settings)

    def growing() -> "Iterator[list[Caption]]":
        finished: list[Caption] = []
        for batch in batches:
            captions: list[Caption] = []
            for captions in decode_each(models, batch, method, settings, seed):
                yield finished + captions
            finished += captions

    latest: list[Caption] = []
    updates = track(growing(), "Writing captions", total, saying=lambda c: c[-1].text)
    try:
        for latest in updates:  # noqa: B007
            pass
    except KeyboardInterrupt:
        if not latest:
            raise
    return latest


def decoder_named(method: str) -> Decoder:
    """The decoder with that name; raises ZcalcError for an unknown one."""
    if method not in DECODERS:
        raise ZcalcError(f"Unknown decoder {method!r}.", f"Decoders: {', '.join(DECODERS)}.")
    return DECODERS[method]


def complete_settings(models: "Models", method: str, settings: Mapping[str, Any]) -> Any:
    """A decoder's settings, with the preset's where none are given.

    Raises ZcalcError for a setting that the decoder doesn't have.
    """
    kind = decoder_named(method).settings
    names = {field.name for field in fields(kind)}
    unknown = sorted(settings.keys() - names)
    if unknown:
        message = f"The decoder {method} has no setting {', '.join(unknown)}."
        raise ZcalcError(message, f"Settings: {', '.join(sorted(names))}.")
    return kind(**{**models.preset.decoder.get(method, {}), **settings})


def max_updates(models: "Models", method: str, settings: Mapping[str, Any]) -> int:
    """How many times `decode` yields at most."""
    return getattr(complete_settings(models, method, settings), "max_tokens", 1)


def batch_size(
    models: "Models", method: str, settings: Mapping[str, Any], budget: int = BUDGET
) -> int:
    """How many targets to decode at once within `budget` bytes; at least 1."""
    from zcalc.decode.budget import bytes_per_target

    if budget <= 0:
        raise ZcalcError(f"The memory budget is {budget} bytes.", "It must be more than 0.")
    if not decoder_named(method).needs_language_model:
        return budget
    complete = complete_settings(models, method, settings)
    return max(1, budget // bytes_per_target(models.language_model, complete))
