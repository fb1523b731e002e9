"""What the loaders of both models share: the device, the hub, quiet libraries, fingerprints."""

import hashlib
import logging
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from zcalc.models import compat  # noqa: F401  (before transformers, which imports torchvision)

import torch  # isort: skip
from huggingface_hub import HfApi, snapshot_download, try_to_load_from_cache  # isort: skip
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError  # isort: skip

from zcalc.errors import ZcalcError

PATIENCE = 5.0  # seconds until the hub counts as unreachable
_BLOCK, _BLOCKS = 1 << 16, 1024


def pick_device(device: str) -> torch.device:
    """The torch device of that name; "auto" is the graphics card where there is one.

    Raises ZcalcError for a name that torch doesn't know or a device that isn't there.
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
            'Use "auto", "cpu", or "cuda" where torch finds a graphics card.',
        ) from error
    return picked


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' logs, warnings and bars off the screen; their errors still raise."""
    from transformers.utils import logging as transformers_logging

    root, silent = logging.getLogger(), logging.NullHandler()
    disabled, bars = logging.root.manager.disable, transformers_logging.is_progress_bar_enabled()
    root.addHandler(silent)  # with a handler there, open_clip's logging.info installs none
    logging.disable(logging.ERROR)
    transformers_logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        root.removeHandler(silent)
        if bars:
            transformers_logging.enable_progress_bar()


def why(error: BaseException, lines: int = 4) -> str:
    """The first lines of an error's message, or its kind where it has none."""
    text = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (
        "\n  ".join(textwrap.shorten(line, 300, placeholder=" …") for line in text[:lines])
        or type(error).__name__
    )


def fingerprint(*parts: Path | str) -> str:
    """Twelve hex digits that tell one model from another, read in well under a second.

    Strings count whole, files by size and bytes: up to 64 MB every byte, above that 1,024 blocks of
    64 kB evenly spread (training moves every weight, so blocks suffice to tell checkpoints apart).
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


def hub_folder(repo: str, small: Sequence[str], weights: Sequence[str], by_hand: str) -> Path:
    """The folder of a hub repository's files: from the cache, else fetched now.

    `repo` is ORG/NAME or ORG/NAME@REVISION, `small` the file patterns (the first is a file that
    every such repository has) that belong with the first of `weights` that the repository has.
    That one is fetched last, so where it lies with the first of `small`, all the rest does.
    Raises ZcalcError within seconds where the hub can't be reached; `by_hand` says what then.
    """
    name, _, revision = repo.partition("@")
    for file in weights:
        cached = try_to_load_from_cache(name, file, revision=revision or None)
        if isinstance(cached, str) and all(Path(cached).with_name(n).is_file() for n in small[:1]):
            return Path(cached).parent
    try:
        found = HfApi().model_info(name, revision=revision or None, timeout=PATIENCE).siblings
        have = {file.rfilename for file in found or ()}
        first = next((file for file in weights if file in have), None)
        if first is not None:
            for patterns in (list(small), [first]):
                folder = snapshot_download(name, revision=revision or None, allow_patterns=patterns)
            return Path(folder)
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        hint = "Check the name; a folder on this machine is found only where its path is right."
        raise ZcalcError(f"The model hub has no {repo} that you may read.", hint) from error
    except Exception as error:
        message = f"Can't fetch {name} from the model hub: {why(error, lines=1)}"
        raise ZcalcError(message, by_hand) from error
    raise ZcalcError(
        f"{name} on the model hub has no {' or '.join(weights)}; zcalc loads no pickles.",
        "Convert its weights (python -m zcalc.models.convert --help), or choose another model.",
    )


def find_weights(folder: Path, weights: Sequence[str]) -> Path:
    """The first of `weights` in a folder; raises ZcalcError where there is none."""
    for name in weights:
        if (folder / name).is_file():
            return folder / name
    pickles = sorted(p.name for p in folder.iterdir() if p.suffix in {".bin", ".pt", ".pth"})
    raise ZcalcError(
        f"{folder} has no {' or '.join(weights)}"
        + (f", only {', '.join(pickles)}; zcalc loads no pickles." if pickles else "."),
        "Convert the weights (python -m zcalc.models.convert --help)."
        if pickles
        else "Put the weights there as safetensors, or name the folder that holds them.",
    )


def is_sound(tokenizer: Any, size: int) -> bool:
    """Whether a tokenizer turns text into ids, all of them below `size`, and back into text."""
    ids = tokenizer.encode("Image of a cat", add_special_tokens=False)
    largest = max(tokenizer.get_vocab().values(), default=size)
    return bool(ids) and largest < size and "cat" in tokenizer.decode(ids).lower()
