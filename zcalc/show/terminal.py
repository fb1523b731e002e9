"""Answers in a terminal: coloured lines and tables by rich; what takes time on standard error."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text as Line

from zcalc.errors import ZcalcError
from zcalc.language import Image, LanguageError, Text
from zcalc.progress import readable
from zcalc.show.equation import pieces

if TYPE_CHECKING:
    from zcalc.answer import Answer, Measure
    from zcalc.decode.caption import Caption
    from zcalc.index import Skipped
    from zcalc.words import Word

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)
_AVAILABLE = {
    (True, True): "yes",
    (True, False): "encoder only",
    (False, True): "language model only",
    (False, False): "no",
}
_MAX_SKIPPED = 10  # skipped pictures listed
_WIDE_ENOUGH_FOR_BARS = 50  # columns
_SCORE = 8  # columns of a score and the space before it


def print_answer(answer: "Answer", thumbnails: bool | None = False) -> None:
    """Print every part that an answer has; `thumbnails` of None means: in a terminal."""
    from zcalc.show.card import caption_lines, number_text
    from zcalc.show.hits import print_hits

    if answer.value is not None:
        name, _, value = number_text(answer).rpartition(" = ")
        out.print(Line.assemble((f"{name} = ", "dim"), (value, "bold")))
        _print_remarks(answer)
        return
    out.print(_equation(answer))
    for line in caption_lines(answer):
        out.print(_plain(line, "dim"))
    if answer.captions is not None:
        _print_captions(answer)
    _print_sections(answer)
    if answer.words is not None:
        out.print()
        out.print(_words(answer.words, answer.scale))
    if answer.images is not None:
        out.print()
        shown = out.is_terminal if thumbnails is None else thumbnails
        print_hits(out, answer.images, shown, answer.scale)
        print_skipped(answer.skipped)
    if answer.captions is not None and answer.words is not None:
        _print_terms(answer)
    if answer.plot is not None:
        print_measure(answer.plot)
    _print_remarks(answer)


def _print_sections(answer: "Answer") -> None:
    """Print strips of pictures by their names, and what verbs add as tables."""
    from zcalc.show.sections import sections, strip_head, strip_names

    for strip in answer.strips:
        out.print(_plain(f"{strip_head(strip)}: {strip_names(strip)}", "dim"))
    for section in sections(answer):
        out.print()
        if section.line:
            out.print(_plain(section.line), soft_wrap=True)
        bars = section.bars or (0.0,) * len(section.rows)
        rows = [(*row, "█" * round(20 * bar)) for row, bar in zip(section.rows, bars, strict=True)]
        out.print(_table((*section.headings, ""), rows))


def _print_remarks(answer: "Answer") -> None:
    """Print on standard error what the reader of an answer should know."""
    for remark in answer.remarks:
        err.print(_plain(remark), style="yellow")


def print_measure(measure: "Measure") -> None:
    """Print the numbers that a notebook would plot."""
    out.print(_table(*measure.cells()))


def print_skipped(skipped: "Sequence[Skipped]") -> None:
    """Print on standard error which pictures were skipped, and why."""
    if skipped:
        groups: dict[str, list[Skipped]] = {}
        for entry in skipped:
            groups.setdefault(entry.reason, []).append(entry)
        rows = []
        for reason, entries in groups.items():
            more = f" and {len(entries) - 1} more" if len(entries) > 1 else ""
            rows.append(f"  {entries[0].path}{more}: {reason}")
        more_reasons = len(rows) - _MAX_SKIPPED
        rows = [*rows[:_MAX_SKIPPED], *([f"  and {more_reasons} more"] if more_reasons > 0 else [])]
        title = f"{len(skipped)} picture{'s' * (len(skipped) > 1)} skipped:"
        err.print(Group(*map(_plain, [title, *rows])), style="yellow")


def print_models(presets: Sequence[dict[str, Any]]) -> None:
    """Print the presets, and which of their models are on this machine."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("preset", "local", "size"):
        table.add_column(heading, no_wrap=True)
    for heading in ("image and text encoder", "language model", ""):
        table.add_column(heading, overflow="fold")
    for preset in presets:
        available = _AVAILABLE[preset["available"]["clip"], preset["available"]["lm"]]
        names = [_model_name(preset[part]) for part in ("clip", "lm")]
        size = readable(preset["bytes"]) if preset["bytes"] else ""
        table.add_row(preset["name"], available, size, *names, _plain(preset["description"], "dim"))
    out.print(table)
    if not all(preset["available"]["lm"] for preset in presets):
        hint = "The others are downloaded at first use, or now: zcalc models fetch NAME"
        out.print(hint, style="dim")


def print_json(data: Any) -> None:
    """Print one JSON object on its own line, in ASCII, which every terminal can show."""
    print(json.dumps(data), flush=True)


