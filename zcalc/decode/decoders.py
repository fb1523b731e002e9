"""The table of decoders: zcalc's own and those that installed packages register.

A package adds one through the entry point group `zcalc.decoders`; its value is a `Decoder`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from zcalc.decode.settings import PrefixSettings, RetrieveSettings, SearchSettings, ZeroCapSettings
from zcalc.registry import Registry

if TYPE_CHECKING:
    from zcalc.decode.caption import Caption
    from zcalc.decode.objective import Objective
    from zcalc.decode.run import Target
    from zcalc.models.language_model import LanguageModel
    from zcalc.models.pair import Models

Captions = Iterator["list[Caption]"]


@dataclass(frozen=True, slots=True)
class Decoder:
    """A way from points of CLIP space to captions.

    `settings` is a frozen dataclass with a default for every field. `decode(targets, models,
    settings)` yields the captions so far of all targets at every token: `settings.max_tokens` times
    at most, or once if the settings have no such field. `language_model` says which model writes.
    """

    name: str
    settings: type
    decode: "Callable[[Sequence[Target], Models, Any], Captions]"
    description: str = ""
    needs_language_model: bool = True
    language_model: "Callable[[Models], LanguageModel]" = attrgetter("language_model")


def _zerocap(targets: "Sequence[Target]", models: "Models", settings: Any) -> Captions:
    from zcalc.decode.zerocap import zerocap_each

    return zerocap_each(targets, models.encoder, models.language_model, settings)


def _search(targets: "Sequence[Target]", models: "Models", settings: Any) -> Captions:
    from zcalc.decode.search import search_each

    prefix = models.prefix if settings.prefix else None
    lm, words = models.language_model, nearest_words(models)
    return search_each(targets, models.encoder, lm, settings, prefix, words)


def _prefix(targets: "Sequence[Target]", models: "Models", settings: Any) -> Captions:
    from zcalc.decode.search import search_each

    lm, words = models.language_model, nearest_words(models)
    return search_each(targets, models.encoder, lm, settings, models.prefix, words)


def nearest_words(models: "Models") -> "Callable[[Objective, int], Sequence[str]]":
    """The nearest words of a target with a direction: its own, or those of the vocabulary."""

    def nearest(target: "Objective", count: int) -> Sequence[str]:
        from zcalc.algebra import unit

        if own := getattr(target, "words", None):
            return own(count)
        if not models.vocabulary.is_english:
            return ()
        point = unit(target.direction.numpy())  # type: ignore[attr-defined]
        return [word.text for word in models.vocabulary.nearest(point, count)]

    return nearest


def _retrieve(targets: "Sequence[Target]", models: "Models", settings: Any) -> Captions:
    from zcalc.decode.retrieve import retrieve

    stored = models.sentences
    yield [retrieve(one, stored.texts, stored.vectors, settings) for one in targets]


DECODERS = Registry(
    "zcalc.decoders",
    [
        Decoder("zerocap", ZeroCapSettings, _zerocap, "the method of the ZeroCap paper"),
        Decoder("search", SearchSettings, _search, "CLIP-guided beam search without gradients"),
        Decoder("prefix", PrefixSettings, _prefix, "a language model that reads the point"),
        Decoder("retrieve", RetrieveSettings, _retrieve, "the nearest stored sentence", False),
    ],
)
