"""Shared by both loaders: devices, silenced libraries, fingerprints."""

import hashlib
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from zcalc.errors import ZcalcError

_BLOCK, _BLOCKS = 1 << 16, 1024


def pick_device(device: str) -> torch.device:
    """The torch device of that name; "auto" picks a GPU if there is one.

    Raises ZcalcError for an unknown name or a device that is not available.
    """
    if device == "auto":
        mps = "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device("cuda" if torch.cuda.is_available() else mps)
    try:
        picked = torch.device(device)
        torch.empty(1, device=picked)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ZcalcError(
            f"Can't use the device {device!r}: {why(error, lines=1)}",
            'Use "auto" or "cpu", or "cuda" if torch finds a GPU.',
        ) from error
    return picked


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the libraries' logs, warnings and progress bars; errors still raise."""
    root, silent = logging.getLogger(), logging.NullHandler()
    disabled = logging.root.manager.disable
    root.addHandler(silent)  # otherwise open_clip's logging.info would install a handler
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), _no_bars():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        root.removeHandler(silent)


@contextmanager
def _no_bars() -> Iterator[None]:
    """Turn off the progress bars of transformers, if it is imported."""
    if "transformers" not in sys.modules:
        yield
        return
    from transformers.utils import logging as transformers_logging

    shown = transformers_logging.is_progress_bar_enabled()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            transformers_logging.enable_progress_bar()


def why(error: BaseException, lines: int = 4) -> str:
    """The first lines of an error's message, or the error's type if there is no message."""
    text = [line.strip() for line in str(error).splitlines() if line.strip()]
    return "\n  ".join(shorten(line, 300) for line in text[:lines]) or type(error).__name__


def shorten(text: str, width: int) -> str:
    """A text cut to `width` characters.

    >>> shorten("a photo of a cat", 10)
    'a photo o…'
    """
    return text if len(text) <= width else text[: width - 1] + "…"


def fingerprint(*parts: Path | str) -> str:
    """Twelve hex digits that identify a model; takes well under a second.

    Hashes strings, and the names, sizes and contents of files. Of a file above 64 MB it reads 1,024
    evenly spaced blocks of 64 kB, which tell checkpoints apart because training changes every
    weight.
    """
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            digest.update(part.encode())
            continue
        size = part.stat().st_size
        digest.update(f"\0{part.name}\0{size}\0".encode())
        step = max(_BLOCK, size // _BLOCKS)
        with part.open("rb") as file:
            for start in range(0, size, step):
                file.seek(start)
                digest.update(file.read(_BLOCK))
    return digest.hexdigest()[:12]


def is_sound(tokenizer: Any, size: int) -> bool:
    """Whether a tokenizer encodes text to ids below `size` and decodes them back to text."""
    ids = tokenizer.encode("Image of a cat", add_special_tokens=False)
    largest = max(tokenizer.get_vocab().values(), default=size)
    return bool(ids) and largest < size and "cat" in tokenizer.decode(ids).lower()
