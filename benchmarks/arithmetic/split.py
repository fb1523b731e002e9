"""Write the column `split` of `questions.tsv` by a fixed rule.

Within a section, questions are ordered by the SHA-256 of their expressions; the first two fifths
are `dev`, the others `test`.
"""

import hashlib
from collections import defaultdict
from pathlib import Path

QUESTIONS = Path(__file__).parent / "questions.tsv"
DEV_SHARE = 0.4


def splits(questions: list[tuple[str, str]]) -> list[str]:
    """The split of each question, a pair of section and expression."""
    sections = defaultdict(list)
    for section, expression in questions:
        sections[section].append(expression)
    dev = set()
    for section, expressions in sections.items():
        ordered = sorted(expressions, key=lambda e: hashlib.sha256(e.encode()).hexdigest())
        dev |= {(section, expression) for expression in ordered[: round(DEV_SHARE * len(ordered))]}
    return ["dev" if question in dev else "test" for question in questions]


def main() -> None:
    """Rewrite the column."""
    header, *lines = QUESTIONS.read_text("utf8").splitlines()
    rows = [line.split("\t") for line in lines]
    column = splits([(row[1], row[2]) for row in rows])
    lines = ["\t".join([split, *row[1:]]) for split, row in zip(column, rows, strict=True)]
    QUESTIONS.write_text("\n".join([header, *lines, ""]), "utf8")


if __name__ == "__main__":
    main()
