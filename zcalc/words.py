"""The nearest words: a vocabulary, embedded once for each model, without what was asked with."""

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
from zcalc.shipped import kept_vectors
from zcalc.storage import digest

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
    """What stored texts ask of the model."""

    identity: str
    dim: int
    context_length: int

    def token_count(self, text: str) -> int:
        """How long a text is in tokens; `context_length` is the most."""
        ...

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        """Embeddings (n, d) of texts."""
        ...


@dataclass(frozen=True, slots=True)
class Word:
    """An entry of the vocabulary with its score: its cosine, or what the preset's ranking gives."""

    text: str
    score: float


class StoredTexts:
    """Texts of a file of the package, one a line, with their unit vectors (n, d) float32.

    A line may give a kind (a number) and a definition behind tabs; `ranking` says what comes of
    them. Texts that are too long for the model are left out. The vectors are made once for each
    model and kept in the cache folder (mini's come with the package); a damaged cache is made
    again.
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
        """Numbers (n,) of the texts' kinds, 0 for an unknown one."""
        return self._all_kinds[self._rows.any(axis=1)]

    def nearest(
        self,
        target: np.ndarray,
        k: int,
        leave_out: Iterable[str] = (),
        parts: Parts | None = None,
    ) -> list[Word]:
        """The `k` texts nearest to a unit vector (d,), best first, as the ranking scores them.

        `parts` are the operands it was made from.
        Left out are those whose every word is a word, or an inflection of one, of a text in
        `leave_out`: "coffees" and "cup of coffee" for "a cup of coffee", but not "coffee table".
        """
        said = [stems(text) for text in leave_out]
        scores = self.ranking.scores(self.vectors, target, parts, self.kinds)  # (n,)
        found: list[Word] = []
        for row in np.argsort(-scores, kind="stable"):
            if len(found) == k:
                break
            if not any(stems(self.texts[row]) <= words for words in said):
                found.append(Word(self.texts[row], float(scores[row])))
        return found

    @cached_property
    def _rows(self) -> np.ndarray:
        """Unit vectors (n, d) of all texts, zeros for those that are too long."""
        known = "\n".join([*self._all, *self._glosses.values()])
        about = {"model": self._encoder.identity, "texts": digest(known)}
        about |= {"glossed": str(self.ranking.glossed)} if self._glosses else {}
        return kept_vectors("texts", len(self._all), self._embed, **about)

    def _embed(self) -> np.ndarray:
        longest = self._encoder.context_length
        short = [i for i, t in enumerate(self._all) if self._encoder.token_count(t) <= longest]
        batches = [short[i : i + _BATCH] for i in range(0, len(short), _BATCH)]
        rows = np.zeros((len(self._all), self._encoder.dim), np.float32)  # (n, d)
        for batch in track(batches, f"Embedding {self.name}, once for this model"):
            rows[batch] = unit(self._encoder.texts([self._all[i] for i in batch]))
            glossed = [i for i in batch if i in self._glosses]
            texts = [self._cut(self._glosses[i]) for i in glossed]
            if glossed:
                share = self.ranking.glossed * unit(self._encoder.texts(texts))
                rows[glossed] = unit(rows[glossed] + share)
        return rows

    def _cut(self, gloss: str) -> str:
        """As much of a definition as the model can read."""
        words = gloss.split()
        while self._encoder.token_count(" ".join(words)) > self._encoder.context_length:
            words.pop()
        return " ".join(words)


def read_texts(name: str) -> tuple[str, ...]:
    """The lines of a text file of the package, without empty ones."""
    text = (files("zcalc") / "data" / name).read_text(encoding="utf-8")
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


@lru_cache(maxsize=65_536)
def stems(text: str) -> frozenset[str]:
    """The stems of a text's words, so that inflections of a word are alike.

    >>> stems("Coffees and women") == stems("coffee, and a woman")
    True
    """
    words = [_singular(word) for word in re.findall(r"[^\W_]+", text.lower())]
    known = [word for word in words if word not in ("a", "an", "the")] or words
    return frozenset(_stemmer().stemWords(known))


def _singular(word: str) -> str:
    """An irregular plural's singular; `-men` and `-women` at the end of longer words too."""
    return _IRREGULAR.get(word) or re.sub(r"(?<=\w)men$", "man", word)


@lru_cache(maxsize=1)
def _stemmer() -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer("english")
