"""All that can be measured with what the package carries: `zcalc bench all`."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from zcalc.errors import ZcalcError
from zcalc.evaluate.analogy import analogies
from zcalc.evaluate.captioning import captions
from zcalc.evaluate.data import Labelled
from zcalc.evaluate.questions import gallery, relations
from zcalc.evaluate.recall import retrieval
from zcalc.evaluate.report import Report, Skip, Suite
from zcalc.progress import track

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

REFERENCES = Path(__file__).parent / "references.csv"


def everything(calculator: "Calculator", method: str | None = None) -> Suite:
    """Measure a model on every set of the package: under five minutes for `mini` on two cores.

    Relations (the test questions about pictures that are here), analogies, flags, the sample
    pictures and their names, forty captions by `method` against references by hand, and, for the
    preset `mini`, its text tower beside its teacher. What can't be measured is said.
    """
    from zcalc.evaluate import flags, mini

    begin = time.perf_counter()
    sections: dict[str, Callable[[], Report]] = {
        "relations": lambda: relations(calculator),
        "analogies": lambda: analogies(calculator),
        "flags": lambda: flags.report(calculator),
        "names of pictures": lambda: retrieval(calculator, named(), "names of pictures"),
        "captions": lambda: captions(calculator, REFERENCES, method),
    }
    if calculator.model == "mini":
        sections["text tower"] = lambda: mini.report(calculator)
    reports, skipped = [], []
    for title, measure in track(sections.items(), "Measuring", len(sections)):
        try:
            reports.append(measure())
        except ZcalcError as error:
            skipped.append(Skip(title, error.message.rstrip(".")))
    if not reports:
        reasons = "; ".join(f"{skip.name}: {skip.reason}" for skip in skipped)
        raise ZcalcError("Nothing could be measured.", reasons)
    return Suite(tuple(reports), tuple(skipped), time.perf_counter() - begin)


def named() -> Iterator[Labelled]:
    """The package's photographs and drawings, each with its name; flags are asked elsewhere."""
    for picture in gallery():
        if not picture.name.endswith("_flag"):
            yield Labelled(picture.name, picture.path, (picture.name.replace("_", " "),))
