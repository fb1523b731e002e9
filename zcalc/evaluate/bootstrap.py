"""Two models side by side: the same items, and how sure the difference is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.errors import ZcalcError
from zcalc.evaluate.report import DRAWS, Figure, Report

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of a section for two models; `interval` is the difference's, 95 %, where it has one.

    `first`, `second` and `difference` (second minus first) are in the figure's own unit.
    """

    section: str
    figure: str
    items: int
    first: float
    second: float
    difference: float
    interval: tuple[float, float] | None
    counted: bool = False

    def shown(self, value: float) -> str:
        """A value as a table has it."""
        return f"{value:g}" if self.counted else f"{value:.3f}"

    @property
    def clear(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True, slots=True, repr=False)
class Compared:
    """Two models' reports beside each other; it shows itself as a table."""

    title: str
    models: tuple[str, str]
    rows: tuple[Difference, ...]
    notes: tuple[str, ...] = ()

    def row(self, figure: str, section: str = "total") -> Difference:
        """One figure of one section; raises ZcalcError where there is none."""
        for row in self.rows:
            if (row.figure, row.section) == (figure, section):
                return row
        known = dict.fromkeys(f"{row.figure} of {row.section}" for row in self.rows)
        raise ZcalcError(
            f"There is no {figure!r} of {section!r}.", f"There are {', '.join(known)}."
        )

    def data(self) -> dict[str, Any]:
        """The comparison as JSON."""
        rows = [
            {
                "section": row.section, "figure": row.figure, "items": row.items,
                "first": row.first, "second": row.second, "difference": row.difference,
                "interval": row.interval,
            }
            for row in self.rows
        ]  # fmt: skip
        about = {"report": self.title, "models": list(self.models)}
        return about | {"comparison": rows, "notes": list(self.notes)}

    def cells(self) -> list[tuple[str, ...]]:
        """The table as it is shown, headings first; * marks an interval that leaves zero out."""
        lines: list[tuple[str, ...]] = [
            (self.title, "figure", "items", *self.models, "difference", "95 % interval", "")
        ]
        for row in self.rows:
            low_high = "" if row.interval is None else "{:+.3f} to {:+.3f}".format(*row.interval)
            values = row.shown(row.first), row.shown(row.second), f"{row.difference:+.3f}"
            mark = "*" if row.clear else ""
            lines.append((row.section, row.figure, str(row.items), *values, low_high, mark))
        return lines

    def __rich__(self) -> "RenderableType":
        from zcalc.evaluate.tables import rich_table

        return rich_table(self.cells(), self.notes)

    def __repr__(self) -> str:
        from zcalc.evaluate.tables import plain_table

        return plain_table(self.cells(), self.notes)

    def _repr_html_(self) -> str:
        from zcalc.evaluate.tables import html_table

        return html_table(self.cells(), self.notes)


def compare(first: Report, second: Report, seed: int = 0, draws: int = DRAWS) -> Compared:
    """Compare two models on the items that both reports have, by a paired bootstrap.

    Every draw takes the same items, with replacement, for both models; the interval holds the
    middle 95 % of the differences (Efron and Tibshirani 1993; Koehn 2004 for corpus measures).
    Raises ZcalcError where the reports are of different kinds or have no item in common.
    """
    if first.title != second.title:
        hint = "Compare two reports of the same evaluation."
        raise ZcalcError(f"{first.title} and {second.title} measure different things.", hint)
    places, others = _places(first), _places(second)
    both = [key for key in places if key in others]
    if not both:
        hint = "Give both models the same rows."
        raise ZcalcError(f"The reports on {first.title} have no item in common.", hint)
    a, b = (np.array([known[key] for key in both]) for known in (places, others))
    notes = []
    alone = len(places) + len(others) - 2 * len(both)
    if alone:
        notes.append(f"{alone} items that only one of the two has are left out")
    chosen = {place: i for i, place in enumerate(a.tolist())}
    rows = [
        difference
        for section, known in first.rows()
        for difference in _differences(
            section, [chosen[i] for i in known.tolist() if i in chosen], (first, a), (second, b),
            (seed, draws),
        )
    ]  # fmt: skip
    return Compared(first.title, (first.model, second.model), tuple(rows), tuple(notes))


Paired = tuple[Report, np.ndarray]  # a report and the places (n,) of the items both have


def _differences(
    section: str, rows: list[int], first: Paired, second: Paired, drawn: tuple[int, int]
) -> Iterator[Difference]:
    """Every figure that both reports have, over the common items `rows`."""
    others = {figure.name: figure for figure in second[0].figures}
    for figure in first[0].figures:
        if not rows or figure.name not in others:
            continue
        x = figure.values[first[1][rows]]  # (n,) or (n, k)
        y = others[figure.name].values[second[1][rows]]
        one, two = figure.of(x), figure.of(y)
        drawable = figure.resampled and len(rows) > 1  # one item says nothing about others
        interval = _interval(figure, x, y, *drawn) if drawable else None
        about = section, figure.name, len(rows)
        yield Difference(*about, one, two, two - one, interval, figure.counted)


def _interval(
    figure: Figure, x: np.ndarray, y: np.ndarray, seed: int, draws: int
) -> tuple[float, float]:
    random = np.random.default_rng(seed)
    drawn = random.integers(0, len(x), (draws, len(x)))
    found = [figure.of(y[rows]) - figure.of(x[rows]) for rows in drawn]
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def _places(report: Report) -> dict[tuple[str, str], int]:
    """Where each item stands, by section and name."""
    return {key: i for i, key in enumerate(zip(report.sections, report.names, strict=True))}
