"""Find the files of a language model, in a folder or on the hub."""

from pathlib import Path

from zcalc.errors import ZcalcError, require
from zcalc.models import hub, presets
from zcalc.models.weights import find_weights

WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_TOKENIZER = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "merges.txt", "tokenizer.model",
)  # fmt: skip
_SMALL = (*_TOKENIZER, "config.json", "generation_config.json", "model-*-of-*.safetensors")


def find_files(lm: str, fetch: bool = True) -> list[Path]:
    """The files of a model, the weights first; downloaded now if `fetch` allows it.

    `lm` is a preset, ORG/NAME[@REVISION], a folder, or a .gguf file. Raises ZcalcError if the model
    can't be found or downloaded.
    """
    source = presets.source(lm, "lm")
    path = Path(source).expanduser()
    if source.endswith(".gguf"):
        return [_gguf(path)]
    if not path.is_dir():
        if path.is_absolute() or source.startswith((".", "~")) or source.count("/") > 1:
            hint = "Give a folder with config.json, model.safetensors and tokenizer.json."
            raise ZcalcError(f"The folder {path} does not exist.", hint)
        needed = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
        hint = presets.manual_download(lm, "lm", source, needed)
        path = hub.folder(source, _SMALL, WEIGHTS, hint, fetch)
    weights = find_weights(path, WEIGHTS)
    names = ("config.json", *_TOKENIZER)
    files = [weights, *sorted(path.glob("model-*-of-*.safetensors"))]
    return files + [path / name for name in names if (path / name).is_file()]


def _gguf(path: Path) -> Path:
    for module in ("gguf", "accelerate"):
        require(module, "gguf", f"Reading {path.name}")
    if not path.is_file():
        raise ZcalcError(f"The file {path} does not exist.", "Give the path of a .gguf file.")
    return path
