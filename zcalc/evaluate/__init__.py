"""Evaluation: relations, analogies, retrieval and captions, on any models and anybody's data.

>>> from zcalc.evaluate import Figure
>>> import numpy as np
>>> Figure("R@1", np.array([1.0, 0.0])).of(np.array([1.0, 0.0]))
0.5
"""

from zcalc.evaluate.analogy import analogies
from zcalc.evaluate.bootstrap import Compared, compare
from zcalc.evaluate.captioning import captions
from zcalc.evaluate.data import Labelled
from zcalc.evaluate.questions import relations
from zcalc.evaluate.recall import retrieval
from zcalc.evaluate.report import Figure, Report, Skip, Suite
from zcalc.evaluate.suite import everything

__all__ = [
    "Compared", "Figure", "Labelled", "Report", "Skip", "Suite",
    "analogies", "captions", "compare", "everything", "relations", "retrieval",
]  # fmt: skip
