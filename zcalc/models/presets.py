"""The model presets, and where a person's own copies of them lie. Importing this is cheap."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zcalc.ranking import Ranking

MODELS_VARIABLE = "ZCALC_MODELS"
_MINI = Path(__file__).parent / "mini"


@dataclass(frozen=True, slots=True)
class Preset:
    """A pair of models that belong together, and how to decode with them.

    `clip` is `open_clip:ARCH/TAG@REVISION` or a folder, `lm` is `ORG/NAME@REVISION` or a folder;
    `method` is its decoder, `decoder` has the settings of each decoder that differ from the
    defaults, `note` says what to know when fetching it. `means` is a safetensors file with the mean
    `image` and the mean `text` of the space, (d,) each, where the preset ships them; `center` says
    whether the nearest pictures are looked for without them (measured for mini, docs/index.md: it
    gains nothing).
    """

    name: str
    clip: str
    lm: str
    description: str
    decoder: Mapping[str, Mapping[str, float]] = field(default_factory=dict, hash=False)
    method: str = "zerocap"
    note: str = ""
    means: str | None = None
    ranking: Ranking = field(default_factory=Ranking)
    center: bool = False


_TABLE = (
    Preset(
        "mini",
        str(_MINI),
        str(_MINI / "lm"),
        "zcalc's own small pair: inside the package, works offline at once",
        {
            "zerocap": {
                "candidates": 64,
                "clip_temperature": 0.05,
                "step_size": 3.0,
                "ce_weight": 0.4,
            },
            "search": {"candidates": 12, "proposals": 24},
        },
        method="search",
        means=str(_MINI / "means.safetensors"),
        ranking=Ranking(together=0.5, repeated=0.3, common=0.01, kind=0.08, glossed=0.8),
    ),
    Preset(
        "paper",
        "open_clip:ViT-B-32/openai@a6f597a30f7b82c51704746581f9a4e41421e878",
        "openai-community/gpt2-medium@6dcaa7a952f72f9298047fd5137cd6e4f05f41da",
        "the pair of the ZeroCap paper",
    ),
    Preset(
        "base",
        "open_clip:ViT-B-32/laion2b_s34b_b79k@1a25a446712ba5ee05982a381eed697ef9b435cf",
        "openai-community/gpt2@607a30d783dfa663caf39e06633721c8d4cfcd7e",
        "an open CLIP of the same size and the small GPT-2",
    ),
    # SmolLM2: Apache-2.0, safetensors, trained on 4 T tokens, an English vocabulary of 49,152 (a
    # third of Qwen's: every step scores all of it); its smaller sister took the paper's settings.
    Preset(
        "large",
        "open_clip:ViT-L-14/laion2b_s32b_b82k@1627032197142fbe2a7cfec626f4ced3ae60d07a",
        "HuggingFaceTB/SmolLM2-360M@f8027fd0eaeea54caa13c31d31b9fdc459c38b49",
        "a larger CLIP and a current small language model",
    ),
    # Qwen3-0.6B: Apache-2.0, safetensors, 119 languages.
    Preset(
        "multilingual",
        "open_clip:xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k"
        "@506d40eb551f4801a1c27fc20a31c7b8f590deda",
        "Qwen/Qwen3-0.6B-Base@da87bfb608c14b7cf20ba1ce41287e8de496c0cd",
        "texts and captions in many languages",
        note="Its encoder lies on the hub as a pickle, which zcalc doesn't load, and must be "
        "converted once:\npython -m zcalc.models.convert --help",
    ),
)
PRESETS: dict[str, Preset] = {preset.name: preset for preset in _TABLE}


def source(model: str, part: str) -> str:
    """Where the `part` ("clip" or "lm") of `model` is to be loaded from.

    A preset's name becomes its folder under $ZCALC_MODELS where a person has put one there, and
    otherwise what the table says; anything else is taken as it is.
    """
    preset = PRESETS.get(model)
    if preset is None:
        return model
    if os.environ.get(MODELS_VARIABLE) and by_hand(model, part).is_dir():
        return str(by_hand(model, part))
    return preset.clip if part == "clip" else preset.lm


def by_hand(name: str, part: str) -> Path:
    """The folder where a person puts the `part` of the preset `name`."""
    return Path(os.environ.get(MODELS_VARIABLE) or "models") / name / part


def how_by_hand(model: str, part: str, repo: str, files: Sequence[str]) -> str:
    """How to bring the `part` of `model` where the hub can't be reached: commands and folders."""
    name, _, revision = repo.partition("@")
    pinned = f" --revision {revision}" if revision else ""
    folder, last = Path("FOLDER"), f"and name that folder instead of {model}."
    if model in PRESETS:
        folder = by_hand(model, part)
        root = folder.parents[len(Path(part).parts)]
        last = f"and set {MODELS_VARIABLE}={root} (it holds PRESET/clip and PRESET/lm).\n"
        last += PRESETS[model].note or "The preset mini needs no network."
    return (
        "Try again with a network (what is fetched is kept), or fetch it on another machine:\n"
        f"  hf download {name} {' '.join(files)}{pinned} --local-dir {folder}\n{last}"
    )
