"""`zcalc bench flags`: flags that nothing was trained on, and the countries they are of."""

import csv
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zcalc.algebra import unit
from zcalc.calculator import Calculator
from zcalc.errors import ZcalcError
from zcalc.evaluate.recall import ranks
from zcalc.evaluate.report import Figure, Report, within
from zcalc.gallery import open_picture

if TYPE_CHECKING:
    from zcalc.models.encoder import Encoder

_HERE = Path(__file__).parent
PROMPT = "the flag of {}"


def run(folder: Path | None = None, model: str = "mini", as_json: bool = False) -> None:
    """Print how often a flag finds its country and a country its flag, design by design."""
    from zcalc import terminal

    found = figures(folder, model)
    if as_json:
        terminal.print_json(found)
        return
    for name, value in found.items():
        terminal.out.print(f"{name:44}{value:7.3f}", highlight=False)


def figures(folder: Path | None = None, model: str = "mini") -> dict[str, float]:
    """Recall at 1 and 5 for each design, as `report` has it."""
    found = report(Calculator(model), folder)
    return {
        f"{section}, {name}": found.value(name, section)
        for section, _ in found.rows()
        for name in ("R@1", "R@5")
    }


def report(calculator: Calculator, folder: Path | None = None) -> Report:
    """Which name a flag finds and which flag a name, for each design.

    A design is a folder of `folder` with pictures such as `us.png`; without `folder`, those of the
    repository. Names are those of every flag known (`countries()`), whether the design has it or
    not; pictures are those of the one design. Raises ZcalcError where there are none.
    """
    begin = time.perf_counter()
    known = countries()
    designs = _designs(folder or _benchmarks(), known)
    encoder = calculator.encoder
    texts = unit(encoder.texts([PROMPT.format(_with_article(name)) for name in known.values()]))
    asked = [
        (design, files, section, ranks)
        for design, files in designs.items()
        for section, ranks in _recall(design, files, list(known), texts, encoder).items()
    ]
    found = np.concatenate([ranks for *_, ranks in asked])
    return Report(
        "flags",
        calculator.model,
        tuple(file.stem for _, files, *_ in asked for file in files),
        tuple(section for _, files, section, _ in asked for _ in files),
        (Figure("R@1", found, within(1)), Figure("R@5", found, within(5))),
        summed=False,
        seconds=time.perf_counter() - begin,
    )


def countries() -> dict[str, str]:
    """Every flag known, as code and country.

    >>> countries()["us"]
    'United States'
    """
    with (_HERE / "flags.tsv").open(encoding="utf8", newline="") as file:
        return {row["code"]: row["country"] for row in csv.DictReader(file, delimiter="\t")}


def _recall(
    design: str, files: list[Path], codes: list[str], texts: np.ndarray, encoder: "Encoder"
) -> dict[str, np.ndarray]:
    """Ranks (n,) in one design, from n flags to m names and from the n names to the flags."""
    pictures = unit(encoder.images(open_picture(file) for file in files))  # (n, d)
    right = np.array([codes.index(file.stem) for file in files])  # (n,)
    own = right[:, None] == np.arange(len(codes))  # (n, m)
    return {
        f"{design}, flag to name among {len(codes)}": ranks(pictures, texts, own),
        f"{design}, name to flag among {len(files)}": ranks(
            texts[right], pictures, np.eye(len(files), dtype=bool)
        ),
    }


def _designs(folder: Path, known: dict[str, str]) -> dict[str, list[Path]]:
    """The flags of each folder below, by its name; files of other names are passed over."""
    designs: dict[str, list[Path]] = {}
    for file in sorted(folder.glob("*/*.png")):
        if file.stem in known:
            designs.setdefault(file.parent.name, []).append(file)
    if not designs:
        hint = "It needs a folder for each design, with pictures named by country: us.png, fr.png."
        raise ZcalcError(f"There are no flags in {folder}.", hint)
    return designs


def _benchmarks() -> Path:
    folder = _HERE.parents[1] / "benchmarks/flags"
    if not folder.is_dir():
        hint = "They are in the repository, in benchmarks/flags. Name that folder."
        raise ZcalcError("This installation has no pictures of flags.", hint)
    return folder


def _with_article(country: str) -> str:
    """A country's name as it stands in a sentence."""
    plural = ("United ", "Netherlands", "Philippines", "Bahamas", "Czech Republic")
    return f"the {country}" if country.startswith(plural) else country
