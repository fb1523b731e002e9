"""The nearest words: a vocabulary embedded once per model and ranked, without the operands."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Protocol

import numpy as np

from zcalc.algebra import unit
from zcalc.errors import ZcalcError
from zcalc.progress import notice, track
from zcalc.ranking import Parts, Ranking
from zcalc.storage import digest
from zcalc.vector_cache import cached_vectors
from zcalc.wordlists import Entry

_BATCH = 256
_IRREGULAR = {
    "men": "man", "women": "woman", "children": "child", "people": "person", "feet": "foot",
    "teeth": "tooth", "geese": "goose", "mice": "mouse", "lice": "louse", "dice": "die",
    "oxen": "ox", "wolves": "wolf", "leaves": "leaf", "knives": "knife", "wives": "wife",
    "lives": "life", "loaves": "loaf", "halves": "half", "shelves": "shelf", "thieves": "thief",
    "calves": "calf", "scarves": "scarf", "elves": "elf", "hooves": "hoof", "cacti": "cactus",
    "fungi": "fungus",
}  # fmt: skip
_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek",
    "en": "english", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian",
    "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian",
    "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "ne": "nepali",
    "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
# Stems of what a picture can be, when a text names nothing else.
_SCENE = frozenset(("photo", "photograph", "pictur", "imag", "snapshot"))
# Scripts that put no spaces between words: Thai, Lao, Burmese, Khmer, kana and Han.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


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
    """A vocabulary entry; its `score` is the cosine of its text with the result.

    `rank` is what words are ordered by; None where that is the cosine itself (see `Ranking`).
    """

    text: str
    score: float
    rank: float | None = None


class StoredTexts:
    """Texts with unit vectors (n, d) float32, computed once per model and cached.

    The vector of an entry is the direction of the sum of the unit vectors of its text in each of
    the `templates` for its language, such as "a photo of a {}", by default in none. With a weight
    of `ranking.glossed`, its definition is added. Texts too long for the model are dropped. The
    vectors of `mini` are shipped; a damaged cache is rebuilt.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        encoder: TextEncoder,
        ranking: Ranking | None = None,
        templates: Mapping[str, Sequence[str]] | None = None,
        label: str = "the vocabulary",
    ) -> None:
        self.ranking = ranking or Ranking()
        self._encoder, self._label = encoder, label
        self._all, self._templates = tuple(entries), templates or {}
        defined = self._all if self.ranking.glossed else ()
        self._glosses = {
            i: f"{e.text}: {e.definition}" for i, e in enumerate(defined) if e.definition
        }

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The entries, in their order."""
        return tuple(e for e, row in zip(self._all, self._rows, strict=True) if row.any())

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The texts of the entries."""
        return tuple(entry.text for entry in self.entries)

    @cached_property
    def is_english(self) -> bool:
        """Whether all entries are English; needs no vectors."""
        return all(entry.language == "en" for entry in self._all)

    @cached_property
    def vectors(self) -> np.ndarray:
        """The entries' unit vectors (n, d)."""
        return self._rows[self._rows.any(axis=1)]

    @cached_property
    def kinds(self) -> np.ndarray:
        """The kind (n,) of each entry, 0 if unknown."""
        return np.array([entry.kind for entry in self.entries])

    def nearest(
        self,
        target: np.ndarray,
        k: int,
        leave_out: Iterable[str] = (),
        parts: Parts | None = None,
    ) -> list[Word]:
        """The `k` best texts for a unit vector (d,), best first.

        `parts` are the operands of the vector. A text is left out if it `repeats` one in
        `leave_out`: for "a cup of coffee" that is "coffees" and "cup of coffee", but not "coffee
        table".
        """
        cosines = self.vectors @ target  # (n,)
        ranks = self._ranks(target, parts)  # (n,)
        best = self.best(ranks, k, leave_out)
        texts = [self.texts[row] for row in best]
        if self._glosses or self._is_templated:  # their vectors are not those of the texts alone
            scores, ranked = unit(self._encoder.texts(texts)) @ target, True
        else:
            scores, ranked = cosines[best], not np.array_equal(ranks, cosines)
        values = [float(rank) if ranked else None for rank in ranks[best]]
        return [Word(*word) for word in zip(texts, scores.tolist(), values, strict=True)]

    def best(self, scores: np.ndarray, k: int, leave_out: Iterable[str] = ()) -> list[int]:
        """The rows of the `k` texts with the best scores (n,), best first (see `nearest`)."""
        operands, best = tuple(leave_out), list[int]()
        for row in np.argsort(-scores, kind="stable").tolist():
            if len(best) == k:
                break
            entry = self.entries[row]
            if not any(repeats(entry.text, operand, entry.language) for operand in operands):
                best.append(row)
        return best

    def _ranks(self, target: np.ndarray, parts: Parts | None) -> np.ndarray:
        """What the entries are ordered by, (n,), for a unit vector (d,)."""
        aim = target if parts is None or parts.aim is None else parts.aim
        ranks = self.ranking.scores(self.vectors, aim, parts, self.kinds)
        if self.ranking.borrowed and parts is not None and len(parts.weights) > 1:
            lent = {stem for name in parts.lenders for stem in stems(name)}
            ranks[self._compounds(lent)] -= self.ranking.borrowed
        return ranks

    def _compounds(self, lent: Set[str]) -> list[int]:
        """The entries of several words that have one of these stems.

        Stemming is slow: English entries without a word that begins as one of the stems are not
        stemmed, because no English stem differs in its first letter from the word.
        """
        english = {row for stem in lent for row in self._initials.get(stem[0], ())}
        foreign = {row for stem in lent for row in self._foreign.get(stem, ())}
        return [row for row in english if not lent.isdisjoint(stems(self.texts[row]))] + [*foreign]

    @cached_property
    def _initials(self) -> Mapping[str, Sequence[int]]:
        """The English entries of several words, by the first letter of each word."""
        initials: dict[str, list[int]] = {}
        for row, entry in enumerate(self.entries):
            words = _words(entry.text) if entry.language == "en" else ()
            for word in words if len(words) > 1 else ():
                initials.setdefault(word[0], []).append(row)
        return initials

    @cached_property
    def _foreign(self) -> Mapping[str, Sequence[int]]:
        """The entries of several words in other languages, by the stem of each word."""
        foreign: dict[str, list[int]] = {}
        for row, entry in enumerate(self.entries):
            words = stems(entry.text, entry.language) if entry.language != "en" else ()
            for word in words if len(words) > 1 else ():
                foreign.setdefault(word, []).append(row)
        return foreign

    @cached_property
    def _is_templated(self) -> bool:
        return any(self._templates.get(entry.language) for entry in self._all)

    def _filled(self, i: int) -> list[str]:
        """The text of an entry in each template for its language."""
        text, templates = self._all[i].text, self._templates.get(self._all[i].language)
        return [template.replace("{}", text) for template in templates] if templates else [text]

    @cached_property
    def _rows(self) -> np.ndarray:
        """Unit vectors (n, d) of all entries, zeros for those that are too long."""
        content = "\n".join([*(entry.text for entry in self._all), *self._glosses.values()])
        metadata = {"model": self._encoder.identity, "texts": digest(content)}
        metadata |= {"glossed": str(self.ranking.glossed)} if self._glosses else {}
        if self._is_templated:
            filled = [text for i in range(len(self._all)) for text in self._filled(i)]
            metadata["templates"] = digest("\n".join(filled))
        return cached_vectors("texts", len(self._all), self._embed, **metadata)

    def _embed(self) -> np.ndarray:
        fitting = self._fitting()
        batches = [fitting[i : i + _BATCH] for i in range(0, len(fitting), _BATCH)]
        rows = np.zeros((len(self._all), self._encoder.dim), np.float32)  # (n, d)
        for batch in track(batches, f"Embedding {self._label} (once per model)"):
            filled = [(i, text) for i in batch for text in self._filled(i)]
            vectors = unit(self._encoder.texts([text for _, text in filled]))
            np.add.at(rows, [i for i, _ in filled], vectors)
            rows[batch] = unit(rows[batch])
            glossed = [i for i in batch if i in self._glosses]
            texts = [self._glosses[i] for i in glossed]
            if glossed:
                share = self.ranking.glossed * unit(self._encoder.texts(texts))
                rows[glossed] = unit(rows[glossed] + share)
        return rows

    def _fitting(self) -> list[int]:
        """The entries that fit into the model's context; raises ZcalcError if there are none."""
        limit = self._encoder.context_length
        longest = [max(self._filled(i), key=len) for i in range(len(self._all))]
        fitting = [i for i, t in enumerate(longest) if self._encoder.token_count(t) <= limit]
        if not fitting:
            message = f"Every entry of {self._label} is too long, such as {longest[0][:60]!r}."
            hint = f"The model reads {limit} tokens. Write one word or phrase on each line."
            raise ZcalcError(message, hint)
        if left_out := len(longest) - len(fitting):
            notice(f"Left out of {self._label}, as too long for the model: {left_out} entries.")
        return fitting


