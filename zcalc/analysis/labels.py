"""Zero-shot classification: the probability of each class of a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zcalc.algebra import unit
from zcalc.errors import ZcalcError

if TYPE_CHECKING:
    from zcalc.models.pair import Models


@dataclass(frozen=True, slots=True)
class Labels:
    """The classes with their probabilities, likeliest first, of what is called `name`."""

    name: str
    probabilities: tuple[tuple[str, float], ...]

    @property
    def best(self) -> tuple[str, float]:
        """The likeliest class and its probability."""
        return self.probabilities[0]


def label(
    models: "Models", names: Sequence[str], points: np.ndarray, classes: Sequence[str]
) -> list[Labels]:
    """Classify unit points (n, d), called `names`, by unit directions of the classes' texts.

    Probabilities are the softmax over the classes of the encoder's logit scale times the cosines
    (Radford et al. 2021, section 3.1.2). An encoder with a logit bias was trained with a sigmoid
    per pair (SigLIP, Zhai et al. 2023): its classes are judged one by one, and don't add up to 1.
    Each class is the mean of its text in the preset's prompt templates. Raises ZcalcError for fewer
    than two classes.
    """
    if len(classes) < 2:
        hint = 'Give what to choose from: label("cat", "dog").'
        raise ZcalcError(f"A choice needs two classes or more, not {len(classes)}.", hint)
    weights = class_vectors(models, classes)  # (c, d)
    scale, bias = models.encoder.logit_scale, models.encoder.logit_bias
    logits = scale * (points.astype(np.float64) @ weights.T)  # (n, c)
    if bias is None:
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        values = shifted / shifted.sum(axis=1, keepdims=True)
    else:
        values = 1 / (1 + np.exp(-(logits + bias)))
    rows = []
    for name, row in zip(names, values, strict=True):
        order = np.argsort(-row, kind="stable").tolist()
        rows.append(Labels(name, tuple((classes[i], float(row[i])) for i in order)))
    return rows


def class_vectors(models: "Models", classes: Sequence[str]) -> np.ndarray:
    """The unit direction (c, d) of each class: the mean of its text in the prompt templates."""
    templates = models.preset.templates.get("en") or ("{}",)
    texts = [template.replace("{}", name) for name in classes for template in templates]
    vectors = unit(models.encoder.texts(texts).astype(np.float64))  # (c·t, d)
    return unit(vectors.reshape(len(classes), len(templates), -1).mean(axis=1))
