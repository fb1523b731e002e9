"""The types of results, for annotations: `from zcalc.types import Result, Caption, Hit`."""

from zcalc.analysis.difference import Separator
from zcalc.analysis.labels import Labels
from zcalc.analysis.parts import Parts
from zcalc.answer import Answer, Term, View
from zcalc.decode.caption import Beam, Caption
from zcalc.index.hits import Hit, Hits
from zcalc.query_result import QueryResult
from zcalc.result import Result, Results, Scalar
from zcalc.set_result import Difference, PictureSet
from zcalc.words import Word

__all__ = [
    "Answer", "Beam", "Caption", "Difference", "Hit", "Hits", "Labels", "Parts", "PictureSet",
    "QueryResult", "Result", "Results", "Scalar", "Separator", "Term", "View", "Word",
]  # fmt: skip
