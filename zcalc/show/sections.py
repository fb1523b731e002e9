"""The parts of a card that verbs add: classes, sums of words, differences, and strips of pictures.

Each has rows of text, which terminal and card lay out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.cells import cell_len

from zcalc.answer import Answer, Strip
from zcalc.gallery import Picture
from zcalc.pictures import printable
from zcalc.show.elements import BAR_WIDTH, Thumbnails, figure, html_table, padded
from zcalc.show.html import escaped

_STRIP = 96  # pixels of a thumbnail in a strip
_MOST = 50  # labelled pictures of a set that are listed


@dataclass(frozen=True, slots=True)
class Section:
    """A table with a title: headings, and rows of a name and numbers; `bars` (0 to 1) if any.

    `line` is a sentence or an expression above the table.
    """

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    bars: tuple[float, ...] = ()
    line: str = ""


def sections(answer: Answer) -> Iterator[Section]:
    """The sections of an answer, in the order of the card."""
    if len(answer.labels) == 1:
        pairs = answer.labels[0].probabilities
        classes = tuple((printable(text), f"{p:.1%}") for text, p in pairs)
        yield Section("Classes", ("class", "probability"), classes, tuple(p for _, p in pairs))
    elif answer.labels:
        shown = answer.labels[:_MOST]
        rows = tuple((printable(x.name), x.best[0], f"{x.best[1]:.1%}") for x in shown)
        more = len(answer.labels) - len(shown)
        line = f"The first {len(shown)} of {len(answer.labels)} pictures." if more else ""
        yield Section("Classes", ("picture", "class", "probability"), rows, line=line)
    if answer.parts is not None:
        rows = tuple((t.text, f"{t.weight:+.2f}", f"{t.share:.0%}") for t in answer.parts.terms)
        line = f"{answer.parts.expr}   residual {answer.parts.residual:.2f}"
        bars = tuple(max(0.0, term.share) for term in answer.parts.terms)
        yield Section("Parts", ("word", "weight", "share"), rows, bars, line)
    if answer.diff is not None:
        rows = tuple((s.text, f"{s.auroc:.2f}", f"{s.low:.2f}–{s.high:.2f}") for s in answer.diff)
        bars = tuple(max(0.0, 2 * s.auroc - 1) for s in answer.diff)
        first, second = (strip.name for strip in answer.strips)
        line = f"What speaks for {first} and against {second}"
        yield Section("Difference", ("text", "AUROC", "95 % interval"), rows, bars, line)


def strip_html(strip: Strip, thumbnails: Thumbnails) -> str:
    """The first pictures of a set in a row."""
    figures = "".join(
        figure(thumbnails.html(Picture(hit.name, Path(hit.path)), _STRIP), hit.name)
        for hit in strip.pictures
    )
    return f'<div class="strip"><h4>{escaped(strip_head(strip))}</h4><div>{figures}</div></div>'


def strip_head(strip: Strip) -> str:
    """A set and how many pictures it has."""
    return f"{strip.name}: {strip.count:,} picture{'s' * (strip.count != 1)}"


def strip_names(strip: Strip) -> str:
    """The names of a strip, on one line."""
    names = ", ".join(printable(hit.name) for hit in strip.pictures)
    return names + (", …" if strip.count > len(strip.pictures) else "")


def section_html(section: Section) -> str:
    """A section as a heading, a line and a table, with bars where it has them."""
    line = f'<p class="line">{escaped(section.line)}</p>' if section.line else ""
    if not section.bars:
        table = html_table(section.headings, section.rows)
        return f"<h4>{escaped(section.title)}</h4>{line}{table}"
    rows = []
    for (name, *numbers), bar in zip(section.rows, section.bars, strict=True):
        rows.append(
            f'<tr><th title="{escaped(name)}">{escaped(name)}</th>'
            f'<td class="bars"><div class="bar" style="width:{100 * bar:.0f}%"></div></td>'
            f"{''.join(f'<td>{escaped(number)}</td>' for number in numbers)}</tr>"
        )
    head, *others = (f"<td>{escaped(h)}</td>" for h in section.headings)
    table = f"<tr>{head}<td></td>{''.join(others)}</tr>{''.join(rows)}"
    return f'<h4>{escaped(section.title)}</h4>{line}<table class="terms barred">{table}</table>'


def section_lines(section: Section) -> list[str]:
    """A section as lines of text."""
    lines = [f"  {section.line}"] if section.line else []
    columns = zip(section.headings, *section.rows, strict=True)
    widths = [min(40, max(map(cell_len, column))) for column in columns]
    for i, row in enumerate([section.headings, *section.rows]):
        cells = [padded(row[0][: widths[0]], widths[0])]
        cells += [c.rjust(width) for c, width in zip(row[1:], widths[1:], strict=True)]
        bar = "█" * round(BAR_WIDTH * section.bars[i - 1]) if section.bars and i else ""
        lines.append(f"  {'  '.join(cells)}  {bar}".rstrip())
    return lines
