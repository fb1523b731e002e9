"""The nearest words: a vocabulary embedded once per model and ranked, without the operands."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any, Protocol

import numpy as np

from zcalc.algebra import unit
from zcalc.progress import track
from zcalc.ranking import Parts, Ranking
from zcalc.storage import digest
from zcalc.vector_cache import cached_vectors

_BATCH = 256
_IRREGULAR = {
    "men": "man", "women": "woman", "children": "child", "people": "person", "feet": "foot",
    "teeth": "tooth", "geese": "goose", "mice": "mouse", "lice": "louse", "dice": "die",
    "oxen": "ox", "wolves": "wolf", "leaves": "leaf", "knives": "knife", "wives": "wife",
    "lives": "life", "loaves": "loaf", "halves": "half", "shelves": "shelf", "thieves": "thief",
    "calves": "calf", "scarves": "scarf", "elves": "elf", "hooves": "hoof", "cacti": "cactus",
    "fungi": "fungus",
}  # fmt: skip


class TextEncoder(Protocol):
    """The text side of an encoder, as `StoredTexts` uses it."""

    identity: str
    dim: int
    context_length: int

    def token_count(self, text: str) -> int:
        """The length of a text in tokens; at most `context_length` can be embedded."""
        ...

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """Embeddings (n, d) of texts."""
        ...


@dataclass(frozen=True, slots=True)
class Word:
    """A vocabulary entry with its score: the cosine, adjusted by the preset's ranking."""

    text: str
    score: float


class StoredTexts:
    """Texts from a file of the package, one per line, with their unit vectors (n, d) float32.

    A line may have a kind (a number) and a definition after tabs, which `ranking` uses. Texts too
    long for the model are dropped. Vectors are computed once per model and cached (mini's are
    shipped); a damaged cache is rebuilt.
    """

    def __init__(
        self,
        name: str,
        encoder: TextEncoder,
        texts: Sequence[str] | None = None,
        ranking: Ranking | None = None,
    ) -> None:
        self.name = name
        self.ranking = ranking or Ranking()
        self._encoder = encoder
        lines = [line.split("\t") for line in (read_texts(name) if texts is None else texts)]
        self._all = tuple(line[0] for line in lines)
        self._glosses = {i: f"{line[0]}: {line[2]}" for i, line in enumerate(lines) if line[2:]}
        self._all_kinds = np.array([int(line[1]) if line[1:] and line[1] else 0 for line in lines])
        self._glosses = self._glosses if self.ranking.glossed else {}

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The texts, in the file's order."""
        return tuple(t for t, row in zip(self._all, self._rows, strict=True) if row.any())

    @cached_property
    def vectors(self) -> np.ndarray:
        """The texts' unit vectors (n, d)."""
        return self._rows[self._rows.any(axis=1)]

    @cached_property
    def kinds(self) -> np.ndarray:
        """The kind (n,) of each text, 0 if unknown."""
        return self._all_kinds[self._rows.any(axis=1)]

    def nearest(
        self,
        target: np.ndarray,
        k: int,
        leave_out: Iterable[str] = (),
        parts: Parts | None = None,
    ) -> list[Word]:
        """The `k` texts nearest to a unit vector (d,), best first, scored by the ranking.

        `parts` are the operands of the vector. A text is left out if each of its words is a word of
        one text in `leave_out`, or an inflection of one: for "a cup of coffee" that is "coffees"
        and "cup of coffee", but not "coffee table".
        """
        excluded = [stems(text) for text in leave_out]
        scores = self.ranking.scores(self.vectors, target, parts, self.kinds)  # (n,)
        words: list[Word] = []
        for row in np.argsort(-scores, kind="stable"):
            if len(words) == k:
                break
            if not any(stems(self.texts[row]) <= operand for operand in excluded):
                words.append(Word(self.texts[row], float(scores[row])))
        return words

    @cached_property
    def _rows(self) -> np.ndarray:
        """Unit vectors (n, d) of all texts, zeros for those that are too long."""
        content = "\n".join([*self._all, *self._glosses.values()])
        metadata = {"model": self._encoder.identity, "texts": digest(content)}
        metadata |= {"glossed": str(self.ranking.glossed)} if self._glosses else {}
        return cached_vectors("texts", len(self._all), self._embed, **metadata)

    def _embed(self) -> np.ndarray:
        limit = self._encoder.context_length
        fitting = [i for i, t in enumerate(self._all) if self._encoder.token_count(t) <= limit]
        batches = [fitting[i : i + _BATCH] for i in range(0, len(fitting), _BATCH)]
        rows = np.zeros((len(self._all), self._encoder.dim), np.float32)  # (n, d)
        for batch in track(batches, f"Embedding {self.name} (once per model)"):
            rows[batch] = unit(self._encoder.texts([self._all[i] for i in batch]))
            glossed = [i for i in batch if i in self._glosses]
            texts = [self._truncate(self._glosses[i]) for i in glossed]
            if glossed:
                share = self.ranking.glossed * unit(self._encoder.texts(texts))
                rows[glossed] = unit(rows[glossed] + share)
        return rows

    def _truncate(self, gloss: str) -> str:
        """The first words of a definition, as many as fit into the model's context."""
        words = gloss.split()
        while self._encoder.token_count(" ".join(words)) > self._encoder.context_length:
            words.pop()
        return " ".join(words)


def read_texts(name: str) -> tuple[str, ...]:
    """The distinct, non-empty lines of a text file of the package."""
    text = (files("zcalc") / "data" / name).read_text(encoding="utf-8")
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


@lru_cache(maxsize=65_536)
def stems(text: str) -> frozenset[str]:
    """The stems of a text's words, equal for all inflections of a word; articles don't count.

    >>> stems("Coffees and women") == stems("coffee, and a woman")
    True
    """
    words = [_singular(word) for word in re.findall(r"[^\W_]+", text.lower())]
    words = [word for word in words if word not in ("a", "an", "the")] or words
    return frozenset(_stemmer().stemWords(words))


def _singular(word: str) -> str:
    """The singular of an irregular plural, including compounds in -men and -women."""
    return _IRREGULAR.get(word) or re.sub(r"(?<=\w)men$", "man", word)


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")
