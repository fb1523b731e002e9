"""`zcalc bench mini`: how well the embedded models see, read and write."""

import copy
import csv
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
from zcalc.calculator import Calculator
from zcalc.errors import ZcalcError
from zcalc.evaluate.report import Figure, Report
from zcalc.gallery import Gallery, open_picture
from zcalc.progress import track
from zcalc.words import stems

if TYPE_CHECKING:
    from zcalc.models.encoder import Encoder

_HERE = Path(__file__).parent
PROMPTS = ("a photo of a {}", "{}")
UNNAMED, SPLITS = 200, 5  # classes the tower has no name for; how often they are drawn
_BATCH = 32


def run(photos: Path | None, draws: int = 0, captions: int = 0, as_json: bool = False) -> None:
    """Print what mini scores; `draws` captions of the language model, `captions` of photographs."""
    from zcalc import terminal

    calculator = Calculator("mini")
    found = figures(photos, calculator)
    said = told(photos, calculator, captions) if photos and captions else []
    if said:
        right = sum(row.right for row in said) / len(said)
        found[f"captions that name the class or a parent, {len(said)}"] = right
    drawn = samples(calculator, draws) if draws else []
    if as_json:
        rows = {"captions": [asdict(row) for row in said]} if said else {}
        terminal.print_json(found | rows | ({"samples": drawn} if drawn else {}))
        return
    for name, value in found.items():
        terminal.out.print(f"{name:52}{value:8.3f}", highlight=False)
    for row in said:
        line = f"{'+' if row.right else '-'} {row.name:26} {row.caption}"
        terminal.out.print(line, markup=False, highlight=False)
    for caption in drawn:
        terminal.out.print(caption, markup=False, highlight=False)


def figures(photos: Path | None = None, calculator: Calculator | None = None) -> dict[str, float]:
    """Recall over labelled photographs, pictures a second, and the cosine with the teacher.

    `photos` holds pictures and a `labels.tsv` with the columns `file` and `name`; without it there
    are only the cosines. Every name stands for one picture; its embedding is the mean direction of
    the name in two prompts. Raises ZcalcError where the labels are missing or don't fit.
    """
    calculator = calculator or Calculator("mini")
    encoder = calculator.encoder
    seen = recall(photos, encoder) if photos else {}
    lines = (_HERE / "captions_by_hand.txt").read_text("utf8").splitlines()
    read = {f"perplexity on {len(lines)} captions by hand": perplexity(calculator, lines)}
    cosines = {
        f"cosine with the teacher, held-out {kind}": float(found.mean())
        for kind, found in _held_out(encoder)
    }
    return seen | {"pictures a second": speed(encoder)} | cosines | read


def report(calculator: Calculator) -> Report:
    """Mean cosine with the teacher, on texts that nothing was trained on, by kind of text."""
    begin = time.perf_counter()
    texts = json.loads((_HERE / "held_out.json").read_text("utf8"))
    cosines = dict(_held_out(calculator.encoder))
    return Report(
        "text tower",
        calculator.model,
        tuple(line for kind in cosines for line in texts[kind]),
        tuple(kind for kind, found in cosines.items() for _ in found),
        (Figure("cosine with the teacher", np.concatenate(list(cosines.values()))),),
        seconds=time.perf_counter() - begin,
    )


def perplexity(calculator: Calculator, lines: Sequence[str]) -> float:
    """Perplexity a token of the language model on whole captions, their end included."""
    lm, total, count = calculator.language_model, 0.0, 0
    for line in lines:
        ids = [lm.eos_token_id, *lm.tokenizer(line).input_ids, lm.eos_token_id]
        row = torch.tensor([ids], device=lm.device)
        with torch.inference_mode():
            total += float(lm.model(row, labels=row).loss) * (len(ids) - 1)
        count += len(ids) - 1
    return math.exp(total / count)


def recall(photos: Path, encoder: "Encoder") -> dict[str, float]:
    """Recall at 1 and 5: name to picture, picture to name, picture to a name it never had."""
    labelled = _labelled(photos)
    names, truth = [row.name for row in labelled], np.array([row.number for row in labelled])
    pixels = torch.stack([encoder.transform(open_picture(row.path)) for row in labelled])
    tower = encoder.model.visual.trunk
    with torch.inference_mode():
        parts = [tower.classify(part) for part in pixels.split(_BATCH)]
        logits, pooled = (torch.cat(rows) for rows in zip(*parts, strict=True))
        pictures = unit(tower.embed(logits, pooled).numpy())  # (n, d)
    texts, table = _names(encoder, names), _names(encoder, [c.name for c in classes()])
    asked = {
        f"text to image among {len(names)}": _ranks(texts @ pictures.T, np.arange(len(names))),
        f"image to name among {len(table)}": _ranks(pictures @ table.T, truth),
        f"image to name among {UNNAMED} held-out classes": np.concatenate(
            [_unnamed(tower, logits, pooled, table, truth, seed) for seed in range(SPLITS)]
        ),
    }
    return {
        f"{what}, R@{k}": float((ranks < k).mean()) for what, ranks in asked.items() for k in (1, 5)
    }


