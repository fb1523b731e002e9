"""Whether taking out each modality's mean finds more: the queries of benchmarks/mixed, on and off.

python benchmarks/index_centre.py FOLDER [PRESET]    (the photographs that the queries name)
"""

import csv
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from zcalc.algebra import unit
from zcalc.calculator import Calculator
from zcalc.evaluator import point
from zcalc.language import Call

QUERIES = Path(__file__).parent / "mixed/queries.tsv"
Way = Callable[..., np.ndarray]


def ways(calculator: Calculator) -> dict[str, tuple[bool, np.ndarray]]:
    """Each way to rank: whether the query is centred, and the pictures (n, d) to compare with."""
    rows = np.asarray(calculator.pictures.vectors)  # (n, d)
    preset, own = calculator.means[0], rows.mean(axis=0)
    return {
        "off": (False, rows),
        "query only": (True, rows),
        "preset's mean": (True, unit(rows - preset)),
        "gallery's mean": (True, unit(rows - own)),
    }


def ranks(calculator: Calculator, expression: str, answers: set[str]) -> dict[str, int]:
    """The rank of the first right picture, from 0, in each way; own pictures left out."""
    result = calculator(expression)
    own = {picture.name for picture in result.operand_pictures.values()}
    names = [entry.name for entry in calculator.pictures.entries]
    kept = [i for i, name in enumerate(names) if name not in own]
    evaluation = calculator.evaluation([result.tree], expression)
    plain = point(evaluation(result.tree))[0]
    centred = point(evaluation(Call("center", (result.tree,))))[0]
    found = {}
    for way, (is_centred, rows) in ways(calculator).items():
        scores = rows[kept] @ (centred if is_centred else plain)
        right = [names[kept[i]] in answers for i in np.argsort(-scores, kind="stable")]
        found[way] = right.index(True)
    return found


def main() -> None:
    """Print R@1 and R@5 by section."""
    calculator = Calculator(sys.argv[2] if len(sys.argv) > 2 else "mini", [sys.argv[1]])
    table: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    with QUERIES.open(encoding="utf8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            answers = set(row["answers"].split("|"))
            for way, rank in ranks(calculator, row["expression"], answers).items():
                table[row["section"]][way].append(rank)
                table["all"][way].append(rank)
    print(f"{'':10}" + "".join(f"{way:>18}" for way in table["all"]) + "     (R@1 / R@5)")
    for section, found in table.items():
        cells = [
            f"{np.mean([r < 1 for r in one]):8.3f} / {np.mean([r < 5 for r in one]):.3f} "
            for one in found.values()
        ]
        print(
            f"{section:10}" + "".join(f"{cell:>18}" for cell in cells) + f" n={len(one_of(found))}"
        )


def one_of(found: dict[str, list[int]]) -> list[int]:
    return next(iter(found.values()))


if __name__ == "__main__":
    main()
