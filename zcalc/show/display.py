"""What a notebook displays of each kind of object: HTML, and text for everything else."""

from functools import singledispatch
from typing import Any

from zcalc.answer import Answer
from zcalc.decode.comparison import Comparison
from zcalc.geometry.base import Measure
from zcalc.result import Evaluated, Results
from zcalc.show.card import card_html, card_text, measure_html
from zcalc.show.comparison import comparison_html, comparison_text
from zcalc.show.html import escaped

Bundle = dict[str, str]  # by MIME type


@singledispatch
def mimebundle(thing: Any) -> Bundle:
    """An object as "text/html" and "text/plain"."""
    return {"text/plain": repr(thing), "text/html": f"<pre>{escaped(repr(thing))}</pre>"}


@mimebundle.register
def _(answer: Answer) -> Bundle:
    return {"text/plain": card_text(answer), "text/html": card_html(answer)}


@mimebundle.register
def _(result: Evaluated) -> Bundle:
    return mimebundle(result.answer())


@mimebundle.register
def _(results: Results) -> Bundle:
    bundles = [mimebundle(result) for result in results]
    separators = {"text/plain": "\n\n", "text/html": "\n"}
    return {kind: gap.join(one[kind] for one in bundles) for kind, gap in separators.items()}


@mimebundle.register
def _(measure: Measure) -> Bundle:
    return {"text/plain": str(measure), "text/html": measure_html(measure)}


@mimebundle.register
def _(comparison: Comparison) -> Bundle:
    return {"text/plain": comparison_text(comparison), "text/html": comparison_html(comparison)}
