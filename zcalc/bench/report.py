"""Reports: the metrics of a benchmark by section, with the item that each value belongs to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.errors import ZcalcError

if TYPE_CHECKING:
    from rich.console import RenderableType

TOTAL = "total"
DRAWS = 1000  # bootstrap resamples
_NAMES_LISTED = 8  # of the items skipped for one reason
Statistic = Callable[[np.ndarray], float]


def mean(values: np.ndarray) -> float:
    """The mean of values (n,)."""
    return float(values.mean())


def median(values: np.ndarray) -> float:
    """The median of values (n,)."""
    return float(np.median(values))


def recall_at(k: int) -> Statistic:
    """Recall at `k`: the share of ranks (n,), counted from 1, that are at most `k`."""
    return partial(_recall, k)


def _recall(k: int, ranks: np.ndarray) -> float:
    return float((ranks <= k).mean())


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """A metric: `values`, (n,) or (n, k) with a row for each item, and the statistic over them.

    `resampled` is False if a bootstrap is meaningless, as for the number of distinct words.
    `is_count` marks counts and ranks, as opposed to shares. Raises ZcalcError for NaN or infinity.
    """

    name: str
    values: np.ndarray
    statistic: Statistic = mean
    resampled: bool = True
    is_count: bool = False

    def __post_init__(self) -> None:
        invalid = ~np.isfinite(self.values)
        if invalid.any():
            count = invalid.reshape(len(invalid), -1).any(axis=1).sum()
            hint = "Check the model's embeddings for NaN and infinity."
            raise ZcalcError(f"{self.name} is not finite for {count} items.", hint)

    def value(self, rows: np.ndarray) -> float:
        """The metric over the items `rows` (m,)."""
        return self.statistic(self.values[rows])

    def interval(self, rows: np.ndarray, seed: int = 0, draws: int = DRAWS) -> tuple[float, float]:
        """The 95 % percentile bootstrap interval of the metric over the items `rows` (m,).

        Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
        """
        random = np.random.default_rng(seed)
        resampled = [self.value(random.choice(rows, len(rows))) for _ in range(draws)]
        low, high = np.percentile(resampled, [2.5, 97.5])
        return float(low), float(high)


@dataclass(frozen=True, slots=True)
class Skip:
    """An item that was left out of a benchmark, and the reason."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Report:
    """The metrics of one benchmark of one model, displayed as a table.

    `names` and `sections` have an entry for each item, and so has `outputs`, the model's answers,
    unless it is empty. `has_total` says whether a total over the sections is meaningful.
    Raises ZcalcError if there are no items.
    """

    title: str
    model: str
    names: tuple[str, ...]
    sections: tuple[str, ...]
    metrics: tuple[Metric, ...]
    outputs: tuple[Mapping[str, Any], ...] = ()
    skipped: tuple[Skip, ...] = ()
    notes: tuple[str, ...] = ()
    has_total: bool = True
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if not self.names:
            reasons = "; ".join(f"{skip.name}: {skip.reason}" for skip in self.skipped[:5])
            hint = f"Skipped {reasons}." if reasons else "Add at least one row."
            raise ZcalcError(f"Nothing to measure for {self.title}.", hint)

    def section_rows(self) -> Iterator[tuple[str, np.ndarray]]:
        """Each section with the indices (m,) of its items; the total, if any, comes last."""
        labels = np.array(self.sections)
        sections = dict.fromkeys(self.sections)
        if len(sections) > 1 or not self.has_total:
            for section in sections:
                yield section, np.flatnonzero(labels == section)
        if self.has_total:
            yield TOTAL, np.arange(len(self.names))

    def value(self, metric: str, section: str = TOTAL) -> float:
        """A metric over a section, by default over all items.

        Raises ZcalcError for an unknown metric or section.
        """
        match, rows = self._find(metric, section)
        return match.value(rows)

    def interval(self, metric: str, section: str = TOTAL, seed: int = 0) -> tuple[float, float]:
        """The 95 % bootstrap interval of a metric over a section (see `Metric.interval`)."""
        match, rows = self._find(metric, section)
        return match.interval(rows, seed)

    def _find(self, metric: str, section: str) -> tuple[Metric, np.ndarray]:
        match = next((m for m in self.metrics if m.name == metric), None)
        rows = dict(self.section_rows()).get(section)
        if match is None or rows is None:
            names = ", ".join(m.name for m in self.metrics)
            sections = ", ".join(section for section, _ in self.section_rows())
            hint = f"Metrics: {names}. Sections: {sections}."
            raise ZcalcError(f"{self.title} has no {metric!r} of {section!r}.", hint)
        return match, rows

    def data(self, items: bool = False, seed: int = 0) -> dict[str, Any]:
        """The report as JSON: metrics with intervals by section, skipped items, every answer."""
        sections = {
            section: {"items": len(rows)}
            | {m.name: _metric_data(m, rows, seed) for m in self.metrics}
            for section, rows in self.section_rows()
        }
        data: dict[str, Any] = {"report": self.title, "model": self.model, "sections": sections}
        data["skipped"] = skips_data(self.skipped)
        data |= {"notes": list(self.notes), "seconds": round(self.seconds, 2)}
        return data | ({"answers": self._items()} if items else {})

    def _items(self) -> list[dict[str, Any]]:
        outputs = self.outputs or ({},) * len(self.names)
        return [
            {"name": name, "section": section, **output}
            | {m.name: float(m.values[i]) for m in self.metrics if m.values.ndim == 1}
            for i, (name, section, output) in enumerate(
                zip(self.names, self.sections, outputs, strict=True)
            )
        ]

    def cells(self) -> list[tuple[str, ...]]:
        """The cells of the table, headings first."""
        lines = [(self.title, "items", *(metric.name for metric in self.metrics))]
        for section, rows in self.section_rows():
            values = [format_value(m.value(rows), m.is_count) for m in self.metrics]
            lines.append((section, str(len(rows)), *values))
        return lines

    def footnotes(self) -> list[str]:
        """The lines below the table: model and time, notes, skipped items."""
        return [f"{self.model} · {self.seconds:.1f} s", *self.notes, *skip_lines(self.skipped)]

    def __rich__(self) -> "RenderableType":
        from zcalc.show.tables import rich_table

        return rich_table(self.cells(), self.footnotes())

    def __repr__(self) -> str:
        from zcalc.show.tables import plain_table

        return plain_table(self.cells(), self.footnotes())

    def _repr_html_(self) -> str:
        from zcalc.show.tables import html_table

        return html_table(self.cells(), self.footnotes())


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Suite:
    """Several reports on one model, and the benchmarks that could not be run."""

    reports: tuple[Report, ...]
    skipped: tuple[Skip, ...]
    seconds: float

    def data(self, items: bool = False) -> dict[str, Any]:
        """All reports as JSON."""
        reports = [report.data(items) for report in self.reports]
        skipped = skips_data(self.skipped)
        return {"reports": reports, "skipped": skipped, "seconds": round(self.seconds, 1)}

    def __rich__(self) -> "RenderableType":
        from rich.console import Group

        from zcalc.show.tables import footnote

        parts = [part for report in self.reports for part in (report, "")]
        return Group(*parts, *map(footnote, self._footnotes()))

    def __repr__(self) -> str:
        return "\n\n".join([*map(repr, self.reports), "\n".join(self._footnotes())])

    def _repr_html_(self) -> str:
        from zcalc.show.tables import html_footnotes

        parts = [report._repr_html_() for report in self.reports]
        return "".join([*parts, html_footnotes(self._footnotes())])

    def _footnotes(self) -> list[str]:
        return [*skip_lines(self.skipped), f"{self.seconds:.0f} s in total"]


