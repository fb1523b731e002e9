"""The model presets, and where to find local copies of them. Cheap to import."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zcalc.ranking import Ranking
from zcalc.registry import Registry

MODELS_VARIABLE = "ZCALC_MODELS"
_MINI = Path(__file__).parent / "mini"


@dataclass(frozen=True, slots=True)
class Preset:
    """An image and text encoder, a language model, and the settings they work best with.

    `clip` is `open_clip:ARCH/TAG@REVISION` or a folder, `lm` is `ORG/NAME@REVISION` or a folder.
    `method` is the default decoder; `decoder` has, for each decoder, the settings that differ from
    its defaults. `note` is shown with the download instructions. `means` is a safetensors file with
    the mean `image` and `text` embeddings, (d,) each. `center` subtracts them before searching
    pictures (measured on mini in docs/image-index.md: no gain).

    `vocabulary` names the word lists (see `wordlists`) that `words` ranks, by `ranking`; a word
    is embedded in each of the `templates` for its language (see `words.StoredTexts`).

    `caption_share`, from 0 to 4, says how much of a picture's caption goes into its point; at 1
    they count alike (see `algebra.captioned`).

    `prefix` is the folder of a prefix decoder (see `models.prefix`) for this pair: trained on the
    points of `clip`, with the language model `lm`.

    `random_cosine` is the mean cosine of random pairs of pictures and words: an answer below it is
    marked as weak. None: unknown until `zcalc bench random-pairs` has measured it.

    `suggests_both` says whether a sum of a picture and a text gets a remark that `both` asks for
    what is near the two. On `mini` it finds no more (`zcalc bench mixed`); on CLIP it does (BASIC,
    arXiv 2510.25387).

    Packages add presets through the entry point group "zcalc.presets", each a `Preset` under its
    own name:

        [project.entry-points."zcalc.presets"]
        tiny = "my_package:TINY"
    """

    name: str
    clip: str
    lm: str
    description: str
    decoder: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)
    method: str = "zerocap"
    note: str = ""
    means: str | None = None
    ranking: Ranking = field(default_factory=Ranking)
    center: bool = False
    vocabulary: tuple[str, ...] = ("en",)
    templates: Mapping[str, Sequence[str]] = field(default_factory=dict, hash=False)
    caption_share: float = 0.0
    random_cosine: float | None = None
    prefix: str | None = None
    suggests_both: bool = True


# The seven that forward selection chose from 80 for CLIP ViT-B/32 on ImageNet: Radford et al. 2021
# (arXiv 2103.00020), notebooks/Prompt_Engineering_for_ImageNet.ipynb of openai/CLIP.
_TEMPLATES = {
    "en": (
        "itap of a {}.",
        "a bad photo of the {}.",
        "a origami {}.",
        "a photo of the large {}.",
        "a {} in a video game.",
        "art of the {}.",
        "a photo of the small {}.",
    )
}
# The same for every language, so that words of all languages are ranked alike. Templates in the
# language of the word: Geigle et al. 2024, "Babel-ImageNet" (arXiv 2306.08658).
_TRANSLATED_TEMPLATES = {
    "en": ("{}", "a photo of {}", "a picture of {}"),
    "de": ("{}", "ein Foto von {}", "ein Bild von {}"),
    "fr": ("{}", "une photo de {}", "une image de {}"),
    "es": ("{}", "una foto de {}", "una imagen de {}"),
    "it": ("{}", "una foto di {}", "un'immagine di {}"),
    "pt": ("{}", "uma foto de {}", "uma imagem de {}"),
    "zh": ("{}", "{}的照片", "{}的图片"),
    "ja": ("{}", "{}の写真", "{}の画像"),
}
_SMOL = "HuggingFaceTB/SmolLM2"
# Symbols and digits, as in `SearchSettings`, and what a caption would say of itself.
_NOT_WRITTEN = (
    r"\s*[^\w\s.'-]+|\s*\w*[0-9_]\w*|\s*\n\s*"
    r"| (photo|photograph|picture|image)s?"
)
_OWN = (
    Preset(
        "mini",
        str(_MINI),
        str(_MINI / "lm"),
        "zcalc's own small models, shipped in the package; work offline",
        {
            "zerocap": {
                "candidates": 64,
                "clip_temperature": 0.05,
                "step_size": 3.0,
                "ce_weight": 0.4,
            },
            "search": {
                "prefix": True,
                "clip_weight": 0.5,
                "keyword_bonus": 4.0,
                "prompt": "A",
                "candidates": 12,
                "proposals": 24,
                "max_tokens": 16,
                "forbidden": _NOT_WRITTEN,
            },
        },
        method="search",
        means=str(_MINI / "means.safetensors"),
        ranking=Ranking(
            together=0.6,
            repeated=0.15,
            common=0.015,
            kind=0.08,
            glossed=1.0,
            borrowed=0.05,
            named=0.05,
        ),
        caption_share=0.8,
        random_cosine=0.23,
        prefix=str(_MINI),
        suggests_both=False,
    ),
    Preset(
        "paper",
        "open_clip:ViT-B-32/openai@a6f597a30f7b82c51704746581f9a4e41421e878",
        "openai-community/gpt2-medium@6dcaa7a952f72f9298047fd5137cd6e4f05f41da",
        "the models of the ZeroCap paper",
        templates=_TEMPLATES,
    ),
    # PE-Core (Bolya et al. 2025, arXiv 2504.13181): Apache-2.0, safetensors, reads 32 tokens.
    # SmolLM2: Apache-2.0, safetensors, trained on 2 to 4 T tokens, with an English vocabulary of
    # 49,152 (a third of Qwen's; every step scores all of it). The paper's settings work on 135M.
    Preset(
        "small",
        "open_clip:PE-Core-S-16-384/meta@3249a38eb1c432ec19231c6fe1774acb6a4e4efe",
        f"{_SMOL}-135M@93efa2f097d58c2a74874c7e644dbc9b0cee75a2",
        "the smallest encoder of the PE-Core family and a small language model",
        templates=_TEMPLATES,
    ),
    # DataComp (Gadre et al. 2023, arXiv 2304.14108): MIT, safetensors, 72.8 % on ImageNet.
    Preset(
        "base",
        "open_clip:ViT-B-32-256/datacomp_s34b_b86k@4afec35ffe57a943d569ff7ee888061830164da8",
        f"{_SMOL}-135M@93efa2f097d58c2a74874c7e644dbc9b0cee75a2",
        "a CLIP of the paper's size, better trained, and a small language model",
        templates=_TEMPLATES,
    ),
    Preset(
        "large",
        "open_clip:PE-Core-L-14-336/meta@8eff41b3f687e50a323662c2dda5eb3588c6dd35",
        f"{_SMOL}-360M@f8027fd0eaeea54caa13c31d31b9fdc459c38b49",
        "a large encoder (83.5 % on ImageNet) and a small language model",
        templates=_TEMPLATES,
    ),
    # Qwen3-0.6B: Apache-2.0, safetensors, 119 languages.
    Preset(
        "multilingual",
        "open_clip:xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k"
        "@506d40eb551f4801a1c27fc20a31c7b8f590deda",
        "Qwen/Qwen3-0.6B-Base@da87bfb608c14b7cf20ba1ce41287e8de496c0cd",
        "texts and captions in many languages",
        note="Its encoder is on the hub as a pickle only, which zcalc does not load. Convert it "
        "once:\npython -m zcalc.models.convert --help",
        vocabulary=tuple(_TRANSLATED_TEMPLATES),
        templates=_TRANSLATED_TEMPLATES,
    ),
)
PRESETS: Registry[Preset] = Registry("zcalc.presets", _OWN)


def source(model: str, part: str) -> str:
    """Where to load the `part` ("clip" or "lm") of `model` from.

    For a preset, its folder under $ZCALC_MODELS if there is one, otherwise the preset's own source.
    Anything else is returned unchanged.
    """
    preset = PRESETS.get(model)
    if preset is None:
        return model
    if os.environ.get(MODELS_VARIABLE) and local_folder(model, part).is_dir():
        return str(local_folder(model, part))
    return preset.clip if part == "clip" else preset.lm


def local_folder(name: str, part: str) -> Path:
    """The folder that may hold a local copy of the `part` of the preset `name`."""
    return Path(os.environ.get(MODELS_VARIABLE) or "models") / name / part


def manual_download(model: str, part: str, repo: str, files: Sequence[str]) -> str:
    """How to download the `part` of `model` by hand when the hub can't be reached."""
    name, _, revision = repo.partition("@")
    pinned = f" --revision {revision}" if revision else ""
    folder, last = Path("FOLDER"), f"and pass that folder instead of {model}."
    if model in PRESETS:
        folder = local_folder(model, part)
        root = folder.parents[len(Path(part).parts)]
        last = f"and set {MODELS_VARIABLE}={root} (with PRESET/clip and PRESET/lm inside).\n"
        last += PRESETS[model].note or "The preset mini works offline."
    return (
        "Retry with a network connection (downloads are cached), or download it on another "
        "machine:\n"
        f"  hf download {name} {' '.join(files)}{pinned} --local-dir {folder}\n{last}"
    )
