"""Which presets are on this machine."""

from typing import Any

from zcalc.errors import ZcalcError
from zcalc.models.presets import PRESETS


def availability() -> list[dict[str, Any]]:
    """For each preset: its name, description and models, and which of them are on this machine.

    Set $HF_HUB_OFFLINE before; otherwise models that are missing get downloaded. A preset of a
    package that can't be loaded has the error as its description.
    """
    return [_row(name) for name in PRESETS]


def _row(name: str) -> dict[str, Any]:
    from zcalc.models.checkpoint import find_checkpoint
    from zcalc.models.language_model import find_files

    try:
        preset = PRESETS[name]
        description, clip, lm = preset.description, preset.clip, preset.lm
    except ZcalcError as error:
        description, clip, lm = error.message, "", ""
    available = {}
    for part, find in (("clip", find_checkpoint), ("lm", find_files)):
        try:
            find(name)
            available[part] = True
        except ZcalcError:
            available[part] = False
    return {
        "name": name,
        "description": description,
        "clip": clip,
        "lm": lm,
        "available": available,
    }
