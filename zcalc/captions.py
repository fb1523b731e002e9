"""Which decoder makes the sentences, with which settings, and how many at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from zcalc.errors import ZcalcError
from zcalc.progress import track

if TYPE_CHECKING:
    from zcalc.calculator import Calculator
    from zcalc.decode.caption import Caption
    from zcalc.decode.run import Target
    from zcalc.decode.settings import DecoderSettings
    from zcalc.result import Result

METHODS = ("zerocap", "search", "retrieve")
MODES = ("vectors", "scores")  # what the arithmetic is done on
BUDGET = 1 << 30  # bytes that decoding several targets at once may take over the loaded models


def decode(
    calculator: "Calculator", target: "Target", method: str, settings: Mapping[str, Any]
) -> "Iterator[Caption]":
    """Decode a point (d,) or objective with the decoder of that name; yields the captions so far.

    The preset's settings hold where `settings` says nothing else. Raises ZcalcError for an unknown
    decoder or setting.
    """
    for (caption,) in decode_each(calculator, [target], method, settings):
        yield caption


def decode_each(
    calculator: "Calculator", targets: "Sequence[Target]", method: str, settings: Mapping[str, Any]
) -> "Iterator[list[Caption]]":
    """`decode` for several targets in one batch; yields all their captions at every token."""
    if method not in METHODS:
        raise ZcalcError(f"There is no decoder {method!r}.", f"Choose one of {', '.join(METHODS)}.")
    if method == "retrieve":
        yield _retrieve(calculator, targets, settings)
    else:
        yield from _seeded(calculator, targets, decoder_settings(calculator, method, settings))


def target_of(result: "Result", mode: str) -> "Target":
    """What a decoder writes toward: the point ("vectors"), or the operands with their weights.

    With "scores" a text scores the sum of its cosines with the operands, each times its weight.
    """
    if mode not in MODES:
        raise ZcalcError(f"There is no mode {mode!r}.", 'It is "vectors" or "scores".')
    point = result.vector  # raises where there is none
    return point if mode == "vectors" else result.objective


def caption_each(
    calculator: "Calculator",
    expressions: "Sequence[str | Result]",
    method: str | None = None,
    *,
    mode: str = "vectors",
    budget: int = BUDGET,
    **settings: Any,
) -> "list[Caption]":
    """Decode many expressions together, as many at once as take `budget` bytes or less.

    Each caption is the one that `Result.caption` gives with the same `mode` and `settings`. An
    interrupt gives those that are there: the last ones may be unfinished, and those not begun lack.
    """
    from zcalc.result import Result

    results = [e if isinstance(e, Result) else calculator(e) for e in expressions]
    if not all(isinstance(result, Result) for result in results):
        hint = "Give one embedding in each."
        raise ZcalcError("A number or a program of several statements has no caption.", hint)
    method = method or calculator.preset.method
    targets = [target_of(result, mode) for result in results]
    size = at_once(calculator, method, settings, budget)
    parts = [targets[i : i + size] for i in range(0, len(targets), size)]
    total = len(parts) * longest(calculator, method, settings)
    growing = _growing(calculator, parts, method, settings)
    latest: list[Caption] = []
    try:
        for latest in track(growing, "Writing captions", total, saying=lambda c: c[-1].text):  # noqa: B007
            pass
    except KeyboardInterrupt:
        if not latest:
            raise
    return latest


def _growing(
    calculator: "Calculator",
    parts: "Sequence[Sequence[Target]]",
    method: str,
    settings: Mapping[str, Any],
) -> "Iterator[list[Caption]]":
    """The captions of one part after another; yields all so far at every token."""
    done: list[Caption] = []
    for part in parts:
        running: list[Caption] = []
        for running in decode_each(calculator, part, method, settings):
            yield done + running
        done += running


def longest(calculator: "Calculator", method: str, settings: Mapping[str, Any]) -> int:
    """How many captions `decode` yields at most."""
    if method == "retrieve":
        return 1
    return decoder_settings(calculator, method, settings).max_tokens


def at_once(
    calculator: "Calculator", method: str, settings: Mapping[str, Any], budget: int = BUDGET
) -> int:
    """How many targets to decode in one batch, so that it takes `budget` bytes or less."""
    from zcalc.decode.budget import bytes_a_target

    if budget <= 0:
        raise ZcalcError(f"The memory budget is {budget} bytes.", "Give it more than 0.")
    if method == "retrieve":
        return budget
    known = decoder_settings(calculator, method, settings)
    return max(1, budget // bytes_a_target(calculator.language_model, known))


def decoder_settings(
    calculator: "Calculator", method: str, settings: Mapping[str, Any]
) -> "DecoderSettings":
    """The settings of a decoder of the language model: the preset's where nothing else is said."""
    from zcalc.decode.settings import SearchSettings, ZeroCapSettings

    kind: type[DecoderSettings] = ZeroCapSettings if method == "zerocap" else SearchSettings
    known = {field.name for field in fields(kind)}
    _refuse_unknown(settings, known)
    return kind(**{**calculator.preset.decoder.get(method, {}), **settings})


def _seeded(
    calculator: "Calculator", targets: "Sequence[Target]", settings: "DecoderSettings"
) -> "Iterator[list[Caption]]":
    """Run a decoder of the language model from the calculator's seed."""
    import torch

    from zcalc.decode.search import search_each
    from zcalc.decode.settings import SearchSettings, ZeroCapSettings
    from zcalc.decode.zerocap import zerocap_each

    models = calculator.encoder, calculator.language_model
    with torch.random.fork_rng():
        torch.manual_seed(calculator.seed)
        if isinstance(settings, ZeroCapSettings):
            yield from zerocap_each(targets, *models, settings)
        elif isinstance(settings, SearchSettings):
            yield from search_each(targets, *models, settings)


def _retrieve(
    calculator: "Calculator", targets: "Sequence[Target]", settings: Mapping[str, Any]
) -> "list[Caption]":
    """The stored sentences nearest to each target, at once."""
    from zcalc.decode.retrieve import retrieve

    _refuse_unknown(settings, {"beams"})
    stored, k = calculator.sentences, settings.get("beams", 5)
    return [retrieve(target, stored.texts, stored.vectors, k) for target in targets]


def _refuse_unknown(settings: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(settings.keys() - known)
    if unknown:
        message = f"This decoder has no setting {', '.join(unknown)}."
        raise ZcalcError(message, f"It has {', '.join(sorted(known))}.")
