"""Tiny checkpoints with random weights in the real formats, and an encoder without a model."""

import json
import sys
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from PIL.Image import Image as Picture

# The command line, heeding Ctrl-C: a background job of a shell without job control ignores it.
INTERRUPTIBLE = [
    sys.executable,
    "-c",
    "import signal, runpy\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "runpy.run_module('zcalc', run_name='__main__')",
]
# Named photographs; optional, not part of the repository.
SHARED_PHOTOS = Path(__file__).parents[2] / "shared/photos"
TEXTS = (
    "a photo of a cat on a red mat",
    "Image of a dog in the snow",
    "coffee and tea with milk, sugar and a spoon",
    "a rocket over the sea at night",
    "two people walk a small dog along the old street",
)
PREPROCESS = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic"}
TINY_VISION = {"image_size": 32, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16}
MIXTURE_VISION = {
    "timm_model_name": "zcalc_class_mixture",
    "timm_model_pretrained": False,
    "timm_pool": "",
    "timm_proj": "",
    "image_size": 260,
}


def save_tiny_clip(folder: Path, kind: str = "plain", *, dim: int = 24, seed: int = 0) -> Any:
    """Save a CLIP with random weights in open_clip's folder format, fp16, and return the module.

    `kind`: "plain" has a ViT and CLIP's tokenizer, "hf" a tokenizer.json in the folder, "mixture"
    the architecture of mini (its image tower, an HF tokenizer), "xlm" that of the multilingual
    preset (an XLM-RoBERTa text tower, with config and tokenizer in the subfolder `text`).
    """
    import torch
    from safetensors.torch import save_file

    from zcalc.models import open_clip_model  # noqa: F401  (registers mini's image tower)

    import open_clip  # isort: skip

    folder.mkdir(parents=True, exist_ok=True)
    text: dict[str, Any] = {"context_length": 16, "width": 32, "heads": 2, "layers": 2}
    if kind == "plain":
        text["vocab_size"] = 49408
    elif kind == "xlm":
        text = _save_tiny_xlm_text(folder)
    else:
        tokenizer = save_tiny_tokenizer(folder)
        text |= {
            "vocab_size": len(tokenizer),
            "hf_tokenizer_name": "local",
            "pool_type": "eos",
            "eos_id": tokenizer.eos_token_id,
            "pad_id": tokenizer.pad_token_id,
        }
    config = {
        "embed_dim": dim,
        "custom_text": kind in ("hf", "mixture"),
        "vision_cfg": MIXTURE_VISION if kind == "mixture" else TINY_VISION,
        "text_cfg": text,
    }
    document = {"model_cfg": config, "preprocess_cfg": PREPROCESS}
    (folder / "open_clip_config.json").write_text(json.dumps(document, indent=1))
    torch.manual_seed(seed)
    model = open_clip.create_model(f"local-dir:{folder}", pretrained_text=False).eval()
    if kind == "mixture":
        torch.nn.init.normal_(model.visual.trunk.table)
    state = {name: _half(tensor) for name, tensor in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    model.load_state_dict(state)  # the saved model: rounded to fp16, run as fp32
    return model


def _half(tensor: Any) -> Any:
    return (tensor.half() if tensor.is_floating_point() else tensor).contiguous().clone()


def save_tiny_tokenizer(folder: Path) -> Any:
    """Save a byte-level BPE that wraps a text in <s> and </s>, and check that it round-trips."""
    from tokenizers import processors
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    bpe = _tiny_bpe("<pad>", "<s>", "</s>")
    bpe.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    )
    tokenizer.save_pretrained(folder)
    loaded = AutoTokenizer.from_pretrained(folder)
    ids = loaded(TEXTS[0]).input_ids
    assert (ids[0], ids[-1]) == (1, 2) and loaded.decode(ids[1:-1]) == TEXTS[0], ids
    return tokenizer


def _tiny_bpe(*special_tokens: str) -> Any:
    """A byte-level BPE trained on TEXTS; the special tokens have the first ids, in order."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=list(special_tokens),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(TEXTS, trainer)
    return bpe


def _save_tiny_xlm_text(folder: Path) -> dict[str, Any]:
    """Save the config and tokenizer of a tiny XLM-RoBERTa in `text/`; return the text config."""
    from transformers import XLMRobertaConfig

    tokenizer = save_tiny_tokenizer(folder / "text")
    config = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=100,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    config.save_pretrained(folder / "text")
    return {
        "hf_model_name": str(folder / "text"),
        "hf_tokenizer_name": "xlm-roberta-base",
        "hf_pooler_type": "mean_pooler",
    }


def save_tiny_gpt2(folder: Path, *, seed: int = 0) -> Any:
    """Save a GPT-2 with random weights and its tokenizer in transformers' format; return it."""
    return save_tiny_lm(folder, "gpt2", seed=seed)


