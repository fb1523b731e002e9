"""The card: an answer as static, self-contained HTML, and as text.

Everything that comes from a person or a file name is escaped; pictures are small JPEGs inside.
"""

from collections.abc import Sequence
from pathlib import Path

from zcalc.answer import Answer, Measure, Term
from zcalc.decode.caption import Beam
from zcalc.errors import ZcalcError
from zcalc.gallery import Picture
from zcalc.index.query import Hit
from zcalc.language import Image, Text
from zcalc.show.equation import pieces
from zcalc.show.html import data_uri, escaped, jpeg_uri, style_sheet
from zcalc.words import Word

_SIDE = 144  # pixels of a thumbnail, displayed at half that
_BUDGET = 120_000  # characters of all thumbnails together; past it only names are shown
_BAR_WIDTH = 24  # characters


def card_html(answer: Answer) -> str:
    """The card as HTML, below 150 kB: the equation, and every part that the answer has."""
    if answer.value is not None:
        return _number_html(answer)
    thumbnails, columns = _Thumbnails(), []
    body = f'<div class="equation">{_equation(answer, thumbnails)}</div>'
    if answer.captions:
        best = answer.captions[0]
        body += f'<p class="sentence">{escaped(best.text)}</p>'
        body += f'<p class="note">{escaped(caption_line(best, answer.method))}</p>'
        body += _other_captions(answer.captions)
    if answer.words is not None:
        columns.append(f"<h4>Nearest words</h4>{_words(answer.words)}")
    if answer.images is not None:
        figures = "".join(_hit(hit, thumbnails) for hit in answer.images)
        columns.append(f'<h4>Nearest pictures</h4><div class="pictures">{figures}</div>')
    if answer.plot is not None:
        body += _drawing(answer.plot, answer.expr)
    if len(answer.terms) > 1:
        columns.append(f"<h4>Terms</h4>{_terms(answer.terms)}")
    body += f'<div class="columns">{"".join(f"<div>{part}</div>" for part in columns)}</div>'
    return card(f'{body}<p class="foot">{escaped(foot(answer))}</p>')


def measure_html(measure: Measure) -> str:
    """The card of a measure: its figure, with its numbers folded below."""
    drawing = _drawing(measure, type(measure).__name__)
    table = html_table(*measure.cells())
    return card(f"{drawing}<details><summary>Numbers</summary>{table}</details>")


def card(body: str) -> str:
    """HTML in the frame and style of a card."""
    return f'<div class="zcalc"><style>{style_sheet("card.css")}</style>{body}</div>'


def html_table(headings: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "terms") -> str:
    """A table of names, each followed by its cells."""
    lines = (
        f"<tr><th>{escaped(name)}</th>{''.join(f'<td>{escaped(c)}</td>' for c in cells)}</tr>"
        for name, *cells in [headings, *rows]
    )
    return f'<table class="{kind}">{"".join(lines)}</table>'


def card_text(answer: Answer) -> str:
    """The card as text in fixed-width columns."""
    if answer.value is not None:
        return number_text(answer)
    words, hits, captions = answer.words or (), answer.images or (), answer.captions or ()
    terms = answer.terms if len(answer.terms) > 1 else ()
    names = [*(w.text for w in words), *(h.name for h in hits), *(t.name for t in answer.terms)]
    width = min(40, max((len(name) for name in names), default=0))
    highest = max((w.score for w in words), default=1.0)
    lines = [equation_text(answer)]
    if captions:
        lines += ["", f"  {captions[0].text}", f"  {caption_line(captions[0], answer.method)}"]
        lines += [f"  {beam.clip:5.2f}  {beam.text}" for beam in other_captions(captions)]
    if words:
        lines += ["", "Nearest words"]
    lines += [f"  {w.text:{width}}  {w.score:5.2f}  {_bar(w.score, highest)}" for w in words]
    if hits:
        lines += ["", "Nearest pictures"]
    lines += [f"  {h.name:{width}}  {h.score:5.2f}" for h in hits]
    if terms:
        lines += ["", f"{'Terms':{width + 2}}  weight  norm  cosine"]
    lines += [
        f"  {t.name[:width]:{width}}  {t.weight:6.2f} {t.norm:5.2f}   {t.cosine:5.2f}"
        for t in terms
    ]
    return "\n".join([*lines, "", foot(answer)])


def number_text(answer: Answer) -> str:
    """A number as text, with its name or expression."""
    return f"{answer.name or answer.expr} = {answer.value:.4g}"


def equation_text(answer: Answer) -> str:
    """The equation on one line: pictures by name, texts in quotes."""
    names = (p if isinstance(p, str) else _operand(p, answer) for p in pieces(answer.tree))
    line = " ".join(names).replace("( ", "(").replace(" )", ")").replace(" ,", ",")
    return f"{answer.name} = {line}" if answer.name else line


