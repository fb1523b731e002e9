"""`zcalc bench flags`: flags that nothing was trained on, and the countries they are of."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zcalc.algebra import unit
from zcalc.calculator import Calculator
from zcalc.errors import ZcalcError
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
    """Recall at 1 and 5 for each design: a folder of `folder` with pictures such as `us.png`.

    Names are those of every flag known (`countries()`), whether the design has it or not; pictures
    are those of the one design. Raises ZcalcError where there are none.
    """
    known = countries()
    designs = _designs(folder or _benchmarks(), known)
    encoder = Calculator(model).encoder
    texts = unit(encoder.texts([PROMPT.format(_with_article(name)) for name in known.values()]))
    found: dict[str, float] = {}
    for design, files in designs.items():
        found |= _recall(design, files, list(known), texts, encoder)
    return found


def countries() -> dict[str, str]:
    """Every flag known, as code and country.

    >>> countries()["us"]
    'United States'
    """
    with (_HERE / "flags.tsv").open(encoding="utf8", newline="") as file:
        return {row["code"]: row["country"] for row in csv.DictReader(file, delimiter="\t")}


def _recall(
    design: str, files: list[Path], codes: list[str], texts: np.ndarray, encoder: "Encoder"
) -> dict[str, float]:
    """Recall of one design, from n flags to m names and from the n names to the flags."""
    pictures = unit(encoder.images(open_picture(file) for file in files))  # (n, d)
    truth = np.array([codes.index(file.stem) for file in files])  # (n,)
    asked = {
        f"{design}, flag to name among {len(codes)}": _ranks(pictures @ texts.T, truth),
        f"{design}, name to flag among {len(files)}": _ranks(
            texts[truth] @ pictures.T, np.arange(len(files))
        ),
    }
    return {
        f"{what}, R@{k}": float((ranks < k).mean()) for what, ranks in asked.items() for k in (1, 5)
    }


def _ranks(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """How many columns score at least as high as the true one, for each row of (n, m)."""
    own = scores[np.arange(len(truth)), truth]  # (n,)
    return (scores >= own[:, None]).sum(1) - 1


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
