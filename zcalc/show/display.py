"""What a notebook displays of each kind of object: HTML, and text for everything else."""

from functools import singledispatch
from typing import Any

from zcalc.answer import Answer
from zcalc.decode.comparison import Comparison
from zcalc.expression import Expression
from zcalc.geometry.base import Measure
from zcalc.names import Names
from zcalc.result import Results
from zcalc.show.card import card, card_html, card_text, measure_html
from zcalc.show.comparison import comparison_html, comparison_text
from zcalc.show.elements import html_table
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
def _(result: Expression) -> Bundle:
    return mimebundle(result.answer())


@mimebundle.register
def _(results: Results) -> Bundle:
    bundles = [mimebundle(result) for result in results]
    separators = {"text/plain": "\n\n", "text/html": "\n"}
    return {kind: gap.join(one[kind] for one in bundles) for kind, gap in separators.items()}


@mimebundle.register
def _(names: Names) -> Bundle:
    headings = ("name", "expression", "value")
    rows = [headings, *names.rows]
    width, middle = (max(len(row[i]) for row in rows) for i in (0, 1))
    text = "\n".join(f"{a:{width}}  {b:{middle}}  {c}" for a, b, c in rows)
    return {"text/plain": text, "text/html": card(html_table(headings, names.rows, "names"))}


@mimebundle.register
def _(measure: Measure) -> Bundle:
    return {"text/plain": str(measure), "text/html": measure_html(measure)}


@mimebundle.register
def _(comparison: Comparison) -> Bundle:
    return {"text/plain": comparison_text(comparison), "text/html": comparison_html(comparison)}
