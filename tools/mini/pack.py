"""What a finished build puts into the package: weights, word lists, pictures, measuring sets."""

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file

from tools.mini import drawings, flags, parents, vocabulary
from tools.mini.sample import usable

if TYPE_CHECKING:
    from tools.mini.build import Build

FLAG_HEIGHT, DRAWING_SIDE = 160, 128  # pixels


def models(build: "Build") -> None:
    """Write fp16 safetensors of both models, and the means of the space."""
    state = {key: _half(value) for key, value in build.clip.state_dict().items()}
    save_file(state, build.made / "open_clip_model.safetensors", {"format": "pt"})
    build.lm.half().save_pretrained(build.made / "lm")
    save_file(_means(build), build.made / "means.safetensors")


def _means(build: "Build") -> dict[str, torch.Tensor]:
    """The mean picture, were all photographed classes as frequent, and the mean word."""
    from tools.mini.text_tower import features

    trunk = build.clip.visual.trunk
    pictures = F.normalize(trunk.table[: len(build.names)] - trunk.offset, dim=-1).detach()
    words = features(build.clip, build._ids(build.entries))
    return {"image": pictures.mean(0), "text": words.mean(0)}


def lists(build: "Build", sentences: int) -> None:
    """Write the vocabulary, the sentences of `retrieve`, class names and held-out texts."""
    _lines(build.data / "vocabulary.tsv", vocabulary.described(build.work, build.entries))
    captions = [c for c in build.train if usable(c)]
    _lines(build.data / "captions.txt", random.Random(1).sample(captions, sentences))
    accepted = parents.accepted(build.work)
    _lines(build.bench / "class_names.tsv", [f"{n}\t{'|'.join(w)}" for n, w in accepted])
    known = [f"{flag.code}\t{flag.country}\t{flag.people}" for flag in flags.FLAGS]
    _lines(build.bench / "flags.tsv", ["code\tcountry\tpeople", *known])
    (build.bench / "held_out.json").write_text(json.dumps(build.held_out, indent=0) + "\n")
    rows = {
        kind: torch.from_numpy(build.embed_by_teacher(texts).astype(np.float16))
        for kind, texts in build.held_out.items()
    }
    save_file(rows, build.bench / "held_out.safetensors")


def pictures(build: "Build") -> None:
    """Write the sample gallery's flags and drawings."""
    for flag in flags.FLAGS:
        _save(flags.draw(flag, FLAG_HEIGHT), build.data / f"pictures/flags/{flag.code}_flag.png")
    for name, code in drawings.GALLERY.items():
        with Image.open(drawings.drawing(build.work, drawings.HELD_OUT, code)) as drawing:
            small = drawing.convert("RGBA").resize((DRAWING_SIDE, DRAWING_SIDE))
        _save(small, build.data / f"pictures/drawings/{name}.png")


def _save(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    colors = picture.quantize(128, method=Image.Quantize.FASTOCTREE)
    colors.save(path, optimize=True)


def _lines(path: Path, lines) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf8")


def _half(tensor: torch.Tensor) -> torch.Tensor:
    small = tensor.half() if tensor.is_floating_point() else tensor
    if small.is_floating_point() and not small.isfinite().all():
        raise RuntimeError("a weight does not fit fp16")
    return small.contiguous().clone()
