"""Benchmarks for any models on any data: relations, analogies, retrieval and captions.

>>> from zcalc.bench import Metric
>>> import numpy as np
>>> Metric("R@1", np.array([1.0, 0.0])).value(np.array([0, 1]))
0.5
"""

from zcalc.bench.analogy import analogies
from zcalc.bench.bootstrap import ModelComparison, compare
from zcalc.bench.captioning import captions
from zcalc.bench.data import Labelled
from zcalc.bench.plain import plain_questions, sample_hubs
from zcalc.bench.random_pairs import random_pairs
from zcalc.bench.recall import retrieval
from zcalc.bench.relation import relations
from zcalc.bench.report import Metric, Report, Skip, Suite
from zcalc.bench.suite import run_all

__all__ = [
    "Labelled", "Metric", "ModelComparison", "Report", "Skip", "Suite",
    "analogies", "captions", "compare", "plain_questions", "random_pairs", "relations",
    "retrieval", "run_all", "sample_hubs",
]  # fmt: skip
