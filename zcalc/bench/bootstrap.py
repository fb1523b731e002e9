"""Two models on the same items: the differences of their metrics, with bootstrap intervals."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.bench.report import DRAWS, Metric, Report, format_value
from zcalc.errors import ZcalcError

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric of one section for two models, in the metric's own unit.

    `difference` is second minus first, `interval` its 95 % bootstrap interval, if it has one.
    """

    section: str
    metric: str
    items: int
    first: float
    second: float
    difference: float
    interval: tuple[float, float] | None
    is_count: bool = False

    @property
    def significant(self) -> bool:
        """Whether the interval excludes zero."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True, slots=True, repr=False)
class ModelComparison:
    """The reports of two models side by side, displayed as a table."""

    title: str
    models: tuple[str, str]
    rows: tuple[Difference, ...]
    notes: tuple[str, ...] = ()

    def row(self, metric: str, section: str = "total") -> Difference:
        """One metric of one section; raises ZcalcError if there is none."""
        for row in self.rows:
            if (row.metric, row.section) == (metric, section):
                return row
        available = dict.fromkeys(f"{row.metric} of {row.section}" for row in self.rows)
        message = f"The comparison has no {metric!r} of {section!r}."
        raise ZcalcError(message, f"It has {', '.join(available)}.")

    def data(self) -> dict[str, Any]:
        """The comparison as JSON."""
        rows = [
            {
                "section": row.section, "figure": row.metric, "items": row.items,
                "first": row.first, "second": row.second, "difference": row.difference,
                "interval": row.interval,
            }
            for row in self.rows
        ]  # fmt: skip
        header = {"report": self.title, "models": list(self.models)}
        return header | {"comparison": rows, "notes": list(self.notes)}

    def cells(self) -> list[tuple[str, ...]]:
        """The cells of the table, headings first; * marks an interval that excludes zero."""
        lines: list[tuple[str, ...]] = [
            (self.title, "figure", "items", *self.models, "difference", "95 % interval", "")
        ]
        for row in self.rows:
            interval = "" if row.interval is None else "{:+.3f} to {:+.3f}".format(*row.interval)
            first, second = (format_value(v, row.is_count) for v in (row.first, row.second))
            values = first, second, f"{row.difference:+.3f}"
            mark = "*" if row.significant else ""
            lines.append((row.section, row.metric, str(row.items), *values, interval, mark))
        return lines

    def __rich__(self) -> "RenderableType":
        from zcalc.show.tables import rich_table

        return rich_table(self.cells(), self.notes)

    def __repr__(self) -> str:
        from zcalc.show.tables import plain_table

        return plain_table(self.cells(), self.notes)

    def _repr_html_(self) -> str:
        from zcalc.show.tables import html_table

        return html_table(self.cells(), self.notes)


def compare(first: Report, second: Report, seed: int = 0, draws: int = DRAWS) -> ModelComparison:
    """Compare two models on the items that both reports have, with a paired bootstrap.

    Each draw resamples the same items for both models; an interval is the middle 95 % of the
    differences (Efron and Tibshirani 1993; Koehn 2004 for corpus metrics).
    Raises ZcalcError if the reports are of different benchmarks or have no item in common.
    """
    if first.title != second.title:
        hint = "Compare two reports of the same benchmark."
        raise ZcalcError(f"{first.title} and {second.title} measure different things.", hint)
    first_index, second_index = _item_index(first), _item_index(second)
    common = [key for key in first_index if key in second_index]
    if not common:
        hint = "Run both models on the same rows."
        raise ZcalcError(f"The reports on {first.title} have no item in common.", hint)
    first_items = np.array([first_index[key] for key in common])
    second_items = np.array([second_index[key] for key in common])
    notes = []
    unpaired = len(first_index) + len(second_index) - 2 * len(common)
    if unpaired:
        notes.append(f"{unpaired} items that only one model has are left out")
    position = {item: i for i, item in enumerate(first_items.tolist())}
    rows: list[Difference] = []
    for section, items in first.section_rows():
        paired = [position[i] for i in items.tolist() if i in position]
        if paired:
            sides = (first, first_items[paired]), (second, second_items[paired])
            rows += _differences(section, *sides, seed, draws)
    return ModelComparison(first.title, (first.model, second.model), tuple(rows), tuple(notes))


Side = tuple[Report, np.ndarray]  # a report, and the rows (n,) of the paired items in it


def _differences(
    section: str, first: Side, second: Side, seed: int, draws: int
) -> Iterator[Difference]:
    """The differences of all metrics that both reports have, over paired items."""
    others = {metric.name: metric for metric in second[0].metrics}
    for metric in first[0].metrics:
        if metric.name not in others:
            continue
        x = metric.values[first[1]]  # (n,) or (n, k)
        y = others[metric.name].values[second[1]]
        resampled = metric.resampled and len(x) > 1  # one item has no spread
        interval = _interval(metric, x, y, seed, draws) if resampled else None
        a, b = metric.statistic(x), metric.statistic(y)
        yield Difference(section, metric.name, len(x), a, b, b - a, interval, metric.is_count)


def _interval(
    metric: Metric, x: np.ndarray, y: np.ndarray, seed: int, draws: int
) -> tuple[float, float]:
    random = np.random.default_rng(seed)
    samples = random.integers(0, len(x), (draws, len(x)))
    differences = [metric.statistic(y[rows]) - metric.statistic(x[rows]) for rows in samples]
    low, high = np.percentile(differences, [2.5, 97.5])
    return float(low), float(high)


def _item_index(report: Report) -> dict[tuple[str, str], int]:
    """The row of each item, by section and name."""
    return {key: i for i, key in enumerate(zip(report.sections, report.names, strict=True))}
