"""SIMAT: change one word of a picture's caption, and find a picture that shows the result.

Couairon et al. 2021 (arXiv 2112.03162): the picture's embedding plus λ times the difference of two
words' embeddings is searched for among the pictures, without itself. The score is the share of
transformations whose first picture is right, each weighted by 1/√n, with n the transformations that
change the same word. In their release an image-text model (OSCAR) judges what is right, above 0.5.
"""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from zcalc.algebra import unit
from zcalc.bench.data import read_table
from zcalc.calculator import Calculator
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery, Picture
from zcalc.progress import track

LAMBDAS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0)
SPLITS = ("dev", "test")
ORACLE = "oscar_similarity_matrix"
CONVERT = (
    "python -c \"import numpy, torch; numpy.save('{0}.npy', "
    "torch.load('{0}.pt', weights_only=True).numpy())\""
)
_FETCH = (
    "It needs simat_db of github.com/facebookresearch/SIMAT (transfos.csv, triplets.csv), the "
    "crops that its prepare_dataset.py cuts from Visual Genome (images/…/REGION.jpg), and its "
    "similarity matrix as .npy: "
)
_OWN = Path(__file__).parent / "simat.tsv"


@dataclass(frozen=True, slots=True)
class Transformation:
    """A change of the word `value` to `target` in the picture of row `picture`."""

    picture: int
    value: str
    target: str
    right: frozenset[int]  # rows of pictures that show the result
    weight: float
    split: str


@dataclass(frozen=True, eq=False)
class Simat:
    """The score of each λ, by split, in percent."""

    model: str
    name: str
    counts: dict[str, int]
    scores: dict[str, dict[float, float]]

    @property
    def best(self) -> float:
        """The λ with the highest score on dev, the smallest of equals."""
        return max(self.scores["dev"], key=lambda value: (self.scores["dev"][value], -value))

    def data(self) -> dict[str, Any]:
        """The scores as JSON."""
        scores = {
            split: {f"{value:g}": round(score, 2) for value, score in row.items()}
            for split, row in self.scores.items()
        }
        header = {"model": self.model, "set": self.name, "transformations": self.counts}
        return header | {"scores": scores, "best_on_dev": self.best}

    def cells(self) -> list[tuple[str, ...]]:
        """The cells of the table, headings first."""
        lines = [("λ", *(f"{split} ({self.counts[split]})" for split in SPLITS))]
        for value in LAMBDAS:
            numbers = (f"{self.scores[split][value]:.1f}" for split in SPLITS)
            lines.append((f"{value:g}", *numbers))
        return lines

    def notice(self) -> str:
        """The λ chosen on dev, and its score on test."""
        score = self.scores["test"][self.best]
        return f"{self.name}: best on dev at λ = {self.best:g}, which has {score:.1f} on test."


def measure_simat(calculator: Calculator, folder: Path | None = None) -> Simat:
    """Sweep λ on the release in a folder, or without one on zcalc's own set.

    Raises ZcalcError, saying what to fetch, if the folder lacks a part of the release.
    """
    pictures, transformations = own_set() if folder is None else release(folder)
    encoder = calculator.models.encoder
    opened = (picture.open() for picture in track(pictures, "Embedding the pictures"))
    rows = unit(encoder.images(opened).astype(np.float64))  # (p, d)
    words = list(dict.fromkeys(w for t in transformations for w in (t.value, t.target)))
    vectors = dict(zip(words, unit(encoder.texts(words).astype(np.float64)), strict=True))
    counts = Counter(t.split for t in transformations)
    scores: dict[str, dict[float, float]] = {split: {} for split in SPLITS}
    for value in LAMBDAS:
        found = first_pictures(rows, transformations, vectors, value)
        for split in SPLITS:
            own = [
                (t, row) for t, row in zip(transformations, found, strict=True) if t.split == split
            ]
            right = [row in t.right for t, row in own]
            weights = [t.weight for t, _ in own]
            scores[split][value] = 100 * float(np.average(right, weights=weights)) if own else 0.0
    name = "zcalc's own set" if folder is None else str(folder)
    return Simat(calculator.models.name, name, dict(counts), scores)


