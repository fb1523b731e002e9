"""The card: an answer as static, self-contained HTML, and as text.

Everything that comes from a person or a file name is escaped; pictures are small JPEGs inside.
"""

from collections.abc import Sequence
from pathlib import Path

from rich.cells import cell_len

from zcalc.answer import Answer, Measure, Term
from zcalc.decode.caption import Beam
from zcalc.gallery import Picture
from zcalc.index.hits import Hit
from zcalc.language import Image, Text
from zcalc.show.elements import BAR_WIDTH, Thumbnails, figure, html_table, padded
from zcalc.show.equation import pieces
from zcalc.show.html import data_uri, escaped, style_sheet
from zcalc.show.notes import caption_note
from zcalc.show.sections import (
    section_html,
    section_lines,
    sections,
    strip_head,
    strip_html,
    strip_names,
)
from zcalc.words import Word


def card_html(answer: Answer) -> str:
    """The card as HTML, below 150 kB: the equation, and every part that the answer has."""
    if answer.value is not None:
        return _number_html(answer)
    thumbnails, columns = Thumbnails(), list[str]()
    body = f'<div class="equation">{_equation(answer, thumbnails)}</div>{_remarks(answer)}'
    if answer.captions:
        best = answer.captions[0]
        body += f'<p class="sentence">{escaped(best.text)}</p>'
        body += f'<p class="note">{escaped(caption_line(best, answer.method))}</p>'
        body += _other_captions(answer.captions)
    body += "".join(strip_html(strip, thumbnails) for strip in answer.strips)
    columns += map(section_html, sections(answer))
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


def card_text(answer: Answer) -> str:
    """The card as text in fixed-width columns."""
    if answer.value is not None:
        return "\n".join([number_text(answer), *answer.remarks])
    words, hits, captions = answer.words or (), answer.images or (), answer.captions or ()
    terms = answer.terms if len(answer.terms) > 1 else ()
    names = [*(w.text for w in words), *(h.name for h in hits), *(t.name for t in answer.terms)]
    width = min(40, max(map(cell_len, names), default=11))
    width = max(11, width)
    lines = [equation_text(answer), *caption_lines(answer)]
    if captions:
        lines += ["", f"  {captions[0].text}", f"  {caption_line(captions[0], answer.method)}"]
        lines += [f"  {beam.clip:5.2f}  {beam.text}" for beam in other_captions(captions)]
    for strip in answer.strips:
        lines += ["", strip_head(strip), f"  {strip_names(strip)}"]
    for section in sections(answer):
        lines += ["", section.title, *section_lines(section)]
    if words:
        lines += ["", *_word_lines(words, width)]
    if hits:
        lines += ["", "Nearest pictures"]
    lines += [f"  {padded(h.name, width)}  {h.score:5.2f}{_text_note(h)}" for h in hits]
    if terms:
        lines += ["", f"{'Terms':{width + 2}}  weight  norm  cosine"]
    lines += [
        f"  {t.name[:width]:{width}}  {t.weight:6.2f} {t.norm:5.2f}   {t.cosine:5.2f}"
        for t in terms
    ]
    return "\n".join([*lines, "", *answer.remarks, foot(answer)])


def number_text(answer: Answer) -> str:
    """A number as text, with its name or expression."""
    return f"{answer.name or answer.expr} = {answer.value:.4g}"


def equation_text(answer: Answer) -> str:
    """The equation on one line: pictures by name, texts in quotes."""
    names = (p if isinstance(p, str) else _operand(p, answer) for p in pieces(answer.tree))
    line = " ".join(names).replace("( ", "(").replace(" )", ")").replace(" ,", ",")
    return f"{answer.name} = {line}" if answer.name else line


def caption_lines(answer: Answer) -> list[str]:
    """A line for each operand whose caption is part of its point."""
    pictures = [picture for picture in answer.operands.values() if picture.caption]
    return [f"{picture.name} {caption_note(picture.caption or '')}" for picture in pictures]


def caption_line(beam: Beam, method: str) -> str:
    """A caption's scores and the decoder that wrote it."""
    parts = [f"cosine {beam.clip:.2f}"]
    if beam.logprob is not None:
        parts.append(f"log-probability {beam.logprob:.1f} per token")
    return " · ".join([*parts, method])


def is_ranked(words: Sequence[Word]) -> bool:
    """Whether the words are ordered by more than their cosines."""
    return any(word.rank is not None for word in words)


