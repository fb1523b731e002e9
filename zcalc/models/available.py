"""Which presets are on this machine."""

from typing import Any

from zcalc.errors import ZcalcError
from zcalc.models.presets import PRESETS, Preset


def availability() -> list[dict[str, Any]]:
    """For each preset: its name, models and description, and whether both models are here.

    Where $HF_HUB_OFFLINE is set, no hub is asked and nothing is fetched.
    """
    return [_about(preset) for preset in PRESETS.values()]


def _about(preset: Preset) -> dict[str, Any]:
    from zcalc.models.checkpoint import find_checkpoint
    from zcalc.models.language_model import find_files

    here = {}
    for part, find in (("clip", find_checkpoint), ("lm", find_files)):
        try:
            find(preset.name)
            here[part] = True
        except ZcalcError:
            here[part] = False
    return {
        "name": preset.name,
        "description": preset.description,
        "clip": preset.clip,
        "lm": preset.lm,
        "available": here,
    }