def caption_line(beam: Beam, method: str) -> str:
    """A caption's scores and the decoder that wrote it."""
    parts = [f"cosine {beam.clip:.2f}"]
    if beam.logprob is not None:
        parts.append(f"log-probability {beam.logprob:.1f} per token")
    return " · ".join([*parts, method])


def other_captions(captions: Sequence[Beam]) -> list[Beam]:
    """The captions with another text than the best one, best first, without repeats."""
    by_text = {beam.text: beam for beam in captions if beam.text != captions[0].text}
    return sorted(by_text.values(), key=lambda beam: -beam.clip)


def foot(answer: Answer) -> str:
    """The norm, the model, the time taken, and notes."""
    seconds = sum(answer.seconds.values())
    return " · ".join([f"norm {answer.norm:.2f}", answer.model, f"{seconds:.1f} s", *answer.notes])


class _Thumbnails:
    """Pictures as <img> elements, as long as the card stays small."""

    def __init__(self) -> None:
        self._budget = _BUDGET

    def html(self, picture: Picture) -> str:
        """An <img>, or nothing if the file can't be read or the card is full."""
        try:
            pixels = picture.open()
        except ZcalcError:
            return ""
        wide = pixels.width > pixels.height
        uri = jpeg_uri(pixels, (2 * _SIDE, _SIDE) if wide else (_SIDE, 2 * _SIDE), 80)
        if len(uri) > self._budget:
            return ""
        self._budget -= len(uri)
        return f'<img src="{uri}" alt="{escaped(picture.name)}">'


def _number_html(answer: Answer) -> str:
    name = f"{answer.name} = " if answer.name else ""
    return card(
        f'<p class="note">{escaped(answer.expr)}</p>'
        f'<p class="sentence">{escaped(f"{name}{answer.value:.4g}")}</p>'
    )


def _equation(answer: Answer, thumbnails: _Thumbnails) -> str:
    """The operands, each with the signs before it, so that lines break between terms."""
    terms, signs = [], ""
    if answer.name:
        signs = f'<span class="text">{escaped(answer.name)}</span><span class="sign"> = </span>'
    for piece in pieces(answer.tree):
        if isinstance(piece, str):
            signs += f'<span class="sign"> {escaped(piece)} </span>'
            continue
        if not isinstance(piece, Image):
            operand = f'<span class="text">“{escaped(piece.text)}”</span>'
        elif (picture := answer.operands[piece]).vector is not None:
            operand = f'<span class="text">{escaped(picture.name)}</span>'
        else:
            operand = _figure(thumbnails.html(picture), picture.name)
        terms.append(f'<span class="term">{signs}{operand}</span>')
        signs = ""
    return "".join(terms) + (f'<span class="term">{signs}</span>' if signs else "")


def _figure(image: str, name: str, below: str = "") -> str:
    caption = f'<figcaption title="{escaped(name)}">{escaped(name)}</figcaption>'
    return f"<figure>{image}{caption}{below}</figure>"


def _hit(hit: Hit, thumbnails: _Thumbnails) -> str:
    image = thumbnails.html(Picture(hit.name, Path(hit.path)))
    return _figure(image, hit.name, f'<div class="score">{hit.score:.2f}</div>')


def _other_captions(captions: Sequence[Beam]) -> str:
    """The other captions with their cosines, folded."""
    beams = other_captions(captions)
    if not beams:
        return ""
    rows = "".join(f"<tr><td>{b.clip:.2f}</td><th>{escaped(b.text)}</th></tr>" for b in beams)
    summary = f"{len(beams)} other caption{'s' if len(beams) > 1 else ''}, with cosines"
    return f'<details><summary>{summary}</summary><table class="beams">{rows}</table></details>'


def _words(words: Sequence[Word]) -> str:
    highest = max((w.score for w in words), default=1.0)
    return "".join(
        f'<div class="word"><span title="{escaped(w.text)}">{escaped(w.text)}</span>'
        f'<div class="bar" style="width:{100 * _share(w.score, highest):.0f}%"></div>'
        f'<span class="score">{w.score:.2f}</span></div>'
        for w in words
    )


def _terms(terms: Sequence[Term]) -> str:
    """The contribution of each operand, as a table."""
    rows = [(t.name, f"{t.weight:.2f}", f"{t.norm:.2f}", f"{t.cosine:.2f}") for t in terms]
    return html_table(("", "weight", "norm", "cosine"), rows)


def _drawing(measure: Measure, description: str) -> str:
    """A plot as a PNG inside the card."""
    from zcalc.geometry.plots.canvas import png

    uri = data_uri("image/png", png(measure.plot()))
    return f'<div class="plot"><img src="{uri}" alt="Plot: {escaped(description)}"></div>'


def _operand(node: Image | Text, answer: Answer) -> str:
    if isinstance(node, Image):
        return f"img({answer.operands[node].name})"
    return f'"{node.text}"'


def _bar(score: float, highest: float) -> str:
    return "█" * round(_BAR_WIDTH * _share(score, highest))


def _share(score: float, highest: float) -> float:
    return max(0.0, score / highest) if highest > 0 else 0.0
