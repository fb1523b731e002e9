"""Every benchmark that needs no data beyond zcalc's own: `zcalc bench all`."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from zcalc.bench.analogy import analogies
from zcalc.bench.captioning import captions
from zcalc.bench.data import Labelled
from zcalc.bench.flags import flag_retrieval
from zcalc.bench.plain import plain_questions, sample_hubs
from zcalc.bench.questions import set_gallery
from zcalc.bench.recall import retrieval
from zcalc.bench.relation import relations
from zcalc.bench.report import Report, Skip, Suite
from zcalc.errors import ZcalcError
from zcalc.progress import track

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

REFERENCES = Path(__file__).parent / "references.csv"


def run_all(calculator: "Calculator", method: str | None = None) -> Suite:
    """Run every benchmark on the data that zcalc ships; under five minutes for `mini` on two cores.

    Relations (the test questions whose pictures are shipped), analogies, flags, plain questions
    about the sample pictures, which of those are hubs, their names, forty captions by `method`
    against hand-written references, and, for the preset `mini`, its text tower against the
    teacher. Benchmarks that can't be run are listed.
    """
    from zcalc.bench.mini import text_tower  # imports torch

    start = time.perf_counter()
    benchmarks: dict[str, Callable[[], Report]] = {
        "relations": lambda: relations(calculator),
        "analogies": lambda: analogies(calculator),
        "flags": lambda: flag_retrieval(calculator),
        "plain questions": lambda: plain_questions(calculator),
        "hubs": lambda: sample_hubs(calculator),
        "names of pictures": lambda: retrieval(calculator, named_samples(), "names of pictures"),
        "captions": lambda: captions(calculator, REFERENCES, method),
    }
    if calculator.models.name == "mini":
        benchmarks["text tower"] = lambda: text_tower(calculator)
    reports, skipped = [], []
    for title, run in track(benchmarks.items(), "Measuring", len(benchmarks)):
        try:
            reports.append(run())
        except ZcalcError as error:
            skipped.append(Skip(title, error.message.rstrip(".")))
    if not reports:
        reasons = "; ".join(f"{skip.name}: {skip.reason}" for skip in skipped)
        raise ZcalcError("No benchmark could be run.", reasons)
    return Suite(tuple(reports), tuple(skipped), time.perf_counter() - start)


def named_samples() -> Iterator[Labelled]:
    """The sample photographs and drawings with their names, without the flags."""
    for picture in set_gallery():
        if not picture.name.endswith("_flag"):
            yield Labelled(picture.name, picture.path, (picture.name.replace("_", " "),))
