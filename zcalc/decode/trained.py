"""Decoders that were trained with `zcalc decoder train`, each named by its folder."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zcalc.decode.decoders import Captions, Decoder, nearest_words
from zcalc.decode.settings import PrefixSettings

if TYPE_CHECKING:
    from zcalc.decode.run import Target
    from zcalc.models.language_model import LanguageModel
    from zcalc.models.pair import Models
    from zcalc.models.prefix import PrefixModel


def is_folder(method: str) -> bool:
    """Whether a decoder's name is a folder."""
    return Path(method).expanduser().is_dir()


def decoder_in(folder: str) -> Decoder:
    """The decoder in a folder; raises ZcalcError if there is none."""
    from zcalc.models.prefix import manifest

    path = Path(folder).expanduser()
    about = manifest(path)

    def decode(targets: "Sequence[Target]", models: "Models", settings: Any) -> Captions:
        from zcalc.decode.search import search_each

        prefix = _prefix(path, models.encoder.identity, models.device)
        lm = _language_model(path, models.device)
        words = nearest_words(models)
        return search_each(targets, models.encoder, lm, settings, prefix, words)

    description = f"a prefix decoder for {about['encoder']}"
    return Decoder(
        folder,
        PrefixSettings,
        decode,
        description,
        language_model=lambda models: _language_model(path, models.device),
    )


@lru_cache(maxsize=4)
def _prefix(folder: Path, encoder: str, device: str) -> "PrefixModel":
    from zcalc.models.loading import pick_device
    from zcalc.models.prefix import PrefixModel

    return PrefixModel.load(folder, encoder, pick_device(device))


@lru_cache(maxsize=4)
def _language_model(folder: Path, device: str) -> "LanguageModel":
    from zcalc.models.language_model import LanguageModel
    from zcalc.models.prefix import LM

    return LanguageModel.load(str((folder / LM).resolve()), device)
