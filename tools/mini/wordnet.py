"""Reads WordNet's database files: synsets, sense counts, most frequent senses."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

# Lexicographer files (see lexnames(5WN)) whose nouns a photograph can show.
VISIBLE = {5: "animal", 6: "artifact", 8: "body", 13: "food", 15: "location", 17: "object"}
VISIBLE |= {18: "person", 19: "phenomenon", 20: "plant", 27: "substance"}

PARTS = ("noun", "verb", "adj", "adv")


@dataclass(frozen=True)
class Synset:
    """One sense: its words, its lexicographer file, and its gloss without examples."""

    words: tuple[str, ...]
    file: int
    gloss: str
    examples: tuple[str, ...]
    instance: bool  # a named thing (Paris) rather than a kind of thing (city)
    hypernyms: tuple[str, ...]
    offset: str


def synsets(folder: Path, part: str = "noun") -> list[Synset]:
    """All synsets of one part of speech (noun, verb, adj, adv)."""
    result = []
    for line in (folder / f"data.{part}").read_text("utf8").splitlines():
        if line.startswith(" "):
            continue
        data, _, text = line.partition(" | ")
        field = data.split()
        n = int(field[3], 16)
        words = tuple(_word(w) for w in field[4 : 4 + 2 * n : 2])
        pointers = field[4 + 2 * n + 1 :]
        marks = [(pointers[i], pointers[i + 1]) for i in range(0, len(pointers) - 3, 4)]
        gloss, *examples = text.split('; "')
        result.append(
            Synset(
                words,
                int(field[1]),
                gloss.strip().rstrip(";"),
                tuple(e.strip().rstrip('"; ') for e in examples),
                any(mark == "@i" for mark, _ in marks),
                tuple(offset for mark, offset in marks if mark in ("@", "@i")),
                field[0],
            )
        )
    return result


def _word(raw: str) -> str:
    return raw.split("(", maxsplit=1)[0].replace("_", " ")


def sense_counts(folder: Path) -> dict[str, dict[str, int]]:
    """Occurrences in sense-tagged text: lemma -> part of speech (1 is noun) -> count."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in (folder / "index.sense").read_text("utf8").splitlines():
        key, _, _, count = line.split()
        lemma, _, rest = key.partition("%")
        counts[lemma.replace("_", " ")][rest[0]] += int(count)
    return counts


def noun_share(counts: dict[str, int]) -> float:
    """The share of a lemma's tagged occurrences that are nouns; 1 if there are none."""
    return counts["1"] / sum(counts.values()) if sum(counts.values()) else 1.0


def first_senses(folder: Path) -> dict[str, str]:
    """The offset of each noun lemma's most frequent synset (WordNet sorts senses by frequency)."""
    first = {}
    for line in (folder / "index.sense").read_text("utf8").splitlines():
        key, offset, number, _ = line.split()
        lemma, _, rest = key.partition("%")
        if rest.startswith("1") and number == "1":
            first[lemma.replace("_", " ")] = offset
    return first
