"""Word lists curated by hand, one entry a line."""

from pathlib import Path


def word_list(name: str) -> list[str]:
    """The entries of one list."""
    return Path(__file__).with_name(f"{name}.txt").read_text(encoding="utf8").splitlines()
