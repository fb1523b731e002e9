"""The image tower's classes beyond ImageNet: flags, and the concepts that drawings show."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tools.mini import drawings, photos, sources
from tools.mini.flags import FLAGS, Flag

UNSUITABLE = re.compile(r"[^a-z ]|\b(another|our|ahead|sitting|sleeping|throwing)\b")


@dataclass(frozen=True)
class DrawnClass:
    """A class of the tower: the texts that name it, best first, and pictures of it by design."""

    name: str
    texts: tuple[str, ...]
    designs: dict[str, list[Path]] = field(default_factory=dict)
    flag: Flag | None = None


def drawn_classes(work: Path) -> list[DrawnClass]:
    """All classes: flags, then emoji concepts, then other names of the Debian pictures."""
    flags = [DrawnClass(f"flag of {f.country}", flag_texts(f), flag=f) for f in FLAGS]
    available = {design: drawings.codes(work, design) for design in drawings.TRAINING}
    result = []
    for concept in drawings.concepts(work):
        designs = {
            design: [
                drawings.drawing(work, design, code) for code in concept.codes if code in codes
            ]
            for design, codes in available.items()
        }
        nonempty = {design: paths for design, paths in designs.items() if paths}
        result.append(DrawnClass(concept.name, concept.texts, nonempty))
    by_text = {text.lower(): concept for concept in reversed(result) for text in concept.texts}
    new: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    imagenet = {re.sub(r"\s*\(.*?\)", "", n).lower() for n in sources.class_names(work)}
    for design, pictures in _labelled(work).items():
        for path, names in pictures:
            match = next((by_text[n] for n in names if n in by_text), None)
            if match:
                match.designs.setdefault(design, []).append(path)
            elif names and names[0] not in imagenet and not UNSUITABLE.search(names[0]):
                new[names[0]][design].append(path)
    result += [DrawnClass(name, (name,), dict(designs)) for name, designs in sorted(new.items())]
    return flags + [c for c in result if c.designs]


def flag_texts(flag: Flag) -> tuple[str, ...]:
    """The texts whose embeddings make up a flag's row in the table: the flag and its country."""
    return (f"flag of {flag.country}", f"{flag.people} flag", flag.country)


def _labelled(work: Path) -> dict[str, list[tuple[Path, tuple[str, ...]]]]:
    return {"illustration": photos.illustrations(work), "photograph": photos.labelled(work)}
