"""The language model: any causal model that transformers loads from safetensors or GGUF."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zcalc.errors import ZcalcError
from zcalc.models import compat, loading, presets  # noqa: F401  (compat: before transformers)
from zcalc.models.lm_files import find_files
from zcalc.models.torch_state import clean_state, lay_out

import torch  # isort: skip
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache  # isort: skip
from transformers.activations import NewGELUActivation  # isort: skip
from transformers.cache_utils import DynamicLayer  # isort: skip


class LanguageModel:
    """A causal language model of transformers with its tokenizer.

    `model` is in float32 and evaluation mode, its weights frozen; `eos_token_id` is the end-of-text
    token; `identity` is the model's name and a fingerprint of its files.
    """

    def __init__(self, model: Any, tokenizer: Any, identity: str, device: torch.device) -> None:
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.identity = identity
        self.device = device
        self.eos_token_id: int = tokenizer.eos_token_id

    @classmethod
    def load(cls, lm: str = "mini", device: str = "auto") -> "LanguageModel":
        """Load the model of a preset, ORG/NAME[@REVISION] from the hub, a folder, or a .gguf file.

        Raises ZcalcError if the model is not found, can't be downloaded, or is damaged.
        """
        picked = loading.pick_device(device)
        with clean_state(picked.type), loading.quiet():
            files = find_files(lm)
            try:
                model, tokenizer = _load(files)
            except Exception as error:
                raise ZcalcError(
                    f"Can't load the language model in {files[0]}: {loading.why(error)}",
                    "Its weights, config.json and tokenizer must be complete and come from the "
                    "same model. Download or save all of them again.",
                ) from error
            if picked.type == "cpu":
                _optimize_for_cpu(model)
            model = model.to(picked)
        name = lm if lm in presets.PRESETS else Path(lm.partition("@")[0]).name
        identity = f"{name}-{loading.fingerprint(*files)}"
        return cls(model, tokenizer, identity, picked)

    def cache(self, past: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> DynamicCache:
        """Past key values, as the model takes them."""
        cache = DynamicCache()
        cache.layers = [_layer(keys, values) for keys, values in past]
        return cache


def _layer(keys: torch.Tensor, values: torch.Tensor) -> DynamicLayer:
    """A cache layer with these tensors; `DynamicLayer.update` would copy them."""
    layer: Any = DynamicLayer()
    layer.keys, layer.values = keys, values
    layer.dtype, layer.device, layer.is_initialized = keys.dtype, keys.device, True
    return layer


def _load(files: list[Path]) -> tuple[Any, Any]:
    folder = files[0].parent
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    if files[0].suffix == ".gguf":
        options["gguf_file"] = files[0].name
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        folder,
        use_safetensors=True,
        dtype=torch.float32,
        ignore_mismatched_sizes=True,  # the report names the weights, transformers' error doesn't
        output_loading_info=True,
        **options,
    )
    model, report = loaded
    bad = [*report["missing_keys"], *report["mismatched_keys"], *report.get("error_msgs", ())]
    if bad:
        examples = ", ".join(str(key) for key in sorted(bad, key=str)[:3])
        raise ValueError(f"{len(bad)} weights are missing or have the wrong shape ({examples})")
    tokenizer = AutoTokenizer.from_pretrained(folder, **options)
    if not loading.is_sound(tokenizer, model.get_input_embeddings().num_embeddings):
        raise ValueError("its tokenizer is damaged or belongs to another model")
    if tokenizer.eos_token_id is None:
        raise ValueError("its tokenizer has no end-of-text token (eos_token)")
    return model, tokenizer


def _optimize_for_cpu(model: Any) -> None:
    """Speed up a model for the few rows of beam search on a CPU, with unchanged results.

    GPT-2's activation becomes one operator instead of eight; see also `lay_out`.
    """
    lay_out(model)
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, torch.nn.GELU(approximate="tanh"))
