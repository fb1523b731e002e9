"""Results in a terminal: colours and tables by rich; on standard error, what takes time."""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text as Line

from zcalc.equation import pieces
from zcalc.errors import ZcalcError
from zcalc.language import Image, LanguageError, Text

if TYPE_CHECKING:
    from zcalc.decode.caption import Caption
    from zcalc.result import Result, Scalar

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)
_HERE = {
    (True, True): "yes",
    (True, False): "encoder only",
    (False, True): "language model only",
    (False, False): "no",
}


def show_equation(result: "Result") -> None:
    """Print the expression, its pictures and texts in colour, and the norm of its result."""
    line = Line(f"{result.name} = " if result.name else "", "bold")
    for piece in pieces(result.tree):
        if isinstance(piece, Image):
            line.append(result.operand_pictures[piece].name, "bold cyan")
        elif isinstance(piece, Text):
            line.append(f"“{piece.text}”", "green")
        else:
            if piece in (",", ")"):
                line.right_crop(1)
            line.append(piece, "dim")
        line.append("" if str(piece).endswith("(") else " ")
    line.append(f"  norm {result.norm:.2f}", "dim")
    out.print(line)


def show_caption(result: "Result", settings: dict[str, Any]) -> None:
    """Decode and print the captions, best first; in a terminal the best one grows in its line."""
    if not out.is_terminal:
        _print_captions(result.caption(**settings))
        return
    with Live(Line("…", "dim"), console=out, transient=True, refresh_per_second=12) as live:
        caption = result.caption(on_token=lambda c: live.update(Line(c.text, "bold")), **settings)
    _print_captions(caption)


def _print_captions(caption: "Caption") -> None:
    out.print(Line(caption.text, "bold"))
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("cosine", "log-prob.", caption.method):
        table.add_column(heading, justify="left" if heading == caption.method else "right")
    for beam in sorted(caption.beams, key=lambda beam: -beam.clip):
        logprob = "" if beam.logprob is None else f"{beam.logprob:.2f}"
        table.add_row(f"{beam.clip:.3f}", logprob, Line(beam.text))
    out.print(table)


def show_tables(  # noqa: PLR0913
    result: "Result",
    words: int = 0,
    pictures: int = 0,
    keep_operands: bool = False,
    *,
    asked: Mapping[str, Any] | None = None,
    thumbnails: bool | None = False,
) -> None:
    """Print the nearest words and pictures; `asked` and `thumbnails` as `View` has them."""
    if words:
        found = result.words(words, keep_operands=keep_operands)
        out.print()
        out.print(_scores("word", "score", [(w.text, w.score) for w in found]))
    if pictures:
        from zcalc.strip import show_hits

        hits = result.nearest(pictures, keep_operands=keep_operands, **(asked or {}))
        out.print()
        show_hits(out, hits, out.is_terminal if thumbnails is None else thumbnails)
        show_skipped(result.calculator.skipped)


def show_terms(result: "Result") -> None:
    """Print which operand contributed what."""
    if len(result.terms) > 1:
        rows = [
            (t.name, f"{t.weight:.2f}", f"{t.norm:.2f}", f"{t.cosine:.2f}") for t in result.terms
        ]
        out.print(_table(("term", "weight", "norm", "cosine"), rows))


def show_number(scalar: "Scalar") -> None:
    """Print a number and what it is of."""
    name = scalar.expr if scalar.name is None else scalar.name
    out.print(Line.assemble((f"{name} = ", "dim"), (f"{scalar.value:.4g}", "bold")))


def show_plot(result: "Result", settings: Mapping[str, Any]) -> None:
    """Print the numbers of what a notebook draws."""
    from zcalc.geometry.session import shown_of

    out.print(_table(*shown_of(result, **settings).cells()))


def _table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    """A table of a name and numbers."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="right" if i else "left")
    for name, *numbers in rows:
        table.add_row(_plain(name), *numbers)
    return table


def show_skipped(skipped: Any) -> None:
    """Say on standard error which pictures were left out, and why."""
    if skipped:
        rows = [f"  {entry.path}: {entry.reason}" for entry in skipped[:10]]
        more = [f"  and {len(skipped) - 10} more"] if len(skipped) > 10 else []
        title = f"{len(skipped)} picture{'s' * (len(skipped) > 1)} skipped:"
        err.print(Group(*map(_plain, [title, *rows, *more])), style="yellow")


def _scores(heading: str, measure: str, rows: list[tuple[str, float]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(heading, no_wrap=True)
    table.add_column(measure, justify="right")
    table.add_column("")
    most = max((score for _, score in rows), default=1.0)
    for name, score in rows:
        bar = "━" * round(20 * max(0.0, score / most)) if most > 0 else ""
        table.add_row(_plain(name), f"{score:.3f}", Line(bar, "blue"))
    return table


def show_models(found: list[dict[str, Any]]) -> None:
    """Print the presets with what of them is on this machine."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in ("preset", "here", "image and text encoder", "language model", ""):
        table.add_column(heading, overflow="fold")
    for preset in found:
        here = _HERE[preset["available"]["clip"], preset["available"]["lm"]]
        names = [_shown(preset[part]) for part in ("clip", "lm")]
        table.add_row(preset["name"], here, *names, _plain(preset["description"], "dim"))
    out.print(table)
    if not all(preset["available"]["lm"] for preset in found):
        out.print("What isn't here is fetched from the model hub at first use.", style="dim")


def _shown(source: str) -> str:
    """A model's source without its revision; a folder of the package as such."""
    return "in the package" if os.path.isabs(source) else source.partition("@")[0]


@contextmanager
def reporting(as_json: bool) -> Iterator[None]:
    """Turn an error that a person can mend into its message, and exit code 1."""
    try:
        yield
    except ZcalcError as error:
        if as_json:
            print_json({"error": _about(error)})
        else:
            err.print(_plain(str(error)), style="red", soft_wrap=True)
        sys.exit(1)


@contextmanager
def waiting(label: str) -> Iterator[None]:
    """Show on standard error that something is under way."""
    with err.status(Line(label, "dim")):
        yield


def print_json(data: Any) -> None:
    """Print one JSON object on a line of its own, in ASCII, so that any terminal takes it."""
    print(json.dumps(data), flush=True)


def _about(error: ZcalcError) -> dict[str, Any]:
    about: dict[str, Any] = {"message": error.message, "hint": error.hint}
    if isinstance(error, LanguageError):
        about |= {"line": error.line, "column": error.column, "source_line": error.source_line}
    return about


def _plain(text: str, style: str = "") -> Line:
    """Text as it is: no markup, no broken encoding."""
    return Line(text.encode("utf-8", "replace").decode(), style)
