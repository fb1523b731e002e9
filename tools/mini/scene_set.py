"""Training pictures of the drawn classes, and the frozen backbone's features of them."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tools.mini import flags, photos, scene_parts, scenes
from tools.mini.drawn_classes import drawn_classes
from tools.mini.progress import progress
from zcalc.models.tower import CHUNK, ClassMixture

PER_FILE = 1024  # pictures; at most this many are lost when a build is interrupted
EACH_FLAG, EACH_CONCEPT, NEGATIVES = 80, 24, 3000
SIDE = 260  # the tower's input
NONE = -1  # the label of a picture without a drawn class


@dataclass(frozen=True)
class Spec:
    """A picture to paint: its class, or NONE and a photograph (-1: a background alone)."""

    label: int
    photo: int = -1


class Painter:
    """Paints the pictures in a fixed shuffled order; each depends only on its position."""

    def __init__(self, work: Path) -> None:
        self.classes = drawn_classes(work)
        self.backgrounds = photos.backgrounds(work)
        self.photos = self.backgrounds + [path for path, _ in photos.labelled(work)]
        flags = [n for n, c in enumerate(self.classes) if c.flag]
        rest = [n for n, c in enumerate(self.classes) if not c.flag]
        specs = [Spec(n) for n in flags * EACH_FLAG + rest * EACH_CONCEPT]
        first, count = len(self.backgrounds), len(self.photos)
        specs += [Spec(NONE, n % first) for n in range(NEGATIVES // 2)]
        specs += [Spec(NONE, first + n % (count - first)) for n in range(NEGATIVES // 3)]
        specs += [Spec(NONE)] * (NEGATIVES // 6)
        order = np.random.default_rng(0).permutation(len(specs))
        self.specs = [specs[i] for i in order]

    def __call__(self, position: int) -> Image.Image:
        """Paint the picture at a position, RGB, 224 x 224."""
        spec, rng = self.specs[position], np.random.default_rng((1, position))
        background = _photo(self.backgrounds[int(rng.integers(len(self.backgrounds)))])
        background = background if rng.random() < 0.6 else None
        if spec.label == NONE and spec.photo < 0:
            return scene_parts.background_scene(rng, background)
        if spec.label == NONE:
            photo = _photo(self.photos[spec.photo])
            if photo.mode == "RGBA":  # cut out
                return scenes.drawing_scene(photo, rng, background)
            return scenes.photo_scene(photo, rng)
        drawn = self.classes[spec.label]
        if drawn.flag:
            return scenes.flag_scene(_flag(drawn.flag, int(rng.integers(3))), rng, background)
        designs = sorted(drawn.designs)  # sample the design first: one may have many skin tones
        paths = drawn.designs[designs[int(rng.integers(len(designs)))]]
        drawing = _drawing(paths[int(rng.integers(len(paths)))])
        return scenes.drawing_scene(drawing, rng, background)


@lru_cache(maxsize=400)
def _photo(path: Path) -> Image.Image:
    with Image.open(path) as photo:
        photo.thumbnail((400, 400))
        return photo.convert("RGBA" if photo.mode in ("RGBA", "LA", "P") else "RGB")


def _drawing(path: Path) -> Image.Image:
    with Image.open(path) as drawing:
        drawing.thumbnail((256, 256))
        return drawing.convert("RGBA")


@lru_cache(maxsize=512)
def _flag(flag: flags.Flag, shape: int) -> Image.Image:
    return flags.draw(flag, 200, (None, (3, 4), (2, 3))[shape])


def pixels(picture: Image.Image) -> torch.Tensor:
    """Preprocess a square picture as the tower does: (3, 260, 260) in -1..1."""
    array = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.float32)
    return torch.from_numpy(array).permute(2, 0, 1) / 127.5 - 1


@torch.inference_mode()
def features(tower: ClassMixture, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
    """The backbone's `logits`, `grid` and `pooled` features of pictures (n, 3, 260, 260), fp16."""
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        parts = [tower.features(part) for part in pictures.split(CHUNK)]
    names = ("logits", "grid", "pooled")
    return {
        name: torch.cat(rows).half().contiguous()
        for name, rows in zip(names, zip(*parts, strict=True), strict=True)
    }


def write(work: Path, tower: ClassMixture) -> list[Path]:
    """Write the features of all pictures to files; an interrupted run resumes."""
    folder, painter = work / "scenes", Painter(work)
    folder.mkdir(exist_ok=True)
    files = [folder / f"{n:03}.safetensors" for n in range(-(-len(painter.specs) // PER_FILE))]
    todo = [n for n, file in enumerate(files) if not file.exists()]
    for n in progress(todo, "pictures", len(files) - len(todo), len(files)):
        rows = range(n * PER_FILE, min((n + 1) * PER_FILE, len(painter.specs)))
        batches = [rows[i : i + 64] for i in range(0, len(rows), 64)]
        parts = [
            features(tower, torch.stack([pixels(painter(row)) for row in batch]))
            for batch in batches
        ]
        tensors = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        tensors["labels"] = torch.tensor([painter.specs[row].label for row in rows])
        temporary = files[n].with_suffix(".new")
        save_file(tensors, temporary)
        temporary.replace(files[n])
    return files


def read(files: list[Path]) -> dict[str, torch.Tensor]:
    """Read and concatenate the features in the files."""
    parts = [load_file(file) for file in files]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def mean_of_photographs(files: list[Path]) -> torch.Tensor:
    """The mean pooled features (1280,) of pictures without a drawn class."""
    pooled = []
    for file in files:
        with safe_open(file, "pt") as rows:
            photographs = rows.get_tensor("labels") == NONE
            pooled.append(rows.get_tensor("pooled")[photographs].float())
    return torch.cat(pooled).mean(0)
