"""The language model: any causal model of transformers, from safetensors or GGUF."""

import importlib.util
from pathlib import Path
from typing import Any

from zcalc.errors import ZcalcError
from zcalc.models import loading, presets

import torch  # isort: skip
from transformers import AutoModelForCausalLM, AutoTokenizer  # isort: skip
from transformers.activations import NewGELUActivation  # isort: skip

WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
_TOKENIZER = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "merges.txt", "tokenizer.model",
)  # fmt: skip
_SMALL = (*_TOKENIZER, "config.json", "generation_config.json", "model-*-of-*.safetensors")


class LanguageModel:
    """A causal language model of transformers with its tokenizer.

    `model` is in float32, in evaluation mode, its weights without gradients; `eos_token_id` ends a
    text; `identity` is its name with a fingerprint of its files.
    """

    def __init__(self, model: Any, tokenizer: Any, identity: str, device: torch.device) -> None:
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.identity = identity
        self.device = device
        self.eos_token_id: int = tokenizer.eos_token_id

    @classmethod
    def load(cls, lm: str = "mini", device: str = "auto") -> "LanguageModel":
        """Load a preset's model, ORG/NAME[@REVISION] of the hub, a folder, or a .gguf file.

        Raises ZcalcError where the model can't be reached or its files don't belong together.
        """
        picked = loading.pick_device(device)
        with loading.quiet():
            files = find_files(lm)
            try:
                model, tokenizer = _load(files)
            except Exception as error:
                raise ZcalcError(
                    f"The language model in {files[0]} can't be loaded: {loading.why(error)}",
                    "Its weights, config.json and tokenizer must belong together and be whole: "
                    "fetch or save all of them again from one place.",
                ) from error
        if picked.type == "cpu":
            _suit_few_rows(model)
        name = lm if lm in presets.PRESETS else Path(lm.partition("@")[0]).name
        identity = f"{name}-{loading.fingerprint(*files)}"
        return cls(model.to(picked), tokenizer, identity, picked)


def find_files(lm: str) -> list[Path]:
    """The files of a model, the weights first."""
    source = presets.source(lm, "lm")
    path = Path(source).expanduser()
    if source.endswith(".gguf"):
        return [_gguf(path)]
    if not path.is_dir():
        if path.is_absolute() or source.startswith((".", "~")) or source.count("/") > 1:
            hint = "Name a folder that has config.json, model.safetensors and tokenizer.json."
            raise ZcalcError(f"There is no folder {path}.", hint)
        wanted = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
        hint = presets.how_by_hand(lm, "lm", source, wanted)
        path = loading.hub_folder(source, _SMALL, WEIGHTS, hint)
    weights = loading.find_weights(path, WEIGHTS)
    names = ("config.json", *_TOKENIZER)
    files = [weights, *sorted(path.glob("model-*-of-*.safetensors"))]
    return files + [path / name for name in names if (path / name).is_file()]


def _gguf(path: Path) -> Path:
    missing = [name for name in ("gguf", "accelerate") if not importlib.util.find_spec(name)]
    if missing:
        raise ZcalcError(
            f"Reading {path.name} needs the package {' and '.join(missing)}.",
            "pip install 'zcalc[gguf]'",
        )
    if not path.is_file():
        raise ZcalcError(f"There is no file {path}.", "Name a .gguf file that is on this machine.")
    return path


def _load(files: list[Path]) -> tuple[Any, Any]:
    folder = files[0].parent
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    if files[0].suffix == ".gguf":
        options["gguf_file"] = files[0].name
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        folder,
        use_safetensors=True,
        dtype=torch.float32,
        ignore_mismatched_sizes=True,  # the report names them, its own error doesn't
        output_loading_info=True,
        **options,
    )
    model, report = loaded
    wrong = [*report["missing_keys"], *report["mismatched_keys"], *report.get("error_msgs", ())]
    if wrong:
        shown = ", ".join(str(key) for key in sorted(wrong, key=str)[:3])
        raise ValueError(f"{len(wrong)} of its weights are missing or of another shape ({shown})")
    tokenizer = AutoTokenizer.from_pretrained(folder, **options)
    if not loading.is_sound(tokenizer, model.get_input_embeddings().num_embeddings):
        raise ValueError("its tokenizer is broken or belongs to another model")
    if tokenizer.eos_token_id is None:
        raise ValueError("its tokenizer names no end token (eos_token)")
    return model, tokenizer


def _suit_few_rows(model: Any) -> None:
    """Make a model quick on a CPU that is given one row a beam; what it computes stays the same.

    Weights lie in memory along their longer side, which the products of few rows want, forward and
    backward; GPT-2's activation is one operator instead of eight.
    """
    for weights in model.parameters():
        if weights.dim() == 2:
            tall = len(weights) > weights.shape[1]
            weights.data = weights.data.T.contiguous().T if tall else weights.data.contiguous()
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, torch.nn.GELU(approximate="tanh"))
