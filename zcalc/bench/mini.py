"""`zcalc bench mini`: how well the embedded models see, read and write."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import load_file

from zcalc.algebra import unit
from zcalc.calculator import Calculator
from zcalc.errors import ZcalcError
from zcalc.gallery import open_picture

if TYPE_CHECKING:
    from zcalc.models.encoder import Encoder

_HERE = Path(__file__).parent
PROMPTS = ("a photo of a {}", "{}")


def run(photos: Path | None, captions: int = 0, as_json: bool = False) -> None:
    """Print what mini scores, and captions that its language model draws by itself."""
    from zcalc import terminal

    found = figures(photos)
    drawn = samples(captions) if captions else []
    if as_json:
        terminal.print_json(found | ({"samples": drawn} if captions else {}))
        return
    for name, value in found.items():
        terminal.out.print(f"{name:44}{value:7.3f}", highlight=False)
    for caption in drawn:
        terminal.out.print(caption, markup=False, highlight=False)


def figures(photos: Path | None = None, model: str = "mini") -> dict[str, float]:
    """Recall over labelled photographs, and the text tower's mean cosine with its teacher.

    `photos` holds pictures and a `labels.tsv` with the columns `file` and `name`; without it there
    are only the cosines. Every name stands for one picture; its embedding is the mean direction of
    the name in two prompts. Raises ZcalcError where the labels are missing or don't fit.
    """
    encoder = Calculator(model).encoder
    return (recall(photos, encoder) if photos else {}) | dict(_cosines(encoder))


def recall(photos: Path, encoder: "Encoder") -> dict[str, float]:
    """Recall at 1 and 5, from name to picture and from picture to class name."""
    files, names = _labels(photos)
    classes = (_HERE / "class_names.txt").read_text("utf8").splitlines()
    strange = sorted(set(names) - set(classes))
    if strange:
        hint = f"A name must be one of the {len(classes)} of {_HERE.name}/class_names.txt."
        raise ZcalcError(f"labels.tsv has names that are no class: {', '.join(strange[:5])}.", hint)
    pictures = unit(encoder.images(open_picture(photos / file) for file in files))  # (n, d)
    texts, table = _names(encoder, names), _names(encoder, classes)  # (n, d), (1000, d)
    to_picture = _ranks(texts @ pictures.T, np.arange(len(names)))  # (n,)
    to_name = _ranks(pictures @ table.T, np.array([classes.index(name) for name in names]))
    asked = {
        f"text to image among {len(files)}": to_picture,
        f"image to name among {len(classes)}": to_name,
    }
    return {
        f"{what}, R@{k}": float((ranks < k).mean()) for what, ranks in asked.items() for k in (1, 5)
    }


def samples(count: int = 20, model: str = "mini", prompt: str = "Image of a") -> list[str]:
    """Captions that the language model writes by itself, drawn token by token (seed 0)."""
    import torch

    lm = Calculator(model).language_model
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


def _labels(photos: Path) -> tuple[list[str], list[str]]:
    table = photos / "labels.tsv"
    if not table.is_file():
        raise ZcalcError(
            f"There is no labels.tsv in {photos}.",
            "It is a table with the columns file and name, one line a picture.",
        )
    with table.open(encoding="utf8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [row["file"] for row in rows], [row["name"].lower() for row in rows]


def _names(encoder: "Encoder", names: list[str]) -> np.ndarray:
    """Unit embeddings (n, d) of names, the mean direction over the prompts."""
    rows = [unit(encoder.texts([p.format(n) for n in names])) for p in PROMPTS]
    return unit(np.sum(rows, axis=0))


def _ranks(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """How many columns score higher than the true one, for each row of (n, m)."""
    own = scores[np.arange(len(truth)), truth]  # (n,)
    return (scores > own[:, None]).sum(1)


def _cosines(encoder: "Encoder") -> Iterator[tuple[str, float]]:
    """Mean cosine with the teacher on texts that nothing was trained on."""
    texts = json.loads((_HERE / "held_out.json").read_text("utf8"))
    rows = load_file(_HERE / "held_out.safetensors")
    for kind, lines in texts.items():
        own = unit(encoder.texts(lines))  # (n, d)
        teacher = unit(rows[kind].astype(np.float32))
        yield f"cosine with the teacher, held-out {kind}", float((own * teacher).sum(1).mean())