@contextmanager
def reporting(as_json: bool) -> Iterator[None]:
    """Print a ZcalcError as its message, or as JSON, and exit with code 1."""
    try:
        yield
    except ZcalcError as error:
        if as_json:
            print_json({"error": _error_data(error)})
        else:
            print_error(error)
        sys.exit(1)


def print_error(error: ZcalcError) -> None:
    """Print an error's message, with a caret where it has a place."""
    err.print(_plain(str(error)), style="red", soft_wrap=True)


@contextmanager
def waiting(label: str) -> Iterator[None]:
    """Show a spinner on standard error, if that is a terminal."""
    if not moves(err):
        yield
        return
    with err.status(Line(label, "dim")):
        yield


def moves(console: Console) -> bool:
    """Whether frames may replace each other: in a terminal, not in a file with FORCE_COLOR."""
    return console.is_terminal and console.file.isatty()


@contextmanager
def growing_caption(answer: "Answer") -> "Iterator[Callable[[Caption], None]]":
    """Show the equation with a caption growing below it; gone when the caption is finished."""
    equation = _equation(answer)

    def lines(text: str, style: str) -> Group:
        return Group(equation, Line(text, style))

    with Live(lines("…", "dim"), console=out, transient=True, refresh_per_second=12) as live:
        yield lambda caption: live.update(lines(caption.text, "bold"))


def _equation(answer: "Answer") -> Line:
    """The expression with its pictures and texts in colour, and the norm."""
    line = Line(f"{answer.name} = " if answer.name else "", "bold")
    for piece in pieces(answer.tree):
        if isinstance(piece, Image):
            line.append(answer.operands[piece].name, "bold cyan")
        elif isinstance(piece, Text):
            line.append(f"“{piece.text}”", "green")
        else:
            if piece in (",", ")"):
                line.right_crop(1)
            line.append(piece, "dim")
        line.append("" if str(piece).endswith("(") else " ")
    if answer.norm is not None:
        line.append(f"  norm {answer.norm:.2f}", "dim")
    return line


def _print_captions(answer: "Answer") -> None:
    captions = answer.captions or ()
    out.print(Line(captions[0].text, "bold"))
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("cosine", "log-prob.", answer.method):
        table.add_column(heading, justify="left" if heading == answer.method else "right")
    for beam in captions:
        logprob = "" if beam.logprob is None else f"{beam.logprob:.2f}"
        table.add_row(f"{beam.clip:.3f}", logprob, Line(beam.text))
    out.print(table)


def _print_terms(answer: "Answer") -> None:
    """Print what each operand contributes."""
    if len(answer.terms) > 1:
        rows = [
            (t.name, f"{t.weight:.2f}", f"{t.norm:.2f}", f"{t.cosine:.2f}") for t in answer.terms
        ]
        out.print(_table(("term", "weight", "norm", "cosine"), rows))


def _table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    """A table of names and numbers."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="right" if i else "left")
    for name, *numbers in rows:
        table.add_row(_plain(name), *numbers)
    return table


def _words(words: "Sequence[Word]", scale: str) -> Table:
    """A table of words with their scores and, if there are any, ranks; bars show the last."""
    from zcalc.show.card import bar_lengths, is_ranked

    table = Table(box=None, pad_edge=False, header_style="dim")
    headings = (scale, "rank") if is_ranked(words) else (scale,)
    room = max(4, out.width - _SCORE * len(headings))
    table.add_column("word", no_wrap=True, overflow="ellipsis", max_width=room)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True, min_width=6)
    has_bars = out.width >= _WIDE_ENOUGH_FOR_BARS
    if has_bars:
        table.add_column("")
    for word, share in zip(words, bar_lengths(words), strict=True):
        numbers = [f"{x:.3f}" for x in (word.score, word.rank) if x is not None]
        bar = [Line("━" * round(20 * share), "blue")] if has_bars else []
        table.add_row(_plain(word.text), *numbers, *bar)
    return table


def _model_name(source: str) -> str:
    """A short name of a model: open_clip's, its name on the hub, or that it is bundled.

    >>> _model_name("open_clip:ViT-B-32/openai@abc"), _model_name("Qwen/Qwen3-0.6B@abc")
    ('ViT-B-32 / openai', 'Qwen3-0.6B')
    """
    if os.path.isabs(source):
        return "bundled"
    name = source.partition("@")[0]
    is_clip = name.startswith("open_clip:")
    return name.partition(":")[2].replace("/", " / ") if is_clip else name.rpartition("/")[2]


def _error_data(error: ZcalcError) -> dict[str, Any]:
    data: dict[str, Any] = {"message": error.message, "hint": error.hint}
    if isinstance(error, LanguageError):
        data |= {"line": error.line, "column": error.column, "source_line": error.source_line}
    return data


def _plain(text: str, style: str = "") -> Line:
    """Text without markup or broken encoding."""
    return Line(text.encode("utf-8", "replace").decode(), style)