def bar_lengths(words: Sequence[Word]) -> list[float]:
    """The lengths of the words' bars, relative to the best: what they are ordered by, from 0."""
    values = [w.score if w.rank is None else w.rank for w in words]
    highest = max(values, default=0.0)
    return [max(0.0, value / highest) if highest > 0 else 0.0 for value in values]


def other_captions(captions: Sequence[Beam]) -> list[Beam]:
    """The captions with another text than the best one, best first, without repeats."""
    by_text = {beam.text: beam for beam in captions if beam.text != captions[0].text}
    return sorted(by_text.values(), key=lambda beam: -beam.clip)


def foot(answer: Answer) -> str:
    """The norm, the model, the time taken, and notes."""
    seconds = f"{sum(answer.seconds.values()):.1f} s"
    norm = [] if answer.norm is None else [f"norm {answer.norm:.2f}"]
    return " · ".join([*norm, answer.model, seconds, *answer.notes])


def _number_html(answer: Answer) -> str:
    name = f"{answer.name} = " if answer.name else ""
    return card(
        f'<p class="note">{escaped(answer.expr)}</p>'
        f'<p class="sentence">{escaped(f"{name}{answer.value:.4g}")}</p>{_remarks(answer)}'
    )


def _remarks(answer: Answer) -> str:
    """What the reader of an answer should know, a paragraph each."""
    return "".join(f'<p class="remark">{escaped(remark)}</p>' for remark in answer.remarks)


def _equation(answer: Answer, thumbnails: Thumbnails) -> str:
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
            operand = figure(thumbnails.html(picture), picture.name, _note(picture.caption))
        terms.append(f'<span class="term">{signs}{operand}</span>')
        signs = ""
    return "".join(terms) + (f'<span class="term">{signs}</span>' if signs else "")


def _hit(hit: Hit, thumbnails: Thumbnails) -> str:
    image = thumbnails.html(Picture(hit.name, Path(hit.path)))
    score = f'<div class="score">{hit.score:.2f}</div>'
    return figure(image, hit.name, score + _note(hit.caption))


def _note(caption: str | None) -> str:
    """That a picture's caption is part of its point."""
    if not caption:
        return ""
    return f'<div class="with" title="{escaped(caption)}">{escaped(caption_note(caption))}</div>'


def _text_note(hit: Hit) -> str:
    return f"  {caption_note(hit.caption)}" if hit.caption else ""


def _other_captions(captions: Sequence[Beam]) -> str:
    """The other captions with their cosines, folded."""
    beams = other_captions(captions)
    if not beams:
        return ""
    rows = "".join(f"<tr><td>{b.clip:.2f}</td><th>{escaped(b.text)}</th></tr>" for b in beams)
    summary = f"{len(beams)} other caption{'s' if len(beams) > 1 else ''}, with cosines"
    return f'<details><summary>{summary}</summary><table class="beams">{rows}</table></details>'


def _words(words: Sequence[Word]) -> str:
    """The words with their bars and cosines and, below headings, their ranks."""
    kind, head = ("word ranked", ("cosine", "rank")) if is_ranked(words) else ("word", ())
    lines = [f'<div class="{kind}">{_scores(*head)}</div>'] if head else []
    for w, length in zip(words, bar_lengths(words), strict=True):
        numbers = [f"{x:.2f}" for x in (w.score, w.rank) if x is not None]
        lines.append(
            f'<div class="{kind}"><span title="{escaped(w.text)}">{escaped(w.text)}</span>'
            f'<div class="bar" style="width:{100 * length:.0f}%"></div>{_scores(*numbers)}</div>'
        )
    return "".join(lines)


def _scores(*numbers: str) -> str:
    return "".join(f'<span class="score">{number}</span>' for number in numbers)


def _word_lines(words: Sequence[Word], width: int) -> list[str]:
    """The words as lines of text, with headings for two columns of numbers."""
    head = f"{'Nearest words':{width + 2}} cosine   rank" if is_ranked(words) else "Nearest words"
    lines = [head]
    for w, length in zip(words, bar_lengths(words), strict=True):
        numbers = "  ".join(f"{x:5.2f}" for x in (w.score, w.rank) if x is not None)
        bar = "█" * round(BAR_WIDTH * length)
        lines.append(f"  {padded(w.text, width)}  {numbers}  {bar}".rstrip())
    return lines


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
        name = f"img({answer.operands[node].name})"
        return f"{name}[part]" if node.box else name
    return f'"{node.text}"'
