"""What the image tower learns beside ImageNet: flags, and things that drawings show, by name."""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tools.mini import drawings, photos, sources
from tools.mini.flags import FLAGS, Flag

UNPLAIN = re.compile(r"[^a-z ]|\b(another|our|ahead|sitting|sleeping|throwing)\b")


@dataclass(frozen=True)
class DrawnClass:
    """A class of the tower: texts that name it, best first, and pictures of it by design."""

    name: str
    texts: tuple[str, ...]
    designs: dict[str, list[Path]] = field(default_factory=dict)
    flag: Flag | None = None


def drawn_classes(work: Path) -> list[DrawnClass]:
    """Flags, then the emoji designs' concepts, then what else the Debian pictures name."""
    flags = [DrawnClass(f"flag of {f.country}", flag_texts(f), flag=f) for f in FLAGS]
    shown = {design: drawings.codes(work, design) for design in drawings.TRAINING}
    found = []
    for concept in drawings.concepts(work):
        designs = {
            design: [drawings.drawing(work, design, c) for c in concept.codes if c in shown[design]]
            for design in drawings.TRAINING
        }
        some = {design: paths for design, paths in designs.items() if paths}
        found.append(DrawnClass(concept.name, concept.texts, some))
    by_text = {text.lower(): concept for concept in reversed(found) for text in concept.texts}
    new: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    imagenet = {re.sub(r"\s*\(.*?\)", "", n).lower() for n in sources.class_names(work)}
    for design, pictures in _named(work).items():
        for path, names in pictures:
            known = next((by_text[n] for n in names if n in by_text), None)
            if known:
                known.designs.setdefault(design, []).append(path)
            elif names and names[0] not in imagenet and not UNPLAIN.search(names[0]):
                new[names[0]][design].append(path)
    found += [DrawnClass(name, (name,), dict(designs)) for name, designs in sorted(new.items())]
    return flags + [c for c in found if c.designs]


def flag_texts(flag: Flag) -> tuple[str, ...]:
    """What a flag's row in the table is made of: the flag, and the country it stands for."""
    return (f"flag of {flag.country}", f"{flag.people} flag", flag.country)


def _named(work: Path) -> dict[str, list[tuple[Path, tuple[str, ...]]]]:
    return {"illustration": photos.illustrations(work), "photograph": photos.labelled(work)}
