"""Find the checkpoint of an encoder, in a folder or on the hub; safetensors only."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zcalc.errors import ZcalcError
from zcalc.models import hub, loading, presets
from zcalc.models.weights import find_weights
from zcalc.pictures import PREPARATION

CONFIG = "open_clip_config.json"
WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors")
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "sentencepiece.bpe.model")
_PINNED = {
    "xlm-roberta-base": "FacebookAI/xlm-roberta-base@e73636d4f797dec63c3081bb6ed5c7b0bb3f2089"
}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything open_clip needs to build a model.

    `name` is open_clip's name for it (an architecture, or local-dir:FOLDER), `config` the model's
    configuration, `arguments` further arguments of create_model_and_transforms, `weights` the
    safetensors file. `tokenizer` is the folder of a Hugging Face tokenizer (and of the config of a
    Hugging Face text tower), or None for CLIP's own tokenizer. `preparation` is what a folder's
    configuration says of pictures: mean, std, interpolation.
    """

    name: str
    config: Mapping[str, Any]
    arguments: Mapping[str, Any]
    weights: Path
    tokenizer: Path | None
    preparation: Mapping[str, Any] = field(default_factory=dict)

    def fingerprint(self) -> str:
        """Hex digits of what determines embeddings: config, weights, tokenizer, preparation."""
        arguments = {**self.arguments, "pretrained": "", "text_cfg": ""}
        settings: list[Any] = [self.config, arguments, PREPARATION]
        files = [self.weights]
        if self.name.startswith("local-dir:"):
            files.append(self.weights.parent / CONFIG)
        if self.tokenizer:
            files += [path for name in _TOKENIZER if (path := self.tokenizer / name).is_file()]
        return loading.fingerprint(json.dumps(settings, sort_keys=True), *files)


def find_checkpoint(model: str, fetch: bool = True) -> Checkpoint:
    """Find the checkpoint of a preset, `open_clip:ARCH/TAG[@REVISION]`, or a folder.

    What is missing is downloaded if `fetch` allows it.
    Raises ZcalcError for an unknown name, a folder with a missing or damaged file, a checkpoint
    that is only available as a pickle, and when the hub can't be reached.
    """
    source = presets.source(model, "clip")
    if source.startswith("open_clip:"):
        return _from_hub(source.removeprefix("open_clip:"), model, fetch)
    folder = Path(source).expanduser()
    if folder.is_dir():
        return _from_folder(folder.resolve(), fetch)
    raise ZcalcError(
        f"Unknown model {model!r}: not a preset, and the folder {folder} does not exist.",
        f"Presets: {', '.join(presets.PRESETS)}. Or give open_clip:ARCH/TAG, or a folder with "
        f"{CONFIG} and {WEIGHTS[0]}.",
    )


def _from_folder(folder: Path, fetch: bool) -> Checkpoint:
    try:
        document = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        config, preparation = document["model_cfg"], dict(document.get("preprocess_cfg") or {})
        text = dict(config["text_cfg"])
        dict(config["vision_cfg"], dim=config["embed_dim"])  # both must exist
    except FileNotFoundError as error:
        hint = f"Save {CONFIG} and {WEIGHTS[0]} there, in open_clip's format."
        raise ZcalcError(f"{folder} is not a model folder: it has no {CONFIG}.", hint) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ZcalcError(
            f"{folder / CONFIG} is damaged ({type(error).__name__}: {error}).",
            "It must be JSON with a model_cfg that has embed_dim, vision_cfg and text_cfg.",
        ) from error
    weights = find_weights(folder, WEIGHTS)
    tokenizer = folder if text.get("hf_tokenizer_name") else None
    if text.get("hf_model_name"):
        local = folder / "text"
        tokenizer = (
            local if local.is_dir() else _text_from_hub(text["hf_model_name"], str(folder), fetch)
        )
    arguments = _text_arguments(text, tokenizer)
    name = f"local-dir:{folder}"
    return Checkpoint(name, config, arguments, weights, tokenizer, preparation)


def _from_hub(source: str, model: str, fetch: bool) -> Checkpoint:
    from zcalc.models import compat  # noqa: F401  (before open_clip)

    import open_clip  # isort: skip
    from open_clip.pretrained import get_pretrained_cfg  # isort: skip

    pair, _, revision = source.partition("@")
    arch, _, tag = pair.rpartition("/")
    config, pretrained = open_clip.get_model_config(arch), get_pretrained_cfg(arch, tag)
    if not config or not pretrained:
        tags = ", ".join(open_clip.list_pretrained_tags_by_model(arch))
        hint = f"Tags of {arch}: {tags}." if tags else "List them: open_clip.list_pretrained()"
        raise ZcalcError(f"open_clip has no model {pair}.", hint)
    repository, _, file = pretrained.get("hf_hub", "").rpartition("/")
    if not repository:
        hint = "Choose a tag with weights on the model hub."
        raise ZcalcError(f"{pair} is available as a pickle only, and zcalc loads no pickles.", hint)
    files = (file,) if file.endswith(".safetensors") else WEIGHTS
    repo = f"{repository}@{revision}" if revision else repository
    options = ("--include", CONFIG, "--include", "'open_clip*.safetensors'")
    hint = presets.manual_download(model, "clip", repo, options)
    weights = find_weights(hub.folder(repo, (), files, hint, fetch), files)
    text = dict(config["text_cfg"])
    text_repo = text.get("hf_model_name") or text.get("hf_tokenizer_name")
    tokenizer = _text_from_hub(text_repo, model, fetch) if text_repo else None
    arguments = {
        "pretrained": str(weights),
        "force_quick_gelu": bool(pretrained.get("quick_gelu")),  # open_clip only warns
        "image_mean": pretrained.get("mean"),
        "image_std": pretrained.get("std"),
        "image_interpolation": pretrained.get("interpolation"),
        "image_resize_mode": pretrained.get("resize_mode"),
        **_text_arguments(text, tokenizer),
    }
    return Checkpoint(arch, config, arguments, weights, tokenizer)


def _text_from_hub(name: str, model: str, fetch: bool) -> Path:
    """The folder of a text tower's config and tokenizer, downloaded if not cached."""
    repo = _PINNED.get(name, name)
    files = ("config.json", *_TOKENIZER)
    hint = presets.manual_download(model, "clip/text", repo, files)
    return hub.folder(repo, _TOKENIZER, ("config.json",), hint, fetch)


def _text_arguments(text: dict[str, Any], folder: Path | None) -> dict[str, Any]:
    """Arguments that make open_clip read a Hugging Face text tower's config from `folder`."""
    if not text.get("hf_model_name"):
        return {}
    return {"text_cfg": text | {"hf_model_name": str(folder), "hf_model_pretrained": False}}
