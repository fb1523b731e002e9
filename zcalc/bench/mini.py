"""The bundled models of `mini`: recall, speed, distillation, perplexity, captions."""

import copy
import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.numpy import load_file

from zcalc.algebra import unit
from zcalc.bench.categories import asked_for, category_queries, kinds, neighbours
from zcalc.bench.photographs import classes, read_labels
from zcalc.bench.recall import retrieval
from zcalc.bench.report import TOTAL, Metric, Report
from zcalc.bench.scenes import people, read_scenes
from zcalc.gallery import Gallery
from zcalc.models.language_model import LanguageModel
from zcalc.models.mini_clip import MiniClip
from zcalc.pictures import open_picture
from zcalc.progress import track
from zcalc.words import stems

if TYPE_CHECKING:
    from zcalc.calculator import Calculator
    from zcalc.models.encoder import Encoder

PROMPTS = ("a photo of a {}", "{}")
HELD_OUT, SPLITS = 200, 5  # held-out classes, and how often they are drawn
_HERE = Path(__file__).parent
_BATCH = 32


@dataclass(frozen=True, slots=True)
class PhotoCaption:
    """The caption of a photograph, and whether it names the class or a parent."""

    name: str
    caption: str
    clip: float
    right: bool


@dataclass(frozen=True, slots=True)
class MiniScores:
    """Scores by name; captions of photographs and samples of the language model, if asked for.

    `reports` are those of the photographs by category and of the scenes; their scores are among
    the others.
    """

    scores: dict[str, float]
    captions: tuple[PhotoCaption, ...] = ()
    samples: tuple[str, ...] = ()
    reports: tuple[Report, ...] = ()

    def data(self, items: bool = False) -> dict[str, Any]:
        """The scores, captions and samples as JSON; `items` adds the reports with every item."""
        captions = {"captions": [asdict(row) for row in self.captions]} if self.captions else {}
        reports = {"reports": [report.data(items) for report in self.reports]} if items else {}
        samples = {"samples": list(self.samples)} if self.samples else {}
        return self.scores | captions | samples | reports


def measure_mini(
    calculator: "Calculator",
    photos: Path | None = None,
    scenes: Path | None = None,
    samples: int = 0,
    captions: int = 0,
) -> MiniScores:
    """Recall on photographs and scenes, pictures per second, cosine with the teacher, perplexity.

    `photos` is a folder with pictures and a `labels.tsv` with the columns `file` and `name`, one
    picture a class; `scenes` one with a `captions.tsv` (see `read_scenes`). What they measure is
    left out without them. Of the photographs, `captions` are captioned; `samples` sentences are
    drawn from the language model. Raises ZcalcError if a table is missing or invalid.
    """
    encoder, models = calculator.models.encoder, calculator.models
    lm = LanguageModel.load(models.lm, models.device)
    scores = recall(photos, encoder) if photos else {}
    reports = [*_by_category(calculator, photos), *_of_scenes(calculator, scenes)]
    for report in reports:
        scores |= _scores(report)
    scores["pictures a second"] = speed(encoder)
    for kind, cosines in _teacher_cosines(encoder):
        scores[f"cosine with the teacher, held-out {kind}"] = float(cosines.mean())
    lines = (_HERE / "captions_by_hand.txt").read_text("utf8").splitlines()
    scores[f"perplexity on {len(lines)} captions by hand"] = perplexity(lm, lines)
    rows = caption_photos(calculator, photos, captions) if photos and captions else []
    if rows:
        share = sum(row.right for row in rows) / len(rows)
        scores[f"captions that name the class or a parent, {len(rows)}"] = share
    sentences = tuple(sample(lm, samples)) if samples else ()
    return MiniScores(scores, tuple(rows), sentences, tuple(reports))


def text_tower(calculator: "Calculator") -> Report:
    """Mean cosine of the text tower with its teacher on held-out texts, by kind of text."""
    start = time.perf_counter()
    texts = _held_out_texts()
    cosines = dict(_teacher_cosines(calculator.models.encoder))
    return Report(
        "text tower",
        calculator.models.name,
        tuple(text for kind in cosines for text in texts[kind]),
        tuple(kind for kind in cosines for _ in texts[kind]),
        (Metric("cosine with the teacher", np.concatenate(list(cosines.values()))),),
        seconds=time.perf_counter() - start,
    )


def perplexity(lm: LanguageModel, captions: Sequence[str]) -> float:
    """Per-token perplexity of the language model on captions with their end-of-text token."""
    loss, count = 0.0, 0
    for caption in captions:
        ids = [lm.eos_token_id, *lm.tokenizer(caption).input_ids, lm.eos_token_id]
        row = torch.tensor([ids], device=lm.device)
        with torch.inference_mode():
            loss += float(lm.model(row, labels=row).loss) * (len(ids) - 1)
        count += len(ids) - 1
    return math.exp(loss / count)


def recall(photos: Path, encoder: "Encoder") -> dict[str, float]:
    """R@1 and R@5: name to photograph, photograph to name, and photograph to held-out name.

    A class is embedded as the mean direction of its name in two prompts.
    """
    labelled = read_labels(photos)
    names, labels = [photo.name for photo in labelled], np.array([p.index for p in labelled])
    pixels = torch.stack([encoder.transform(open_picture(photo.path)) for photo in labelled])
    tower = _clip(encoder).visual
    with torch.inference_mode():
        parts = [tower.classify(batch) for batch in pixels.split(_BATCH)]
        seen = tuple(torch.cat(rows) for rows in zip(*parts, strict=True))
        pictures = unit(tower.embed(*seen).numpy())  # (n, d)
    texts = _embed_names(encoder, names)  # (n, d)
    table = _embed_names(encoder, [c.name for c in classes()])  # (c, d)
    ranks = {
        f"text to image among {len(names)}": _ranks(texts @ pictures.T, np.arange(len(names))),
        f"image to name among {len(table)}": _ranks(pictures @ table.T, labels),
        f"image to name among {HELD_OUT} held-out classes": np.concatenate(
            [_held_out_ranks(tower, seen, table, labels, s) for s in range(SPLITS)]
        ),
    }
    return {
        f"{task}, R@{k}": float((rows < k).mean()) for task, rows in ranks.items() for k in (1, 5)
    }


