"""Writes a finished build into the package: weights, word lists, pictures and benchmark data."""

import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file

from tools.mini import drawings, flags, parents, vocabulary
from tools.mini.sample import usable
from zcalc.models.tower import CLASSES, ClassMixture

FLAG_HEIGHT, DRAWING_SIDE = 160, 128  # pixels


def models(
    folder: Path, clip: torch.nn.Module, lm: torch.nn.Module | None, means: dict[str, torch.Tensor]
) -> None:
    """Write fp16 safetensors of the encoder, a new language model, and the means of the space."""
    state = {key: _half(value) for key, value in clip.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors", {"format": "pt"})
    if lm is not None:
        lm.half().save_pretrained(folder / "lm")
    save_file(means, folder / "means.safetensors")


def means(tower: ClassMixture, words: torch.Tensor) -> dict[str, torch.Tensor]:
    """The mean image embedding (d,), all ImageNet classes weighted equally, and the mean of words.

    `words` are the embeddings (n, d) of the vocabulary.
    """
    classes = F.normalize(tower.place(tower.table[:CLASSES]), dim=-1).detach()  # (1000, d)
    return {"image": classes.mean(0), "text": words.mean(0)}


def words(folder: Path, work: Path, entries: list[str]) -> None:
    """Write the vocabulary."""
    _write_lines(folder / "vocabulary.tsv", vocabulary.described(work, entries))


def sentences(folder: Path, captions: list[str], count: int) -> None:
    """Write `count` of the captions, the sentences of `retrieve`."""
    good = [caption for caption in captions if usable(caption)]
    _write_lines(folder / "captions.txt", random.Random(1).sample(good, count))


def benchmarks(
    folder: Path,
    work: Path,
    held_out: dict[str, list[str]],
    embed: Callable[[list[str]], np.ndarray],
) -> None:
    """Write the class names, the flags, and the held-out texts with the teacher's embeddings."""
    accepted = parents.accepted(work)
    _write_lines(folder / "class_names.tsv", [f"{n}\t{'|'.join(words)}" for n, words in accepted])
    rows = [f"{flag.code}\t{flag.country}\t{flag.people}" for flag in flags.FLAGS]
    _write_lines(folder / "flags.tsv", ["code\tcountry\tpeople", *rows])
    (folder / "held_out.json").write_text(json.dumps(held_out, indent=0) + "\n")
    vectors = {
        kind: torch.from_numpy(embed(texts).astype(np.float16)) for kind, texts in held_out.items()
    }
    save_file(vectors, folder / "held_out.safetensors")


def pictures(folder: Path, work: Path) -> None:
    """Write the sample gallery's flags and drawings."""
    for flag in flags.FLAGS:
        _save(flags.draw(flag, FLAG_HEIGHT), folder / f"flags/{flag.code}_flag.png")
    for shown in drawings.gallery():
        side = DRAWING_SIDE - 2 * shown.margin
        with Image.open(drawings.drawing(work, shown.design, shown.code)) as drawing:
            small = drawing.convert("RGBA").resize((side, side), Image.Resampling.LANCZOS)
        whole = Image.new("RGBA", (DRAWING_SIDE, DRAWING_SIDE))
        whole.paste(small, (shown.margin, shown.margin))
        _save(whole, folder / f"drawings/{shown.name}.png")


def _save(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    colors = picture.quantize(128, method=Image.Quantize.FASTOCTREE)
    colors.save(path, optimize=True)


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf8")


def _half(tensor: torch.Tensor) -> torch.Tensor:
    small = tensor.half() if tensor.is_floating_point() else tensor
    if small.is_floating_point() and not small.isfinite().all():
        raise RuntimeError("a weight overflows fp16")
    return small.contiguous().clone()
