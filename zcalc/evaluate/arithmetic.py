"""`zcalc bench arithmetic`: the package's own questions, with every answer where one wants them."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zcalc.evaluate.questions import Answer, answers, missing, prepare, summary

if TYPE_CHECKING:
    from rich.table import Table


def run(  # noqa: PLR0913
    photos: Path | None = None,
    split: str = "test",
    model: str = "mini",
    *,
    as_json: bool = False,
    captions: bool = False,
    show: bool = False,
) -> None:
    """Print B@1, R@5 and the CLIP score of each section; with `show` every question as well."""
    from zcalc import terminal

    calculator, asked, left_out = prepare(photos, split, model)
    given = answers(calculator, asked, captions)
    found = summary(given) | {"split": split, "model": model, "left_out": len(left_out)}
    if as_json:
        shown = {"answers": [_row(answer) for answer in given]} if show else {}
        terminal.print_json(found | shown)
        return
    if show:
        terminal.out.print(_answers_table(given))
    terminal.out.print(_sections_table(found))
    if left_out:
        terminal.err.print(missing(calculator, left_out), style="yellow", markup=False)


def figures(
    photos: Path | None = None, split: str = "test", model: str = "mini", captions: bool = False
) -> dict[str, Any]:
    """The figures of each section, of all, and of the country swaps that have flags as pictures.

    Raises ZcalcError for an unknown split and where no question's pictures are there.
    """
    calculator, asked, left_out = prepare(photos, split, model)
    found = summary(answers(calculator, asked, captions))
    return found | {"split": split, "model": model, "left_out": len(left_out)}


def _row(answer: Answer) -> dict[str, Any]:
    rank = None if answer.rank is None else answer.rank + 1  # from 1
    said = {"words": answer.words, "rank": rank, "clip": answer.clip, "caption": answer.caption}
    return asdict(answer.question) | said


def _sections_table(found: dict[str, Any]) -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim")
    names = list(found["total"])
    table.add_column(f"section ({found['split']})")
    for name in names:
        table.add_column(name, justify="right")
    extra = {"swaps of flags": found["flags"]} if found["flags"] else {}
    for section, row in (found["sections"] | extra | {"total": found["total"]}).items():
        cells = [str(row[n]) if n == "questions" else f"{row[n]:.3f}" for n in names]
        table.add_row(section, *cells, style="bold" if section == "total" else "")
    return table


def _answers_table(given: Sequence[Answer]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("", "expression", "first five words", "caption")[
        : 4 if given[0].caption else 3
    ]:
        table.add_column(heading)
    for answer in given:
        mark = "·" if answer.rank is None else str(answer.rank + 1)
        said = [answer.question.expression, ", ".join(answer.words), answer.caption or ""]
        table.add_row(mark, *map(Text, said[: len(table.columns) - 1]))
    return table
