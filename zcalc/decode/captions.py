"""Captions by name: looks up the decoder, completes its settings, and decodes in batches."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zcalc.decode.decoders import DECODERS, Decoder
from zcalc.decode.fields import SettingError, setting_named, settings_of
from zcalc.decode.trained import decoder_in, is_folder
from zcalc.errors import ZcalcError
from zcalc.language.errors import error_at, errors_at
from zcalc.progress import track

if TYPE_CHECKING:
    from zcalc.decode.caption import Caption
    from zcalc.decode.run import Target
    from zcalc.language import Verb
    from zcalc.models.pair import Models
    from zcalc.models.presets import Preset

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
    """The decoder with that name, or in that folder; raises ZcalcError for an unknown one."""
    if method in DECODERS:
        return DECODERS[method]
    if is_folder(method):
        return decoder_in(method)
    raise ZcalcError(
        f"Unknown decoder {method!r}.",
        f"Decoders: {', '.join(DECODERS)}, or the folder of a trained one.",
    )


def complete_settings(models: "Models", method: str, settings: Mapping[str, Any]) -> Any:
    """A decoder's settings, with the preset's where none are given.

    Raises SettingError for a setting that the decoder doesn't have, or a value it can't take.
    """
    return settings_for(models.preset, method, settings)


def settings_for(preset: "Preset", method: str, settings: Mapping[str, Any]) -> Any:
    """As `complete_settings`, before any model is loaded."""
    kind = decoder_named(method).settings
    checked = {
        name: setting_named(kind, method, name).checked(value) for name, value in settings.items()
    }
    return kind(**{**preset.decoder.get(method, {}), **checked})


def check_verb(verb: "Verb", models: "Models", source: str) -> None:
    """Check the settings of a verb before any model is loaded.

    Raises LanguageError, at the setting, for one that the decoder doesn't have or can't take, and
    for more parts than there are words.
    """
    if verb.name == "parts":
        with errors_at(source, verb.spans[""]):
            models.check_count(verb.settings.get("k", 0))
    if verb.name != "caption":
        return
    preset = models.preset
    settings = dict(verb.settings)
    method, _ = settings.pop("method", preset.method), settings.pop("mode", "")
    try:
        settings_for(preset, method, settings)
    except ZcalcError as error:
        name = error.setting if isinstance(error, SettingError) else "method"
        span = verb.spans.get(name, verb.spans[""])
        raise error_at(source, span, error.message, error.hint) from error


def parse_settings(preset: "Preset", method: str | None, texts: Sequence[str]) -> dict[str, Any]:
    """Settings of a decoder, by default the preset's, from texts such as "end_factor=1.06".

    Raises SettingError for one that the decoder doesn't have or can't take.
    """
    method = method or preset.method
    kind, parsed = decoder_named(method).settings, {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise ZcalcError(f"{text!r} is not of the form NAME=VALUE.", "Write end_factor=1.06.")
        parsed[name.strip()] = setting_named(kind, method, name.strip()).parsed(value)
    return parsed


def setting_names(preset: "Preset", method: str = "") -> tuple[str, ...]:
    """The names of a decoder's settings, by default the preset's; none for an unknown decoder."""
    try:
        return tuple(settings_of(decoder_named(method or preset.method).settings))
    except ZcalcError:
        return ()


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
    decoder = decoder_named(method)
    if not decoder.needs_language_model:
        return budget
    complete = complete_settings(models, method, settings)
    return max(1, budget // bytes_per_target(decoder.language_model(models), complete))