def save_tiny_lm(folder: Path, family: str, *, seed: int = 0, shard: str = "1GB") -> Any:
    """Save a causal model of a family ("gpt2", "llama", "qwen3") and its tokenizer; return it."""
    import torch

    from zcalc.models import compat  # noqa: F401  (before transformers)

    from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast  # isort: skip

    end = "<|endoftext|>"
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=_tiny_bpe(end), bos_token=end, eos_token=end
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    shape = {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "max_position_embeddings": 64, "bos_token_id": 0, "eos_token_id": 0,
    }  # fmt: skip
    if family != "gpt2":
        shape |= {"intermediate_size": 64, "num_key_value_heads": 1, "head_dim": 16}
        shape |= {"tie_word_embeddings": True, "dtype": "bfloat16"}
    config = AutoConfig.for_model(family, vocab_size=len(tokenizer), **shape)
    model = AutoModelForCausalLM.from_config(config).eval()
    model.save_pretrained(folder, max_shard_size=shard)
    return model


def save_tiny_gguf(file: Path) -> None:
    """Save a Llama with random weights and its tokenizer as a GGUF file."""
    import gguf
    import numpy as np

    model = json.loads(_tiny_bpe("<|endoftext|>").to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    width, layers, inner, size = 32, 2, 64, len(tokens)
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // 2)
    writer.add_vocab_size(size)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL] + [gguf.TokenType.NORMAL] * (size - 1))
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    shapes = {"token_embd": (size, width), "output_norm": (width,), "output": (size, width)}
    for i in range(layers):
        shapes |= {f"blk.{i}.attn_{part}": (width, width) for part in ("q", "k", "v", "output")}
        shapes |= {f"blk.{i}.ffn_{part}": (inner, width) for part in ("gate", "up")}
        shapes |= {f"blk.{i}.ffn_down": (width, inner)}
        shapes |= {f"blk.{i}.{part}_norm": (width,) for part in ("attn", "ffn")}
    random = np.random.default_rng(0)
    for name, shape in shapes.items():
        values = random.normal(scale=0.05, size=shape) if len(shape) > 1 else np.ones(shape)
        writer.add_tensor(f"{name}.weight", values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class HashEncoder:
    """An encoder without a model: texts by their hashed trigrams, pictures by their colours.

    Deterministic and fast. Texts that share letters are near each other, and so are pictures that
    share colours.
    """

    identity = "hash-1"
    dim = 64
    context_length = 32
    logit_scale = 100.0
    logit_bias = None

    def __init__(self) -> None:
        self.batches: list[tuple[str, int]] = []  # modality and size of every batch

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """Embeddings (n, d) of texts."""
        self.batches.append(("texts", len(texts)))
        rows = np.zeros((len(texts), self.dim), np.float32)  # (n, d)
        for row, text in zip(rows, texts, strict=True):
            words = text.split(" ")
            padded = f"  {' '.join(words[: self.context_length])} "
            for i in range(len(padded) - 2):
                row[zlib.crc32(padded[i : i + 3].encode()) % self.dim] += 1
        return rows

    def remark(self, text: str) -> None:
        """It reads every text whole."""

    def token_count(self, text: str) -> int:
        """The length of a text in words."""
        return len(text.split())

    def images(self, pictures: Iterable[Picture], names: Sequence[str] | None = None) -> np.ndarray:
        """Embeddings (n, d) of pictures: histograms of 64 colours."""
        rows = [self._colours(picture) for picture in pictures]
        self.batches.append(("images", len(rows)))
        return np.stack(rows) if rows else np.empty((0, self.dim), np.float32)  # (n, d)

    batch_size = 4

    def prepare(self, picture: Picture) -> np.ndarray:
        """A picture as the model's input, here the embedding itself (d,)."""
        return self._colours(picture)

    def encode(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """Embeddings (n, d) of prepared pictures."""
        self.batches.append(("images", len(inputs)))
        return np.stack(inputs)  # (n, d)

    def _colours(self, picture: Picture) -> np.ndarray:
        pixels = np.asarray(picture.resize((16, 16)), np.int64) // 64  # (16, 16, 3)
        bins = pixels @ np.array([16, 4, 1])
        return np.bincount(bins.ravel(), minlength=self.dim).astype(np.float32)  # (d,)


def hash_calculator(images: Sequence[Path] = (), **options: Any) -> Any:
    """A calculator with `HashEncoder` and the decoder `retrieve`, which needs no language model."""
    from dataclasses import replace

    from zcalc.calculator import Calculator

    calculator = Calculator.create(images=images, **options)
    preset = replace(calculator.models.preset, method="retrieve", means=None)
    models = replace(calculator.models, preset=preset)
    vars(models)["encoder"] = HashEncoder()  # in place of the cached property
    return replace(calculator, models=models)


def save_photo(file: Path, colour: str, size: tuple[int, int] = (48, 32)) -> Path:
    """Save a picture of one colour in the format of the file's extension."""
    file.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.new("RGB", size, colour).save(file)
    return file


def save_table(folder: Path, *lines: str, name: str = "table.csv") -> Path:
    """Save the lines of a CSV or TSV table."""
    file = folder / name
    file.write_text("\n".join([*lines, ""]), "utf8")
    return file
