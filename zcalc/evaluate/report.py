"""What an evaluation found: figures by section, with the item each value belongs to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from zcalc.errors import ZcalcError

if TYPE_CHECKING:
    from rich.console import RenderableType

TOTAL = "total"
DRAWS = 1000  # resamples of a bootstrap
Statistic = Callable[[np.ndarray], float]


def mean(values: np.ndarray) -> float:
    """The mean of values (n,)."""
    return float(values.mean())


def median(values: np.ndarray) -> float:
    """The median of values (n,)."""
    return float(np.median(values))


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """A measure: `values` with a row for each item, (n,) or (n, k), and what they come to.

    `of` makes the figure of any selection of rows. `resampled` is False where it says nothing of
    a sample drawn with replacement, such as how many different words there are.
    Raises ZcalcError for a value that is no number.
    """

    name: str
    values: np.ndarray
    of: Statistic = mean
    resampled: bool = True
    counted: bool = False  # a count or a rank, and not a share

    def __post_init__(self) -> None:
        if not np.isfinite(self.values).all():
            count = int((~np.isfinite(self.values)).reshape(len(self.values), -1).any(1).sum())
            hint = "The model's embeddings or what was given to it must be finite."
            raise ZcalcError(f"{self.name} is no number for {count} items.", hint)

    def shown(self, value: float) -> str:
        """A value as a table has it."""
        return f"{value:g}" if self.counted else f"{value:.3f}"

    def interval(self, rows: np.ndarray, seed: int = 0, draws: int = DRAWS) -> tuple[float, float]:
        """The 95 % percentile bootstrap interval over the items `rows` (m,) of the figure.

        Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
        """
        random = np.random.default_rng(seed)
        found = [self.of(self.values[random.choice(rows, len(rows))]) for _ in range(draws)]
        low, high = np.percentile(found, [2.5, 97.5])
        return float(low), float(high)


@dataclass(frozen=True, slots=True)
class Skip:
    """Something that was left out of an evaluation, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Report:
    """The figures of one evaluation of one model; it shows itself as a table.

    `names` and `sections` have an entry for each item, `said` what the model answered to it (which
    may be nothing). `summed` says whether a total over the sections means anything. `notes` are
    about the whole. Raises ZcalcError where there is no item.
    """

    title: str
    model: str
    names: tuple[str, ...]
    sections: tuple[str, ...]
    figures: tuple[Figure, ...]
    said: tuple[Mapping[str, Any], ...] = ()
    skipped: tuple[Skip, ...] = ()
    notes: tuple[str, ...] = ()
    summed: bool = True
    seconds: float = field(default=0.0)

    def __post_init__(self) -> None:
        if not self.names:
            reasons = "; ".join(f"{skip.name}: {skip.reason}" for skip in self.skipped[:5])
            hint = f"Left out were {reasons}." if reasons else "Give it at least one row."
            raise ZcalcError(f"There is nothing to measure for {self.title}.", hint)

    def rows(self) -> Iterator[tuple[str, np.ndarray]]:
        """Each section with the places of its items; the total comes last, if there is one."""
        known = np.array(self.sections)
        sections = dict.fromkeys(self.sections)
        if len(sections) > 1 or not self.summed:
            for section in sections:
                yield section, np.flatnonzero(known == section)
        if self.summed:
            yield TOTAL, np.arange(len(self.names))

    def value(self, figure: str, section: str = TOTAL) -> float:
        """A figure of a section, or of all items.

        Raises ZcalcError for a figure or section that there isn't.
        """
        found = next((f for f in self.figures if f.name == figure), None)
        places = dict(self.rows()).get(section)
        if found is None or places is None:
            names = ", ".join(f.name for f in self.figures)
            sections = ", ".join(section for section, _ in self.rows())
            hint = f"Figures: {names}. Sections: {sections}."
            raise ZcalcError(f"{self.title} has no {figure!r} of {section!r}.", hint)
        return found.of(found.values[places])

    def interval(self, figure: str, section: str = TOTAL, seed: int = 0) -> tuple[float, float]:
        """The 95 % bootstrap interval of a figure of a section (see `Figure.interval`)."""
        self.value(figure, section)
        found = next(f for f in self.figures if f.name == figure)
        return found.interval(dict(self.rows())[section], seed)

    def data(self, items: bool = False, seed: int = 0) -> dict[str, Any]:
        """The report as JSON: figures with intervals by section, what was left out, every item."""
        sections = {
            section: {"items": len(rows)}
            | {f.name: self._about(f, rows, seed) for f in self.figures}
            for section, rows in self.rows()
        }
        found: dict[str, Any] = {"report": self.title, "model": self.model, "sections": sections}
        found["skipped"] = [{"name": s.name, "reason": s.reason} for s in self.skipped]
        found |= {"notes": list(self.notes), "seconds": round(self.seconds, 2)}
        return found | ({"answers": self._items()} if items else {})

    def _about(self, figure: Figure, rows: np.ndarray, seed: int) -> dict[str, Any]:
        value: dict[str, Any] = {"value": figure.of(figure.values[rows])}
        if figure.resampled:
            value["interval"] = figure.interval(rows, seed)
        return value

    def _items(self) -> list[dict[str, Any]]:
        said = self.said or ({},) * len(self.names)
        return [
            {"name": name, "section": section, **answer}
            | {f.name: float(f.values[i]) for f in self.figures if f.values.ndim == 1}
            for i, (name, section, answer) in enumerate(
                zip(self.names, self.sections, said, strict=True)
            )
        ]

    def cells(self) -> list[tuple[str, ...]]:
        """The table as it is shown, headings first."""
        lines = [(self.title, "items", *(figure.name for figure in self.figures))]
        for section, rows in self.rows():
            values = [figure.shown(figure.of(figure.values[rows])) for figure in self.figures]
            lines.append((section, str(len(rows)), *values))
        return lines

    def remarks(self) -> list[str]:
        """What is to be said below the table: the model, what was left out, the notes."""
        return [f"{self.model} · {self.seconds:.1f} s", *self.notes, *left_out(self.skipped)]

    def __rich__(self) -> "RenderableType":
        from zcalc.evaluate.tables import rich_table

        return rich_table(self.cells(), self.remarks())

    def __repr__(self) -> str:
        from zcalc.evaluate.tables import plain_table

        return plain_table(self.cells(), self.remarks())

    def _repr_html_(self) -> str:
        from zcalc.evaluate.tables import html_table

        return html_table(self.cells(), self.remarks())


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Suite:
    """Several reports about one model, and what could not be measured at all."""

    reports: tuple[Report, ...]
    skipped: tuple[Skip, ...]
    seconds: float

    def data(self, items: bool = False) -> dict[str, Any]:
        """All reports as JSON."""
        about = [{"name": skip.name, "reason": skip.reason} for skip in self.skipped]
        reports = [report.data(items) for report in self.reports]
        return {"reports": reports, "skipped": about, "seconds": round(self.seconds, 1)}

    def __rich__(self) -> "RenderableType":
        from rich.console import Group

        from zcalc.evaluate.tables import remark

        parts = [part for report in self.reports for part in (report, "")]
        return Group(*parts, *map(remark, self._remarks()))

    def __repr__(self) -> str:
        return "\n\n".join([*map(repr, self.reports), "\n".join(self._remarks())])

    def _repr_html_(self) -> str:
        from zcalc.evaluate.tables import html_lines

        parts = [report._repr_html_() for report in self.reports]
        return "".join([*parts, html_lines(self._remarks())])

    def _remarks(self) -> list[str]:
        return [*left_out(self.skipped), f"all of it in {self.seconds:.0f} s"]


def left_out(skipped: Sequence[Skip]) -> list[str]:
    """What was left out, by reason: how many, and the first names.

    >>> left_out([Skip("a.jpg", "no such file"), Skip("b.jpg", "no such file")])
    ['2 left out, no such file: a.jpg, b.jpg']
    """
    by_reason: dict[str, list[str]] = {}
    for skip in skipped:
        by_reason.setdefault(skip.reason, []).append(skip.name)
    return [
        f"{len(names)} left out, {reason}: {', '.join(names[:8])}"
        + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        for reason, names in by_reason.items()
    ]


def within(k: int) -> Statistic:
    """The share of ranks (n,), from 1, that are at most `k`."""
    return partial(_within, k)


def _within(k: int, ranks: np.ndarray) -> float:
    return float((ranks <= k).mean())
