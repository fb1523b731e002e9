"""What random pairs of pictures and words have for a cosine; below it, an answer is weak."""

import time
from typing import TYPE_CHECKING

import numpy as np

from zcalc.algebra import unit
from zcalc.bench.report import Metric, Report
from zcalc.gallery import Gallery
from zcalc.models.random_pairs import keep

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

WORDS = 1000  # drawn from the vocabulary


def random_pairs(calculator: "Calculator") -> Report:
    """The mean cosine of every sample picture with each of 1,000 random words.

    It is kept for the encoder: later answers whose best cosine is lower are marked as weak.
    """
    start = time.perf_counter()
    models, gallery = calculator.models, Gallery.samples()
    words = models.plain_vocabulary.vectors
    rows = np.random.default_rng(0).choice(len(words), min(WORDS, len(words)), replace=False)
    pictures = unit(models.encoder.images(picture.open() for picture in gallery))  # (n, d)
    cosines = (pictures @ words[rows].T).mean(axis=1)  # (n,)
    keep(models.encoder.identity, float(cosines.mean()))
    return Report(
        "random pairs",
        models.name,
        tuple(picture.name for picture in gallery),
        tuple("pictures" for _ in gallery),
        (Metric("mean cosine", cosines),),
        notes=(f"each picture with {len(rows)} words",),
        seconds=time.perf_counter() - start,
    )