def first_pictures(
    rows: np.ndarray,
    transformations: Sequence[Transformation],
    vectors: dict[str, np.ndarray],
    by: float,
) -> list[int]:
    """The row of the picture nearest to each transformed one, other than itself."""
    deltas = np.stack([vectors[t.target] - vectors[t.value] for t in transformations])  # (t, d)
    sources = [t.picture for t in transformations]
    cosines = (rows[sources] + by * deltas) @ rows.T  # (t, p)
    cosines[np.arange(len(sources)), sources] = -np.inf
    return cosines.argmax(axis=1).tolist()


def own_set() -> tuple[list[Picture], list[Transformation]]:
    """Sample pictures with captions, and all pairs of a group that differ in one word.

    Every second transformation is for testing.
    """
    gallery = Gallery.samples()
    pictures = list(gallery)
    number = {picture.name: i for i, picture in enumerate(pictures)}
    captions = read_table(_OWN, ("group", "picture", "caption"))
    found = []
    for a, b in permutations(captions, 2):
        words = _changed(a["caption"], b["caption"]) if a["group"] == b["group"] else None
        if words:
            found.append((number[a["picture"]], *words, number[b["picture"]]))
    counts = Counter(value for _, value, _, _ in found)
    return pictures, [
        Transformation(
            source, value, target, frozenset({right}), counts[value] ** -0.5, SPLITS[i % 2]
        )
        for i, (source, value, target, right) in enumerate(found)
    ]


def _changed(a: str, b: str) -> tuple[str, str] | None:
    """The words in which two captions differ, if it is one word; articles don't count.

    >>> _changed("an old man", "an old woman"), _changed("a man", "an old man")
    (('man', 'woman'), None)
    """
    first, second = (re.sub(r"^(a|an|the) ", "", text).split() for text in (a, b))
    if len(first) != len(second):
        return None
    pairs = [(x, y) for x, y in zip(first, second, strict=True) if x != y]
    return pairs[0] if len(pairs) == 1 else None


def release(folder: Path) -> tuple[list[Picture], list[Transformation]]:
    """The release of SIMAT: its pictures by dataset id, and its transformations."""
    matrix_file = folder / f"{ORACLE}.npy"
    needed = (folder / "transfos.csv", folder / "triplets.csv", folder / "images", matrix_file)
    missing = [path.name for path in needed if not path.exists()]
    if missing:
        hint = _FETCH + CONVERT.format(folder / ORACLE)
        raise ZcalcError(f"{folder} has no {', '.join(missing)}.", hint)
    oracle = np.load(matrix_file, mmap_mode="r", allow_pickle=False)  # (p, captions)
    files = {path.stem: path for path in sorted((folder / "images").glob("*/*.jpg"))}
    ids = {row["region_id"]: int(row["dataset_id"]) for row in _rows(folder / "triplets.csv")}
    absent = [region for region in ids if region not in files]
    if absent:
        message = f"{folder / 'images'} lacks {len(absent):,} of {len(ids):,} crops, such as "
        raise ZcalcError(f"{message}{absent[0]}.jpg.", _FETCH + CONVERT.format(folder / ORACLE))
    order = sorted(ids, key=lambda region: ids[region])
    pictures = [Picture(region, files[region]) for region in order]
    transformations = []
    right: dict[int, frozenset[int]] = {}
    for row in _rows(folder / "transfos.csv"):
        target = int(row["target_ids"])
        if target not in right:
            right[target] = frozenset(np.flatnonzero(oracle[:, target] > 0.5).tolist())
        split = "test" if row["is_test"] == "True" else "dev"
        weight = float(row["norm2"]) ** -0.5
        transformations.append(
            Transformation(
                ids[row["region_id"]], row["value"], row["target"], right[target], weight, split
            )
        )
    return pictures, transformations


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf8", newline="") as lines:
        return list(csv.DictReader(lines))
