"""Hand-curated word lists, one entry per line, some with definitions."""

from pathlib import Path

FOLDER = Path(__file__).parent


def word_list(name: str) -> list[str]:
    """Read the entries of a list."""
    return (FOLDER / f"{name}.txt").read_text(encoding="utf8").splitlines()


def definitions(name: str) -> dict[str, str]:
    """Read a list of entries with their definitions, separated by a tab."""
    lines = (FOLDER / f"{name}.tsv").read_text(encoding="utf8").splitlines()
    return dict(line.split("\t") for line in lines)
