"""Flags in designs that no model was trained on, and the names of their countries."""

import csv
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zcalc.algebra import unit
from zcalc.bench.recall import ranks
from zcalc.bench.report import Metric, Report, recall_at
from zcalc.errors import ZcalcError
from zcalc.pictures import open_picture

if TYPE_CHECKING:
    from zcalc.calculator import Calculator
    from zcalc.models.encoder import Encoder

PROMPT = "the flag of {}"
_HERE = Path(__file__).parent


def flag_retrieval(calculator: "Calculator", folder: Path | None = None) -> Report:
    """Retrieval between flags and country names: R@1 and R@5 for each design.

    A design is a subfolder of `folder` with pictures such as `us.png`; the default is the
    repository's `benchmarks/flags`. A flag is ranked against the names of all `countries()`, a name
    against the flags of one design. Raises ZcalcError if there are no flags.
    """
    start = time.perf_counter()
    names = countries()
    designs = _designs(folder or _default_folder(), names)
    encoder = calculator.models.encoder
    texts = unit(encoder.texts([PROMPT.format(_with_article(name)) for name in names.values()]))
    results = [
        (files, section, ranks)
        for design, files in designs.items()
        for section, ranks in _design_ranks(design, files, list(names), texts, encoder).items()
    ]
    all_ranks = np.concatenate([ranks for *_, ranks in results])
    return Report(
        "flags",
        calculator.models.name,
        tuple(file.stem for files, *_ in results for file in files),
        tuple(section for files, section, _ in results for _ in files),
        tuple(Metric(f"R@{k}", all_ranks, recall_at(k)) for k in (1, 5)),
        has_total=False,
        seconds=time.perf_counter() - start,
    )


def countries() -> dict[str, str]:
    """Country names by code, of all flags.

    >>> countries()["us"]
    'United States'
    """
    with (_HERE / "flags.tsv").open(encoding="utf8", newline="") as file:
        return {row["code"]: row["country"] for row in csv.DictReader(file, delimiter="\t")}


def _design_ranks(
    design: str, files: list[Path], codes: list[str], texts: np.ndarray, encoder: "Encoder"
) -> dict[str, np.ndarray]:
    """The ranks (n,) in one design: n flags among m names, and their names among the flags."""
    pictures = unit(encoder.images(open_picture(file) for file in files))  # (n, d)
    country = np.array([codes.index(file.stem) for file in files])  # (n,)
    correct = country[:, None] == np.arange(len(codes))  # (n, m)
    return {
        f"{design}, flag to name among {len(codes)}": ranks(pictures, texts, correct),
        f"{design}, name to flag among {len(files)}": ranks(
            texts[country], pictures, np.eye(len(files), dtype=bool)
        ),
    }


def _designs(folder: Path, names: dict[str, str]) -> dict[str, list[Path]]:
    """The flags in each subfolder, by its name; files not named by a country code are ignored."""
    designs: dict[str, list[Path]] = {}
    for file in sorted(folder.glob("*/*.png")):
        if file.stem in names:
            designs.setdefault(file.parent.name, []).append(file)
    if not designs:
        hint = "Use a subfolder for each design, with files named by country code: us.png, fr.png."
        raise ZcalcError(f"No flags in {folder}.", hint)
    return designs


def _default_folder() -> Path:
    folder = _HERE.parents[1] / "benchmarks/flags"
    if not folder.is_dir():
        hint = "They are in the repository: pass the path of its benchmarks/flags."
        raise ZcalcError("This installation has no pictures of flags.", hint)
    return folder


def _with_article(country: str) -> str:
    """A country's name as it is used in a sentence."""
    plural = ("United ", "Netherlands", "Philippines", "Bahamas", "Czech Republic")
    return f"the {country}" if country.startswith(plural) else country
