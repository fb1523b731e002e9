"""Does subtracting each modality's mean improve retrieval? With the queries of benchmarks/mixed.

python benchmarks/index_centre.py FOLDER [PRESET]    (FOLDER has the photos the queries name)
"""

import csv
import sys
from collections import defaultdict

import numpy as np

from zcalc.algebra import unit
from zcalc.bench.mixed import QUERIES
from zcalc.calculator import Calculator
from zcalc.combination import point
from zcalc.language import Call


def variants(calculator: Calculator) -> dict[str, tuple[bool, np.ndarray]]:
    """Whether to center the query, and the pictures (n, d) to compare it with, by variant."""
    rows = np.asarray(calculator.image_index.vectors)  # (n, d)
    preset_mean, gallery_mean = calculator.means[0], rows.mean(axis=0)
    return {
        "off": (False, rows),
        "query only": (True, rows),
        "preset's mean": (True, unit(rows - preset_mean)),
        "gallery's mean": (True, unit(rows - gallery_mean)),
    }


def ranks(calculator: Calculator, expression: str, answers: set[str]) -> dict[str, int]:
    """The rank (from 0) of the first correct picture by variant, ignoring the query's operands."""
    result = calculator(expression)
    operands = {picture.name for picture in result.operand_pictures.values()}
    names = [entry.name for entry in calculator.image_index.entries]
    candidates = [i for i, name in enumerate(names) if name not in operands]
    evaluation = calculator.evaluation([result.tree], expression)
    original = point(evaluation(result.tree))[0]
    centered = point(evaluation(Call("center", (result.tree,))))[0]
    first_correct = {}
    for variant, (is_centered, rows) in variants(calculator).items():
        scores = rows[candidates] @ (centered if is_centered else original)
        correct = [names[candidates[i]] in answers for i in np.argsort(-scores, kind="stable")]
        first_correct[variant] = correct.index(True)
    return first_correct


def main() -> None:
    """Print R@1 and R@5 by section."""
    model = sys.argv[2] if len(sys.argv) > 2 else "mini"
    calculator = Calculator.create(model, images=sys.argv[1])
    table: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    with QUERIES.open(encoding="utf8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            answers = set(row["answers"].split("|"))
            for variant, rank in ranks(calculator, row["expression"], answers).items():
                table[row["section"]][variant].append(rank)
                table["all"][variant].append(rank)
    print(f"{'':10}" + "".join(f"{variant:>18}" for variant in table["all"]) + "     (R@1 / R@5)")
    for section, by_variant in table.items():
        cells = [
            f"{recall(per_query, 1):8.3f} / {recall(per_query, 5):.3f} "
            for per_query in by_variant.values()
        ]
        count = len(by_variant["off"])
        print(f"{section:10}" + "".join(f"{cell:>18}" for cell in cells) + f" n={count}")


def recall(ranks: list[int], k: int) -> float:
    """The share of ranks below `k`."""
    return float(np.mean([rank < k for rank in ranks]))


if __name__ == "__main__":
    main()