def _unnamed(  # noqa: PLR0913, PLR0917
    tower: Any, logits: Any, pooled: Any, table: np.ndarray, truth: np.ndarray, seed: int
) -> np.ndarray:
    """Ranks of pictures among 200 classes, theirs too, none of which the tower has a name for.

    Their logits are shut out, and `guess` is fitted anew to the other names, as the build does it.
    """
    draw = np.random.default_rng(seed)
    own = np.unique(truth)
    others = np.setdiff1d(np.arange(len(table)), own)
    held = np.unique([*own, *draw.choice(others, max(0, UNNAMED - len(own)), replace=False)])
    shut = logits.clone()
    shut[:, held] = -torch.inf
    blind = copy.deepcopy(tower)
    with torch.inference_mode():
        blind.fit_guess(np.setdiff1d(np.arange(len(table)), held))
        pictures = unit(blind.embed(shut, pooled).numpy())  # (n, d)
    return _ranks(pictures @ table[held].T, np.searchsorted(held, truth))


def speed(encoder: "Encoder", count: int = 96) -> float:
    """Pictures a second, from tensors to embeddings."""
    pixels = torch.rand(count, 3, *encoder.model.visual.image_size)
    with torch.inference_mode():
        encoder.model.encode_image(pixels[:8])
        start = time.perf_counter()
        encoder.model.encode_image(pixels)
    return count / (time.perf_counter() - start)


def samples(calculator: Calculator, count: int = 20, prompt: str = "Image of a") -> list[str]:
    """Captions that the language model writes by itself, drawn token by token (seed 0)."""
    lm = calculator.language_model
    torch.manual_seed(0)
    ids = torch.tensor([[lm.eos_token_id, *lm.tokenizer(prompt).input_ids]], device=lm.device)
    drawn = lm.model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=True,
        top_p=0.9,
        top_k=0,
        max_new_tokens=20,
        num_return_sequences=count,
        pad_token_id=lm.eos_token_id,
    )
    return [text.strip() for text in lm.tokenizer.batch_decode(drawn, skip_special_tokens=True)]


@dataclass(frozen=True, slots=True)
class Class:
    """One of ImageNet's classes: its name, and the words that name it or a parent."""

    name: str
    accepted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A photograph, the name of what it shows, and that class's number."""

    path: Path
    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Told:
    """What was said of a photograph, and whether that names its class or a parent."""

    name: str
    caption: str
    clip: float
    right: bool


def classes() -> list[Class]:
    """ImageNet's 1,000 classes in the tower's order."""
    lines = (_HERE / "class_names.tsv").read_text("utf8").splitlines()
    rows = [line.split("\t") for line in lines]
    return [Class(name, tuple(accepted.split("|"))) for name, accepted in rows]


def told(photos: Path, calculator: Calculator, count: int) -> list[Told]:
    """Captions of `count` photographs, evenly over the list, by the model's default decoder."""
    every, known = _labelled(photos), classes()
    chosen = [every[i * len(every) // count] for i in range(min(count, len(every)))]
    calculator.gallery = Gallery([photos])
    found = []
    for row in track(chosen, "Captions"):
        best = calculator.img(row.path.name).caption()
        said = stems(best.text)
        right = any(stems(name) <= said for name in known[row.number].accepted)
        found.append(Told(row.name, best.text, best.clip, right))
    return found


def _labelled(photos: Path) -> list[Labelled]:
    table = photos / "labels.tsv"
    if not table.is_file():
        raise ZcalcError(
            f"There is no labels.tsv in {photos}.",
            "It is a table with the columns file and name, one line a picture.",
        )
    numbers = {known.name: number for number, known in reversed(list(enumerate(classes())))}
    with table.open(encoding="utf8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    strange = sorted({row["name"] for row in rows if row["name"].lower() not in numbers})
    if strange:
        hint = f"A name must be one of the {len(numbers)} of {_HERE.name}/class_names.tsv."
        raise ZcalcError(f"labels.tsv has names that are no class: {', '.join(strange[:5])}.", hint)
    return [
        Labelled(photos / row["file"], row["name"].lower(), numbers[row["name"].lower()])
        for row in rows
    ]


def _names(encoder: "Encoder", names: list[str]) -> np.ndarray:
    """Unit embeddings (n, d) of names, the mean direction over the prompts."""
    rows = [unit(encoder.texts([p.format(n) for n in names])) for p in PROMPTS]
    return unit(np.sum(rows, axis=0))


def _ranks(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """How many columns score higher than the true one, for each row of (n, m)."""
    own = scores[np.arange(len(truth)), truth]  # (n,)
    return (scores > own[:, None]).sum(1)


def _held_out(encoder: "Encoder") -> Iterator[tuple[str, np.ndarray]]:
    """Each kind of texts that nothing was trained on, with their cosines (n,) with the teacher."""
    texts = json.loads((_HERE / "held_out.json").read_text("utf8"))
    rows = load_file(_HERE / "held_out.safetensors")
    for kind, lines in texts.items():
        own = unit(encoder.texts(lines))  # (n, d)
        teacher = unit(rows[kind].astype(np.float32))
        yield kind, (own * teacher).sum(1)
