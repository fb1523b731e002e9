"""The pictures the drawn classes are learned from, as the frozen backbone sees them."""

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

CHUNK_FILE = 1024  # pictures a file; a stopped build loses at most these
EACH_FLAG, EACH_CONCEPT, NOTHING = 80, 24, 3000
SIDE = 260  # the tower's input
NONE = -1  # the label of a picture that shows no drawn class


@dataclass(frozen=True)
class Spec:
    """One picture to make: its class, or NONE and which photograph; -1 for an empty ground."""

    label: int
    photo: int = -1


class Painter:
    """Makes the pictures in a fixed shuffled order; each depends on its position only."""

    def __init__(self, work: Path) -> None:
        self.classes = drawn_classes(work)
        self.grounds = photos.backgrounds(work)
        self.photos = self.grounds + [path for path, _ in photos.labelled(work)]
        flags = [n for n, c in enumerate(self.classes) if c.flag]
        rest = [n for n, c in enumerate(self.classes) if not c.flag]
        found = [Spec(n) for n in flags * EACH_FLAG + rest * EACH_CONCEPT]
        grounds, photographs = len(self.grounds), len(self.photos)
        found += [Spec(NONE, n % grounds) for n in range(NOTHING // 2)]
        found += [Spec(NONE, grounds + n % (photographs - grounds)) for n in range(NOTHING // 3)]
        found += [Spec(NONE)] * (NOTHING // 6)
        order = np.random.default_rng(0).permutation(len(found))
        self.specs = [found[i] for i in order]

    def __call__(self, position: int) -> Image.Image:
        """The picture, RGB, 224 x 224."""
        spec, rng = self.specs[position], np.random.default_rng((1, position))
        behind = _photo(self.grounds[int(rng.integers(len(self.grounds)))])
        behind = behind if rng.random() < 0.6 else None
        if spec.label == NONE and spec.photo < 0:
            return scene_parts.ground_scene(rng, behind)
        if spec.label == NONE:
            photo = _photo(self.photos[spec.photo])
            if photo.mode == "RGBA":  # cut out
                return scenes.drawing_scene(photo, rng, behind)
            return scenes.photo_scene(photo, rng)
        shown = self.classes[spec.label]
        if shown.flag:
            return scenes.flag_scene(_flag(shown.flag, int(rng.integers(3))), rng, behind)
        designs = sorted(shown.designs)  # a design first: one may have many skin tones
        paths = shown.designs[designs[int(rng.integers(len(designs)))]]
        return scenes.drawing_scene(_drawing(paths[int(rng.integers(len(paths)))]), rng, behind)


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
    """What the tower's preprocessing makes of a square picture: (3, 260, 260) in -1..1."""
    array = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.float32)
    return torch.from_numpy(array).permute(2, 0, 1) / 127.5 - 1


@torch.inference_mode()
def see(tower: ClassMixture, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
    """The backbone's `logits`, `grid` and `pooled` features of (n, 3, 260, 260), in fp16."""
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        parts = [tower.features(part) for part in pictures.split(CHUNK)]
    names = ("logits", "grid", "pooled")
    return {
        name: torch.cat(rows).half().contiguous()
        for name, rows in zip(names, zip(*parts, strict=True), strict=True)
    }


def write(work: Path, tower: ClassMixture) -> list[Path]:
    """Make and see all pictures; a stopped run goes on at the first missing file."""
    folder, painter = work / "scenes", Painter(work)
    folder.mkdir(exist_ok=True)
    files = [folder / f"{n:03}.safetensors" for n in range(-(-len(painter.specs) // CHUNK_FILE))]
    todo = [n for n, file in enumerate(files) if not file.exists()]
    for n in progress(todo, "pictures", len(files) - len(todo), len(files)):
        rows = range(n * CHUNK_FILE, min((n + 1) * CHUNK_FILE, len(painter.specs)))
        parts = [rows[i : i + 64] for i in range(0, len(rows), 64)]
        seen = [see(tower, torch.stack([pixels(painter(row)) for row in part])) for part in parts]
        found = {name: torch.cat([s[name] for s in seen]) for name in seen[0]}
        found["labels"] = torch.tensor([painter.specs[row].label for row in rows])
        beside = files[n].with_suffix(".new")
        save_file(found, beside)
        beside.replace(files[n])
    return files


def read(files: list[Path]) -> dict[str, torch.Tensor]:
    """All rows of the files."""
    parts = [load_file(file) for file in files]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def mean_of_photographs(files: list[Path]) -> torch.Tensor:
    """The mean pooled features (1280,) of the photographs among the pictures."""
    found = []
    for file in files:
        with safe_open(file, "pt") as rows:
            photographs = rows.get_tensor("labels") == NONE
            found.append(rows.get_tensor("pooled")[photographs].float())
    return torch.cat(found).mean(0)
