"""Captions for the prefix decoder: people's, the same sentences about other things, templates.

People's captions name a few hundred things. Each noun of the vocabulary takes the place of similar
ones in them, so that "A dog on a couch." becomes "A koala on a couch.".
"""

import random
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from zcalc.decode.english import article, plural
from zcalc.decode.training import sentence

LANDSCAPES = {
    "beach", "street", "city", "park", "building", "church", "tower", "mountain", "river", "lake",
    "field", "house", "town", "bridge", "road", "hill", "forest", "harbor", "village", "desert",
    "island",
}  # fmt: skip # places that one sees from outside; a kitchen's stove and sink suit no other place
GROUPS = {
    "animal": "animal", "person": "person", "food": "food", "fruit": "food", "vegetable": "food",
    "drink": "food", "plant": "plant", "flower": "plant", "tree": "plant", "mushroom": "plant",
    "landscape": "place", "building": "place",
}  # fmt: skip
HABIT = re.compile(r"\b(left|being|genus)\b")  # what SmolLM2 says of most things
LONGEST, HOSTS, SHARPNESS = 3, 6, 0.07  # words per noun, similar nouns, softmax temperature


@dataclass(frozen=True)
class Captioned:
    """A caption and the nouns in it, the one that it is about first."""

    text: str
    nouns: tuple[str, ...]


def plurals(noun: str) -> str:
    """The plural of a noun of one or more words."""
    head, _, last = noun.rpartition(" ")
    return f"{head} {plural(last)}".strip()


class Finder:
    """Finds nouns in captions, singular or plural, the longest that matches."""

    def __init__(self, nouns: Collection[str]) -> None:
        self.forms = {plurals(noun): (noun, True) for noun in nouns}
        self.forms |= {noun: (noun, False) for noun in nouns}

    def __call__(self, caption: str) -> list[tuple[int, int, str, bool]]:
        """First and last word (exclusive), noun, and whether it is plural, for each noun."""
        words = re.findall(r"[\w'-]+", caption.lower())
        found, i = [], 0
        while i < len(words):
            for n in range(min(LONGEST, len(words) - i), 0, -1):
                form = self.forms.get(" ".join(words[i : i + n]))
                if form:
                    found.append((i, i + n, *form))
                    i += n - 1
                    break
            i += 1
        return found


def alone(found: list[tuple[int, int, str, bool]]) -> list[tuple[int, int, str, bool]]:
    """The nouns that are no part of a longer one, as "dog" is in "dog park"."""
    starts = {start for start, *_ in found}
    ends = {end for _, end, *_ in found}
    return [noun for noun in found if noun[1] not in starts and noun[0] not in ends]


def replaced(caption: str, start: int, end: int, noun: str) -> str:
    """A caption with other words from `start` to `end`, and the article before them corrected."""
    words = caption.split()
    if start and words[start - 1].lower() in ("a", "an"):
        right = article(noun)
        words[start - 1] = right.capitalize() if start == 1 else right
    rest = re.sub(r"^[\w'-]+", "", words[end - 1])  # a comma or full stop
    return sentence(" ".join([*words[:start], noun + rest, *words[end:]]))


def swaps(
    captions: Sequence[str],
    groups: dict[str, str],
    embed: Callable[[list[str]], np.ndarray],
    each: Callable[[str], int],
    seed: int = 0,
) -> list[Captioned]:
    """For each noun, captions about similar nouns of its group, with the noun in their place.

    `groups` are the nouns' groups (animal, food …), `each` says how many captions a noun gets.
    """
    rng, finder = random.Random(seed), Finder(groups)
    about: dict[str, list[tuple[str, int, int, bool, tuple[str, ...]]]] = {}
    for caption in captions:
        if re.search(r"[^\w\s'.,-]", caption):
            continue
        found = finder(caption)
        names = tuple(noun for *_, noun, _ in found)
        for start, end, noun, many in alone(found):
            if start <= 5 and (groups[noun] != "place" or noun in LANDSCAPES):
                others = tuple(name for name in names if name != noun)
                about.setdefault(noun, []).append((caption, start, end, many, others))
    hosts = [noun for noun, rows in about.items() if len(rows) >= 8]
    vectors = dict(zip(groups, embed(list(groups)), strict=True))
    made = []
    for noun, group in groups.items():
        own = [host for host in hosts if groups[host] == group and host != noun]
        if not own:
            continue
        cosines = np.array([vectors[host] @ vectors[noun] for host in own])
        best = np.argsort(-cosines)[:HOSTS]
        weights = np.exp(cosines[best] / SHARPNESS)
        for host in rng.choices(best, weights=list(weights), k=each(noun)):
            caption, start, end, many, others = rng.choice(about[own[host]])
            text = replaced(caption, start, end, plurals(noun) if many else noun)
            made.append(Captioned(text, (noun, *others)))
    return made


def people_wrote(captions: Sequence[str], groups: dict[str, str]) -> list[Captioned]:
    """Captions with the nouns that they name."""
    finder = Finder(groups)
    return [
        Captioned(sentence(c), tuple(dict.fromkeys(noun for *_, noun, _ in finder(c))))
        for c in captions
    ]


def without_prompt(captions: Sequence[str]) -> list[str]:
    """Captions of the form "Image of a dog." as "A dog.", without the writer's habits."""
    bodies = (c.removeprefix("Image of ") for c in captions if not HABIT.search(c))
    return [sentence(body) for body in bodies]


def group_of(kinds: Collection[str]) -> str:
    """The group of a class by its kinds; what has no other is an artifact."""
    return next((GROUPS[kind] for kind in kinds if kind in GROUPS), "artifact")
