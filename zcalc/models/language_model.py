"""The language model: any causal model that transformers loads from safetensors or GGUF."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from zcalc.errors import ZcalcError
from zcalc.models import compat, dequantised, loading, presets  # noqa: F401  (compat: before transformers)
from zcalc.models.half import with_half_matrices
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
            folder = files[0].parent
            try:
                is_gguf = files[0].suffix == ".gguf"
                model, tokenizer = dequantised.load(files[0], _load) if is_gguf else _load(folder)
            except Exception as error:
                raise ZcalcError(
                    f"Can't load the language model in {files[0]}: {loading.why(error)}",
                    "Its weights, config.json and tokenizer must be complete and come from the "
                    "same model. Download or save all of them again.",
                ) from error
            check_cache(model, lm)
            if picked.type == "cpu":
                _optimize_for_cpu(model)
            model = model.to(picked)
        name = lm if lm in presets.PRESETS else Path(lm.partition("@")[0]).name
        identity = f"{name}-{loading.fingerprint(*files)}"
        return cls(model, tokenizer, identity, picked)

    @cached_property
    def half(self) -> Any:
        """The model with matrices in bfloat16, for use under autocast."""
        return with_half_matrices(self.model)

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


def _load(source: Path) -> tuple[Any, Any]:
    """The model and tokenizer in a folder or a .gguf file."""
    folder = source
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    if source.is_file():
        folder, options["gguf_file"] = source.parent, source.name
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
    tokenizer.split_special_tokens = True  # what looks like one in a prompt is text
    if tokenizer.eos_token_id is None:
        raise ValueError("its tokenizer has no end-of-text token (eos_token)")
    return model, tokenizer


def check_cache(model: Any, name: str) -> None:
    """Raise ZcalcError unless a model has keys and values for every layer.

    Decoders read the prompt once, and zerocap shifts the keys and values. State-space and recurrent
    models (Mamba, RWKV), and mixtures with such layers, have none.
    """
    ids = torch.zeros((1, 2), dtype=torch.long)
    try:
        with torch.no_grad():
            out = model.eval()(ids, use_cache=True)
        layers = getattr(getattr(out, "past_key_values", None), "layers", None) or [None]
    except Exception as error:
        if "get_seq_length" not in str(error):  # of a cache without any attention in it
            message = f"The language model {name} doesn't run: {loading.why(error, lines=1)}"
            hint = "Its config.json may be damaged, or it needs another version of transformers."
            raise ZcalcError(message, hint) from error
        layers = [None]
    if any(getattr(layer, "keys", None) is None for layer in layers):
        kind = model.config.get_text_config().model_type
        raise ZcalcError(
            f"{name} has no past key values (its architecture is {kind}), which decoders need.",
            "Use a language model whose layers are all attention, such as GPT-2, Llama or Qwen; "
            "or the decoder retrieve, which needs no language model.",
        )


def _optimize_for_cpu(model: Any) -> None:
    """Speed up a model for the few rows of beam search on a CPU, with unchanged results.

    GPT-2's activation becomes one operator instead of eight; see also `lay_out`.
    """
    lay_out(model)
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, NewGELUActivation):
                setattr(module, name, torch.nn.GELU(approximate="tanh"))
