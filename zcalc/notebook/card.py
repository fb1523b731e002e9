"""The card: a result as static HTML that needs nothing else, and as text.

Everything that comes from a person or a file name is escaped; pictures are small JPEGs inside.
"""

import base64
import io
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from zcalc.equation import pieces
from zcalc.errors import ZcalcError
from zcalc.gallery import Picture
from zcalc.language import Image, Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zcalc.decode.caption import Beam, Caption
    from zcalc.geometry.shown import Shown
    from zcalc.result import Hit, Result, Scalar
    from zcalc.words import Word

_SIDE = 144  # pixels of a thumbnail, shown at half that
_BUDGET = 120_000  # characters of all thumbnails together; past it only names are shown
_BAR = 24


def card_html(result: "Result") -> str:
    """The card as HTML: the equation, and what the result's `view` shows of it; below 150 kB."""
    thumbnails, view, columns = _Thumbnails(), result.view, []
    body = f'<div class="equation">{_equation(result, thumbnails)}</div>'
    if view.caption is not None:
        caption = result.caption(**view.caption)
        body += f'<p class="sentence">{_text(caption.text)}</p>'
        body += f'<p class="about">{_text(about_caption(caption))}</p>{_others(caption)}'
    if view.words:
        columns.append(f"<h4>Nearest words</h4>{_words(result.words(view.words))}")
    if view.pictures:
        shown = _pictures(result.nearest(view.pictures, **view.asked), thumbnails)
        columns.append(f'<h4>Nearest pictures</h4><div class="pictures">{shown}</div>')
    if view.plot is not None:
        body += _drawing(result.plot(**view.plot), result.expr)
    if len(result.terms) > 1:
        columns.append(f"<h4>Terms</h4>{_terms(result)}")
    body += f'<div class="columns">{"".join(f"<div>{part}</div>" for part in columns)}</div>'
    return _card(f'{body}<p class="foot">{_text(foot(result))}</p>')


def figure_html(shown: "Shown") -> str:
    """The card of a measure: its figure, and its numbers folded below it."""
    drawing = _drawing(shown.plot(), type(shown).__name__)
    return _card(f"{drawing}<details><summary>Numbers</summary>{shown.html_table()}</details>")


def number_html(scalar: "Scalar") -> str:
    """The card of a number."""
    name = f"{scalar.name} = " if scalar.name else ""
    return _card(
        f'<p class="about">{_text(scalar.expr)}</p>'
        f'<p class="sentence">{_text(f"{name}{scalar.value:.4g}")}</p>'
    )


def number_text(scalar: "Scalar") -> str:
    """A number as text."""
    return f"{scalar.expr if scalar.name is None else scalar.name} = {scalar.value:.4g}"


def card_text(result: "Result") -> str:
    """The card as text, in a fixed width."""
    view = result.view
    words = result.words(view.words) if view.words else []
    hits = result.nearest(view.pictures, **view.asked) if view.pictures else []
    names = [*(w.text for w in words), *(h.name for h in hits), *(t.name for t in result.terms)]
    width = min(40, max((len(name) for name in names), default=0))
    most = max((w.score for w in words), default=1.0)
    lines = [equation_text(result)]
    if view.caption is not None:
        caption = result.caption(**view.caption)
        lines += ["", f"  {caption.text}", f"  {about_caption(caption)}"]
        lines += [f"  {beam.clip:5.2f}  {beam.text}" for beam in other_sentences(caption)]
    if words:
        lines += ["", "Nearest words"]
    lines += [f"  {w.text:{width}}  {w.score:5.2f}  {_bar(w.score, most)}" for w in words]
    if hits:
        lines += ["", "Nearest pictures"]
    lines += [f"  {h.name:{width}}  {h.score:5.2f}" for h in hits]
    if len(result.terms) > 1:
        lines += ["", f"{'Terms':{width + 2}}  weight  norm  cosine"]
    lines += [
        f"  {t.name[:width]:{width}}  {t.weight:6.2f} {t.norm:5.2f}   {t.cosine:5.2f}"
        for t in result.terms
        if len(result.terms) > 1
    ]
    return "\n".join([*lines, "", foot(result)])


def equation_text(result: "Result") -> str:
    """The equation on one line: pictures by name, texts in quotes."""
    shown = (p if isinstance(p, str) else _operand(p, result) for p in pieces(result.tree))
    line = " ".join(shown).replace("( ", "(").replace(" )", ")").replace(" ,", ",")
    return f"{result.name} = {line}" if result.name else line


def about_caption(caption: "Caption") -> str:
    """How good a sentence is, and what made it."""
    parts = [f"cosine {caption.clip:.2f}"]
    if caption.logprob is not None:
        parts.append(f"log-probability {caption.logprob:.1f} a token")
    return " · ".join([*parts, caption.method])


def other_sentences(caption: "Caption") -> "list[Beam]":
    """The beams that say something else than the caption, nearest first."""
    texts = {beam.text: beam for beam in caption.beams if beam.text != caption.text}
    return sorted(texts.values(), key=lambda beam: -beam.clip)