def sets_scene(text: str) -> bool:
    """Whether a text only says that there is a picture: "a photo", "an image of"."""
    return stems(text) <= _SCENE | {"of"} and not stems(text).isdisjoint(_SCENE)


def repeats(text: str, operand: str, language: str = "en") -> bool:
    """Whether each word of a text is a word of an operand, or an inflection of one.

    In scripts without spaces, and for emoji, the operand must contain it.

    >>> repeats("cups", "a cup of tea"), repeats("teapot", "tea"), repeats("茶", "一杯茶")
    (True, False, True)
    """
    known, whole = stems(operand, language), "".join(_words(operand))
    words = stems(text, language)
    if not words:
        return text in operand
    return all(w in known or (bool(_UNSPACED.search(w)) and w in whole) for w in words)


@lru_cache(maxsize=65_536)
def stems(text: str, language: str = "en") -> frozenset[str]:
    """The stems of a text's words, equal for all inflections of a word; articles don't count.

    Languages without a stemmer (see `_STEMMERS`) keep their words as they are, in lower case.

    >>> stems("Coffees and women") == stems("coffee, and a woman")
    True
    >>> stems("Katzen", "de") == stems("Katze", "de")
    True
    """
    words = _words(text)
    if language == "en":
        words = [_singular(word) for word in words]
        words = [word for word in words if word not in ("a", "an", "the")] or words
    return frozenset(_stemmer(language).stemWords(words) if language in _STEMMERS else words)


def _words(text: str) -> list[str]:
    """The words of a text in lower case: runs of letters and digits with their marks."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c if _in_word(c) else " " for c in folded).split()


def _in_word(character: str) -> bool:
    mark = unicodedata.category(character).startswith("M") and not "\ufe00" <= character <= "\ufe0f"
    return character.isalnum() or mark


def _singular(word: str) -> str:
    """The singular of an irregular plural, including compounds in -men and -women."""
    return _IRREGULAR.get(word) or re.sub(r"(?<=\w)men$", "man", word)


@lru_cache(maxsize=len(_STEMMERS))
def _stemmer(language: str) -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer(_STEMMERS[language])
