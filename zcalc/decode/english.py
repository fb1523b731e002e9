"""Corrects the English of decoded sentences: articles, number, repetitions, and how they end."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from zcalc.wordlists import read_texts, word_lists

# Words that a sentence may repeat but not end with.
FUNCTION_WORDS = frozenset({
    "a", "an", "and", "are", "as", "at", "be", "been", "beside", "between", "but", "by", "each",
    "for", "from", "has", "have", "her", "his", "in", "into", "is", "it", "its", "near", "next",
    "of", "off", "on", "onto", "or", "other", "out", "over", "some", "than", "that", "the",
    "their", "there", "these", "this", "those", "to", "under", "up", "very", "was", "were",
    "while", "who", "with", "without",
})  # fmt: skip
ENDINGS = frozenset({"it", "each", "other", "there", "off", "out", "up", "over"})  # may end one
LOOSE = (("in", "front"), ("on", "top"), ("a", "couple"), ("a", "lot"))  # without their "of"
PLURAL_AFTER = frozenset({
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "several", "many",
    "few", "these", "those", "both",
})  # fmt: skip
PLURAL_ONLY = frozenset({
    "glasses", "goggles", "jeans", "pants", "scissors", "shorts", "sunglasses", "tights",
    "trousers",
})  # fmt: skip
IRREGULAR = {
    "man": "men", "woman": "women", "child": "children", "person": "people", "foot": "feet",
    "goose": "geese", "tooth": "teeth", "mouse": "mice", "knife": "knives", "leaf": "leaves",
    "wolf": "wolves", "calf": "calves", "loaf": "loaves", "shelf": "shelves", "scarf": "scarves",
    "half": "halves", "ox": "oxen", "wife": "wives", "thief": "thieves", "life": "lives",
    "potato": "potatoes", "tomato": "tomatoes", "mango": "mangoes", "hero": "heroes",
}  # fmt: skip
SAME = frozenset({
    "aircraft", "bison", "deer", "elk", "fish", "moose", "people", "salmon", "sheep", "shrimp",
    "trout",
})  # fmt: skip
_LIKE_YOU = r"uni(?!mp|nt|nf|nh)|us[aeu]|u[bkrt][aeiou]|ufo|eu|ewe"  # spelled with a vowel
_CONSONANT_SOUND = re.compile(rf"({_LIKE_YOU}|one\b|once\b)", re.IGNORECASE)
_VOWEL_SOUND = re.compile(r"([aeiou]|hour|heir|honest|honou?r|x-?ray|8|11\b|18\b)", re.IGNORECASE)
_INITIALS = re.compile(r"([A-Z]{2,3}|[B-DF-HJ-NP-TV-Z]{4,})\b")  # read letter by letter
_VOWEL_LETTERS = "AEFHILMNORSX"  # whose names begin with a vowel
_PLURAL_VERBS = {"is": "are", "was": "were", "has": "have"}
_LONGEST_REPEAT = 5  # words
_PLACES = {15}  # kinds of `wordlists.Entry`: locations
_NOUNS = {5, 6, 8, 13, 14, 15, 17, 18, 20}  # animals, things, parts, food, groups, places …
# Common words that are spelled like names.
_NAMES_TOO = {
    "bath", "chad", "chile", "china", "cork", "guinea", "jordan", "march", "may", "mobile", "nice",
    "polish", "reading", "turkey",
}  # fmt: skip
Words = list[str]


def article(word: str) -> str:
    """The article "a" or "an" by the sound a word begins with.

    >>> [article(word) for word in ("hour", "unicorn", "umbrella", "FBI", "UFO", "European")]
    ['an', 'a', 'an', 'an', 'a', 'a']
    """
    if _INITIALS.match(word):
        return "an" if word[0] in _VOWEL_LETTERS else "a"
    if _CONSONANT_SOUND.match(word):
        return "a"
    return "an" if _VOWEL_SOUND.match(word) else "a"


def plural(noun: str) -> str:
    """The plural of a noun.

    >>> [plural(noun) for noun in ("dog", "box", "berry", "woman", "sheep")]
    ['dogs', 'boxes', 'berries', 'women', 'sheep']
    """
    if noun in SAME:
        return noun
    if noun in IRREGULAR:
        return IRREGULAR[noun]
    if noun.endswith("man") and len(noun) > 5 and not noun.endswith(("human", "german", "roman")):
        return noun[:-2] + "en"
    if re.search(r"[^aeiou]y$", noun):
        return noun[:-1] + "ies"
    return noun + ("es" if re.search(r"(s|x|z|ch|sh)$", noun) else "s")


def correct(text: str, *, ended: bool = True, finished: bool = True) -> str:
    """A decoded sentence in correct English.

    `ended` says whether the decoder ended it: if not, a last word that no word list knows is half
    a word and goes. While a sentence is not `finished`, its end is left alone. A text that is not
    mostly in ASCII letters is returned as it is.

    >>> correct("Image of a elephant in in a Italy on the", ended=False)
    'Image of an elephant in Italy.'
    """
    letters = [c for c in text if c.isalpha()]
    if not letters or sum(map(str.isascii, letters)) < 0.8 * len(letters):
        return text
    body = re.sub(r"\s+([.,;:!?])", r"\1", " ".join(text.split()))
    words = body.rstrip(" .,;:").split()
    if finished and not ended:
        words = _without_half_word(words)
    for rule in _RULES:
        words = rule(words)
    if finished:
        words = _without_loose_end(words)
    if not words:
        return text
    corrected = " ".join(words)
    stop = "." if finished and corrected[-1] not in "!?" else body[len(body.rstrip(" .,;:")) :]
    return corrected[0].upper() + corrected[1:] + stop


@dataclass(frozen=True)
class _Lexicon:
    known: frozenset[str]  # lower case
    nouns: frozenset[str]
    plurals: frozenset[str]
    adjectives: frozenset[str]
    places: frozenset[str]  # lower case
    names: dict[str, str]  # lower case: as it is written


@cache
def _lexicon() -> _Lexicon:
    entries = word_lists(["en"])
    single = [entry for entry in entries if " " not in entry.text]
    lower = {entry.text for entry in single if entry.text.islower()}
    names = {e.text.lower(): e.text for e in single if not e.text.islower()}
    nouns = {entry.text for entry in single if entry.text in lower and entry.kind in _NOUNS}
    plurals = {plural(noun) for noun in nouns} - nouns
    sentences = " ".join(read_texts("captions.txt"))
    lower |= set(re.findall(r"\b[a-z][\w'-]*", sentences))
    known = set(re.findall(r"[\w'-]+", sentences.lower())) | FUNCTION_WORDS | plurals
    known |= {word.lower() for entry in entries for word in entry.text.split()}
    return _Lexicon(
        frozenset(known),
        frozenset(nouns),
        frozenset(plurals),
        frozenset(lower & {entry.text for entry in single if not entry.kind}),
        frozenset({e.text.lower() for e in single if e.kind in _PLACES} - lower - _NAMES_TOO),
        {word: name for word, name in names.items() if word not in lower | _NAMES_TOO},
    )


def _bare(word: str) -> str:
    return word.strip(".,;:!?\"'").lower()


def _without_half_word(words: Words) -> Words:
    return words[:-1] if len(words) > 1 and _bare(words[-1]) not in _lexicon().known else words


def _without_loose_end(words: Words) -> Words:
    """Without articles, prepositions and conjunctions at the end, if other words are left."""
    end = len(words)
    while end and _bare(words[end - 1]) in FUNCTION_WORDS - ENDINGS:
        end -= 1
        if tuple(map(_bare, words[max(end - 2, 0) : end])) in LOOSE:
            end -= 2
    return [*words[: end - 1], words[end - 1].rstrip(".,;:")] if end else words


def _without_repeats(words: Words) -> Words:
    """Without a word or phrase that directly follows itself: "a dog dog in the sea in the sea"."""
    kept: Words = []
    for word in words:
        kept.append(word)
        for size in range(1, min(_LONGEST_REPEAT, len(kept) // 2) + 1):
            tail = [_repeated(w) for w in kept[-2 * size :]]
            if tail[:size] == tail[size:]:
                del kept[-size:]
                break
    return kept


def _repeated(word: str) -> str:
    """What counts as the same word: "a" and "an" are."""
    bare = _bare(word)
    return "a" if bare == "an" else bare


def _without_articles_of_places(words: Words) -> Words:
    """ "a Italy in the kitchen" has no article; "an Italy fan" and "the Gambia" keep theirs."""
    kept: Words = []
    for i, word in enumerate(words):
        after = _bare(words[i + 2]) if i + 2 < len(words) else ""
        place = i + 1 < len(words) and _bare(words[i + 1]) in _lexicon().places
        alone = not after or after in FUNCTION_WORDS or words[i + 1][-1] in ".,;:"
        if not (word.lower() in ("a", "an") and place and alone):
            kept.append(word)
    return kept


def _with_capitals(words: Words) -> Words:
    """Names that the vocabulary has with a capital, unless it has the word in lower case, too."""
    names = _lexicon().names
    return [w.replace(_bare(w), names.get(_bare(w), _bare(w)), 1) for w in words]


def _with_number(words: Words) -> Words:
    """ "two dog" becomes "two dogs", "a dogs" becomes "dogs", "dogs is" becomes "dogs are"."""
    lexicon, out = _lexicon(), list(words)
    for i, word in enumerate(out[:-1]):
        following, head = _bare(out[i + 1]), _head(out, i + 1)
        if word.lower() in PLURAL_AFTER and _bare(out[head]) in lexicon.nouns - PLURAL_ONLY:
            out[head] = out[head].replace(_bare(out[head]), plural(_bare(out[head])), 1)
        elif word.lower() in ("a", "an") and _bare(out[head]) in lexicon.plurals | PLURAL_ONLY:
            out[i] = ""
        elif word.lower() in lexicon.plurals and following in _PLURAL_VERBS:
            subject = {"of", *PLURAL_ONLY}.isdisjoint(map(_bare, out[:i]))
            out[i + 1] = _PLURAL_VERBS[following] if subject else out[i + 1]
    return [word for word in out if word]


def _head(words: Words, start: int) -> int:
    """The place of the noun that adjectives and nouns from `start` on lead to."""
    lexicon, at = _lexicon(), start
    while at + 1 < len(words) and words[at][-1].isalpha():
        own, following = _bare(words[at]), _bare(words[at + 1])
        nouns = lexicon.nouns | lexicon.plurals
        leads = own in lexicon.adjectives or (own in lexicon.nouns and following in nouns)
        if not leads:
            break
        at += 1
    return at


def _with_articles(words: Words) -> Words:
    """The articles "a" and "an" by the sound of the next word."""
    out = list(words)
    for i, word in enumerate(out[:-1]):
        if word.lower() in ("a", "an") and out[i + 1][0].isalnum():
            right = article(out[i + 1])
            out[i] = right.capitalize() if word[0].isupper() else right
    return out


_RULES: tuple[Callable[[Words], Words], ...] = (
    _without_repeats,
    _without_articles_of_places,
    _with_number,
    _with_capitals,
    _with_articles,
)