def foot(result: "Result") -> str:
    """The norm, the model, the time it took, and what had to be left out."""
    seconds = sum(result.seconds.values())
    parts = [f"norm {result.norm:.2f}", result.calculator.model, f"{seconds:.1f} s"]
    skipped = result.calculator.skipped
    if skipped:
        first = f"{Path(skipped[0].path).name}: {skipped[0].reason}"
        more = f" and {len(skipped) - 1} more" if len(skipped) > 1 else ""
        parts.append(f"skipped {first}{more}")
    return " · ".join(parts)


@cache
def style() -> str:
    """The card's style sheet."""
    return (files("zcalc.notebook") / "card.css").read_text(encoding="utf-8")


class _Thumbnails:
    """Pictures as data URIs, as long as the card stays small."""

    def __init__(self) -> None:
        self._left = _BUDGET

    def html(self, shown: Picture) -> str:
        """An <img>, or nothing where the file can't be read or the card is full."""
        try:
            picture = shown.open()
        except ZcalcError:
            return ""
        picture.thumbnail(
            (2 * _SIDE, _SIDE) if picture.width > picture.height else (_SIDE, 2 * _SIDE)
        )
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=80)
        data = base64.b64encode(buffer.getvalue()).decode()
        if len(data) > self._left:
            return ""
        self._left -= len(data)
        return f'<img src="data:image/jpeg;base64,{data}" alt="{_text(shown.name)}">'


def _equation(result: "Result", thumbnails: _Thumbnails) -> str:
    """The operands, each in one term with the signs before it, so that lines break between them."""
    terms, signs = [], ""
    if result.name:
        signs = f'<span class="text">{_text(result.name)}</span><span class="sign"> = </span>'
    for piece in pieces(result.tree):
        if isinstance(piece, str):
            signs += f'<span class="sign"> {_text(piece)} </span>'
            continue
        if not isinstance(piece, Image):
            shown = f'<span class="text">“{_text(piece.text)}”</span>'
        elif (picture := result.operand_pictures[piece]).vector is not None:
            shown = f'<span class="text">{_text(picture.name)}</span>'
        else:
            shown = _figure(thumbnails.html(picture), picture.name)
        terms.append(f'<span class="term">{signs}{shown}</span>')
        signs = ""
    return "".join(terms) + (f'<span class="term">{signs}</span>' if signs else "")


def _figure(image: str, name: str, more: str = "") -> str:
    caption = f'<figcaption title="{_text(name)}">{_text(name)}</figcaption>'
    return f"<figure>{image}{caption}{more}</figure>"


def _others(caption: "Caption") -> str:
    """The other sentences with their cosines, folded."""
    beams = other_sentences(caption)
    if not beams:
        return ""
    rows = "".join(f"<tr><td>{b.clip:.2f}</td><th>{_text(b.text)}</th></tr>" for b in beams)
    summary = f"{len(beams)} other sentence{'s' if len(beams) > 1 else ''}, with their cosines"
    return f'<details><summary>{summary}</summary><table class="beams">{rows}</table></details>'


def _words(words: "list[Word]") -> str:
    most = max((w.score for w in words), default=1.0)
    return "".join(
        f'<div class="word"><span title="{_text(w.text)}">{_text(w.text)}</span>'
        f'<div class="bar" style="width:{100 * _share(w.score, most):.0f}%"></div>'
        f'<span class="score">{w.score:.2f}</span></div>'
        for w in words
    )


def _terms(result: "Result") -> str:
    """Which operand contributed what, as a table."""
    rows = "".join(
        f"<tr><th>{_text(t.name)}</th><td>{t.weight:.2f}</td><td>{t.norm:.2f}</td>"
        f"<td>{t.cosine:.2f}</td></tr>"
        for t in result.terms
    )
    head = "<tr><th></th><td>weight</td><td>norm</td><td>cosine</td></tr>"
    return f'<table class="terms">{head}{rows}</table>'


def _drawing(figure: "Figure", about: str) -> str:
    """A plot as a PNG inside the card."""
    from zcalc.geometry.canvas import png

    data = base64.b64encode(png(figure)).decode()
    image = f'<img src="data:image/png;base64,{data}" alt="Plot: {_text(about)}">'
    return f'<div class="plot">{image}</div>'


def _card(body: str) -> str:
    return f'<div class="zcalc"><style>{style()}</style>{body}</div>'


def _pictures(hits: "list[Hit]", thumbnails: _Thumbnails) -> str:
    return "".join(
        _figure(
            thumbnails.html(Picture(hit.name, Path(hit.path))),
            hit.name,
            f'<div class="score">{hit.score:.2f}</div>',
        )
        for hit in hits
    )


def _operand(node: Image | Text, result: "Result") -> str:
    if isinstance(node, Image):
        return f"img({result.operand_pictures[node].name})"
    return f'"{node.text}"'


def _bar(score: float, most: float) -> str:
    return "█" * round(_BAR * _share(score, most))


def _share(score: float, most: float) -> float:
    return max(0.0, score / most) if most > 0 else 0.0


def _text(text: str) -> str:
    """Text inside HTML or one of its quoted attributes."""
    return escape(text.encode("utf-8", "replace").decode(), quote=True)
