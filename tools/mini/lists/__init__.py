"""Hand-curated word lists, one entry per line."""

from pathlib import Path


def word_list(name: str) -> list[str]:
    """Read the entries of a list."""
    return Path(__file__).with_name(f"{name}.txt").read_text(encoding="utf8").splitlines()
