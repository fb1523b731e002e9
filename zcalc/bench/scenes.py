"""Scenes with captions that people wrote: which of them show people, found by "people"."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zcalc.algebra import unit
from zcalc.bench.data import Labelled, embed_pictures, read_table
from zcalc.bench.report import Metric, Report
from zcalc.errors import ZcalcError
from zcalc.words import stems

if TYPE_CHECKING:
    from zcalc.calculator import Calculator

QUERY = "people"
# What captions call people; not "baby" and "couple", which are said of animals and things too.
_PEOPLE = stems(
    "adult athlete audience baker batsman batter bicyclist biker boy bride businessman "
    "businesswoman catcher chef child cowboy crowd cyclist dancer driver equestrian family "
    "farmer father fireman fisherman gentleman girl golfer groom guy human jockey kid lady man "
    "mother motorcyclist musician passenger pedestrian person pitcher player policeman "
    "referee rider runner sailor schoolchildren singer skateboarder skater skier snowboarder "
    "soldier somebody someone spectator student surfer swimmer teacher teen teenager toddler "
    "tourist umpire vendor waiter waitress woman worker"
)


def read_scenes(folder: Path) -> list[Labelled]:
    """The pictures in the `captions.tsv` of a folder, with the columns `file` and `caption`.

    A picture has a line for each of its captions. Raises ZcalcError if the table can't be read.
    """
    captions: dict[str, list[str]] = {}
    for row in read_table(folder / "captions.tsv", ("file", "caption")):
        captions.setdefault(row["file"], []).append(row["caption"])
    return [Labelled(file, folder / file, tuple(texts)) for file, texts in captions.items()]


def has_people(scene: Labelled) -> bool:
    """Whether more than half of a scene's captions name people.

    >>> has_people(Labelled("a", Path("a.jpg"), ("two men", "a surfer", "a wave")))
    True
    """
    return sum(bool(stems(text) & _PEOPLE) for text in scene.references) * 2 > len(scene.references)


def people(calculator: "Calculator", scenes: Sequence[Labelled]) -> Report:
    """The n scenes nearest to "people", n the number with people: the share that has some.

    Raises ZcalcError if no scene has people.
    """
    start = time.perf_counter()
    scenes, pictures, skipped = embed_pictures(calculator.models.encoder, scenes)
    peopled = np.array([has_people(scene) for scene in scenes])  # (m,)
    if not peopled.any():
        raise ZcalcError("No scene has people.", "Name them in most captions of some scenes.")
    query = unit(calculator.models.encoder.texts([QUERY]))[0]  # (d,)
    found = np.argsort(-(pictures @ query), kind="stable")[: peopled.sum()]  # (n,)
    missed = [scenes[i].name for i in np.flatnonzero(peopled) if i not in found]
    return Report(
        f"people, {peopled.sum()} of {len(scenes)} scenes",
        calculator.models.name,
        tuple(scenes[i].name for i in found),
        ("found",) * len(found),
        (Metric("precision at their number", peopled[found].astype(float)),),
        skipped=tuple(skipped),
        notes=(f"Not among the first {len(found)}: {', '.join(missed) or 'none'}",),
        seconds=time.perf_counter() - start,
    )
