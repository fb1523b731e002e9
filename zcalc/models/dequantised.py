"""GGUF files as safetensors in the cache: dequantising one takes minutes, and is done once."""

import copy
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from safetensors.torch import save_model

from zcalc.models.loading import fingerprint
from zcalc.progress import notice, readable
from zcalc.storage import cache_folder

Loaded = tuple[Any, Any]  # a model and its tokenizer


def load(file: Path, read: Callable[[Path], Loaded]) -> Loaded:
    """The model and tokenizer of a GGUF file, from the cache if it was read before.

    `read` reads the model in a file or folder. The cache is named after the file's content; where
    there is no room for it, or it can't be written, the file is dequantised each time.
    """
    folder = cache_folder("gguf", fingerprint(file))
    if folder.is_dir():
        with suppress(Exception):
            return read(folder)
        shutil.rmtree(folder, ignore_errors=True)  # damaged
    model, tokenizer = read(file)
    with suppress(OSError):
        _save(model, tokenizer, folder, file.name)
    return model, tokenizer


def _save(model: Any, tokenizer: Any, folder: Path, name: str) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    size = sum(weights.nbytes for weights in model.parameters())
    if shutil.disk_usage(folder.parent).free < 2 * size:
        return
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        part = Path(temporary) / "model"
        config = copy.deepcopy(model.config)
        config.__dict__.pop("quantization_config", None)  # it no longer is
        config.save_pretrained(part)
        save_model(model, str(part / "model.safetensors"), {"format": "pt"})
        tokenizer.save_pretrained(part)
        with suppress(OSError):  # another process was faster
            part.rename(folder)
    notice(f"{name} is kept dequantised in {folder} ({readable(size)}); loading it is faster now.")
