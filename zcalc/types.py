"""The types of results, for annotations: `from zcalc.types import Result, Caption, Hit`."""

from zcalc.answer import Answer, Term, View
from zcalc.decode.caption import Beam, Caption
from zcalc.index.query import Hit
from zcalc.result import Result, Results, Scalar
from zcalc.words import Word

__all__ = [
    "Answer", "Beam", "Caption", "Hit", "Result", "Results", "Scalar", "Term", "View", "Word",
]  # fmt: skip