def skips_data(skipped: Sequence[Skip]) -> list[dict[str, str]]:
    """Skipped items as JSON."""
    return [{"name": skip.name, "reason": skip.reason} for skip in skipped]


def skip_lines(skipped: Sequence[Skip]) -> list[str]:
    """A line for each reason: how many items were skipped, and the first names.

    >>> skip_lines([Skip("a.jpg", "no such file"), Skip("b.jpg", "no such file")])
    ['2 left out, no such file: a.jpg, b.jpg']
    """
    by_reason: dict[str, list[str]] = {}
    for skip in skipped:
        by_reason.setdefault(skip.reason, []).append(skip.name)
    return [
        f"{len(names)} left out, {reason}: {listed(names)}" for reason, names in by_reason.items()
    ]


def format_value(value: float, is_count: bool) -> str:
    """A value as tables show it."""
    return f"{value:g}" if is_count else f"{value:.3f}"


def listed(names: Sequence[str]) -> str:
    """The first names of many, and how many more there are."""
    more = f" and {len(names) - _NAMES_LISTED} more" if len(names) > _NAMES_LISTED else ""
    return ", ".join(names[:_NAMES_LISTED]) + more


def _metric_data(metric: Metric, rows: np.ndarray, seed: int) -> dict[str, Any]:
    data: dict[str, Any] = {"value": metric.value(rows)}
    if metric.resampled:
        data["interval"] = metric.interval(rows, seed)
    return data