def _held_out_ranks(
    tower: Any, seen: tuple[Any, ...], table: np.ndarray, labels: np.ndarray, seed: int
) -> np.ndarray:
    """Ranks (n,) among 200 classes, the photographs' own included, all unknown to the tower.

    Their logits are masked, and `guess` is refitted to the other names, as the build does it.
    """
    random = np.random.default_rng(seed)
    own = np.unique(labels)
    others = np.setdiff1d(np.arange(len(table)), own)
    drawn = random.choice(others, max(0, HELD_OUT - len(own)), replace=False)
    held_out = np.unique([*own, *drawn])
    masked = seen[0].clone()
    masked[:, held_out] = -torch.inf
    refitted = copy.deepcopy(tower)
    with torch.inference_mode():
        refitted.fit_guess(np.setdiff1d(np.arange(len(table)), held_out))
        pictures = unit(refitted.embed(masked, *seen[1:]).numpy())  # (n, d)
    return _ranks(pictures @ table[held_out].T, np.searchsorted(held_out, labels))


def _clip(encoder: "Encoder") -> MiniClip:
    assert isinstance(encoder.clip, MiniClip)
    return encoder.clip


def speed(encoder: "Encoder", count: int = 96) -> float:
    """Pictures per second, from pixel tensors to embeddings."""
    size = _clip(encoder).picture_size
    pixels = torch.rand(count, 3, size, size)
    with torch.inference_mode():
        encoder.clip.encode_image(pixels[:8])  # warm up
        start = time.perf_counter()
        encoder.clip.encode_image(pixels)
    return count / (time.perf_counter() - start)


def sample(lm: LanguageModel, count: int = 20, prompt: str = "Image of a") -> list[str]:
    """Captions sampled from the language model alone (nucleus sampling, seed 0)."""
    torch.manual_seed(0)
    ids = torch.tensor([[lm.eos_token_id, *lm.tokenizer(prompt).input_ids]], device=lm.device)
    tokens = lm.model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=True,
        top_p=0.9,
        top_k=0,
        max_new_tokens=20,
        num_return_sequences=count,
        pad_token_id=lm.eos_token_id,
    )
    return [text.strip() for text in lm.tokenizer.batch_decode(tokens, skip_special_tokens=True)]


def caption_photos(calculator: "Calculator", photos: Path, count: int) -> list[PhotoCaption]:
    """Captions of `count` evenly spaced photographs, by the preset's decoder."""
    labelled = read_labels(photos)
    chosen = [labelled[i * len(labelled) // count] for i in range(min(count, len(labelled)))]
    calculator = calculator.with_gallery(Gallery([photos]))
    rows = []
    for photo in track(chosen, "Captions"):
        best = calculator.img(photo.path.name).caption()
        words = stems(best.text)
        right = any(stems(name) <= words for name in classes()[photo.index].accepted)
        rows.append(PhotoCaption(photo.name, best.text, best.clip, right))
    return rows


def _by_category(calculator: "Calculator", folder: Path | None) -> Iterator[Report]:
    """The reports on labelled photographs by category, of which there may be too few."""
    if folder is not None:
        photos = read_labels(folder)
        pictures = unit(calculator.models.encoder.images(open_picture(p.path) for p in photos))
        if asked_for(photos):
            yield category_queries(calculator, photos, pictures)
        if kinds(photos):
            yield neighbours(calculator, photos, pictures)


def _of_scenes(calculator: "Calculator", folder: Path | None) -> Iterator[Report]:
    """The reports on scenes with captions."""
    if folder is not None:
        scenes = read_scenes(folder)
        yield retrieval(calculator, scenes, f"{len(scenes)} scenes")
        yield people(calculator, scenes)


def _scores(report: Report) -> dict[str, float]:
    """The metrics of a report by its title and section."""
    return {
        ", ".join([report.title, *([section] if section != TOTAL else []), metric.name]): (
            metric.value(rows)
        )
        for section, rows in report.section_rows()
        for metric in report.metrics
    }


def _embed_names(encoder: "Encoder", names: list[str]) -> np.ndarray:
    """Unit vectors (n, d) of names, averaged over the prompts."""
    rows = [unit(encoder.texts([prompt.format(name) for name in names])) for prompt in PROMPTS]
    return unit(np.sum(rows, axis=0))


def _ranks(scores: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The rank (n,), from 0, of each row's correct column in scores (n, m)."""
    correct = scores[np.arange(len(columns)), columns]  # (n,)
    return (scores > correct[:, None]).sum(1)


def _held_out_texts() -> dict[str, list[str]]:
    """Texts that no model was trained on, by kind."""
    return json.loads((_HERE / "held_out.json").read_text("utf8"))


def _teacher_cosines(encoder: "Encoder") -> Iterator[tuple[str, np.ndarray]]:
    """Each kind of held-out text, with the cosines (n,) of its embeddings with the teacher's."""
    teacher = load_file(_HERE / "held_out.safetensors")
    for kind, texts in _held_out_texts().items():
        student = unit(encoder.texts(texts))  # (n, d)
        yield kind, (student * unit(teacher[kind].astype(np.float32))).sum(1)
