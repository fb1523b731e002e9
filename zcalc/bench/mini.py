"""`zcalc bench mini`: how well the embedded models see, read and write."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from zcalc.algebra import unit
from zcalc.calculator import Calculator
from zcalc.errors import ZcalcError
from zcalc.gallery import open_picture

_HERE = Path(__file__).parent
PROMPTS = ("a photo of a {}", "{}")


def figures(photos: Path, model: str = "mini") -> dict[str, float]:
    """Recall over labelled photographs, and the text tower's cosine with its teacher.

    `photos` holds pictures and a `labels.tsv` with the columns `file` and `name`. Every name stands
    for one picture. A text's embedding is the mean direction of the name in two prompts.
    Raises ZcalcError where the labels are missing or name a picture that can't be read.
    """
    encoder = Calculator(model).encoder
    files, names = _labels(photos)
    pictures = unit(encoder.images(open_picture(photos / f) for f in files))  # (n, d)
    texts = _names(encoder, names)  # (n, d)
    classes = (_HERE / "class_names.txt").read_text("utf8").splitlines()
    table = _names(encoder, classes)  # (1000, d)
    truth = np.array([classes.index(name.lower()) for name in names])
    to_picture = _ranks(texts @ pictures.T, np.arange(len(names)))
    to_name = _ranks(pictures @ table.T, truth)
    found = {
        "photographs": float(len(files)),
        "text to image R@1": float((to_picture < 1).mean()),
        "text to image R@5": float((to_picture < 5).mean()),
        f"image to name R@1 among {len(classes):,}": float((to_name < 1).mean()),
        f"image to name R@5 among {len(classes):,}": float((to_name < 5).mean()),
    }
    return found | dict(_cosines(encoder))


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
    return [row["file"] for row in rows], [row["name"] for row in rows]


def _names(encoder, names: list[str]) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Unit embeddings (n, d) of names, the mean direction over the prompts."""
    rows = [unit(encoder.texts([p.format(n.lower()) for n in names])) for p in PROMPTS]
    return unit(np.sum(rows, axis=0))


def _ranks(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """How many columns score higher than the true one, for each row of (n, m)."""
    own = scores[np.arange(len(truth)), truth]  # (n,)
    return (scores > own[:, None]).sum(1)


def _cosines(encoder) -> Iterator[tuple[str, float]]:  # type: ignore[no-untyped-def]
    """Mean cosine with the teacher on texts that nothing was trained on."""
    texts = json.loads((_HERE / "held_out.json").read_text("utf8"))
    rows = load_file(_HERE / "held_out.safetensors")
    for kind, lines in texts.items():
        own = unit(encoder.texts(lines))  # (n, d)
        teacher = unit(rows[kind].astype(np.float32))
        yield f"cosine with the teacher, held-out {kind}", float((own * teacher).sum(1).mean())
