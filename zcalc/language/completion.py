"""What could go on at the cursor: functions, names, pictures, verbs and their arguments."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from zcalc.language.formatter import unparse
from zcalc.language.parser import image
from zcalc.language.signatures import FUNCTIONS, VERBS

_WORD = re.compile(r"[^\W\d][^\s()\"'#,;=|>+\-−–*×·/]*$")
_TOKEN = re.compile(
    r"\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?|#[^\n]*|\|>|[^\W\d]\w*|[^\w\s]|\d+"
)
_METHODS = ("zerocap", "search", "retrieve")


@dataclass(frozen=True, slots=True)
class Completion:
    """Texts that could stand from `start` on, in place of what is there up to the cursor."""

    start: int
    options: tuple[str, ...]


def complete(
    text: str, cursor: int, names: Iterable[str] = (), pictures: Iterable[str] = ()
) -> Completion:
    """Find what could go on at a place of a program, be it ever so unfinished.

    `names` are those bound before, `pictures` those of the gallery.

    >>> complete("img(cof", 7, pictures=["coffee", "cat"])
    Completion(start=4, options=('coffee)',))
    >>> complete("le + wor", 2, names=["leader"]).options
    ('leader', 'lerp(')
    """
    before = text[: max(0, min(cursor, len(text)))]
    tokens = [m[0] for m in _TOKEN.finditer(before)]
    last = tokens[-1] if tokens else ""
    inside_text = last[:1] in "\"'" and last and not _closed(last) and before.endswith(last)
    if last.startswith("#") and before.endswith(last):
        return Completion(len(before), ())
    word = last if inside_text else (found[0] if (found := _WORD.search(before)) else "")
    start = len(before) - len(word)
    tokens = [m[0] for m in _TOKEN.finditer(before[:start])]
    call, given = _innermost(tokens)
    if call == "img" and given == 0:
        return Completion(start, _pictures(word, pictures))
    if inside_text or call == "txt":
        return Completion(start, ())
    blank = before[len(before[:start].rstrip()) : start]
    if call == "" and "\n" in blank and not before[start:].startswith("|"):
        tokens.append(";")  # that the line's end stands for
    options = _options(tokens, call, given, [*names, *_bound(text[:start])])
    chosen = dict.fromkeys(o for o in options if o.lower().startswith(word.lower()) and o != word)
    return Completion(start, tuple(chosen))


def _closed(token: str) -> bool:
    return len(token) > 1 and token[-1] == token[0] and not re.search(r"(?<!\\)(\\\\)*\\.$", token)


def _innermost(tokens: list[str]) -> tuple[str, int]:
    """The word before the last parenthesis still open, and how many commas stand in it."""
    closed = commas = 0
    for i in reversed(range(len(tokens))):
        if tokens[i] == ")":
            closed += 1
        elif tokens[i] == "(" and closed:
            closed -= 1
        elif tokens[i] == "(":
            word = tokens[i - 1] if i else ""
            return (word if re.match(r"[^\W\d]", word) else "("), commas
        elif tokens[i] == "," and not closed:
            commas += 1
    return "", 0


def _options(tokens: list[str], call: str, given: int, names: list[str]) -> list[str]:
    """What may stand after these tokens, most likely first."""
    last = tokens[-1] if tokens else ""
    if last == "|>":
        return [f"{verb}(" if VERBS[verb].parameters else f"{verb}()" for verb in VERBS]
    if call in VERBS:
        if tokens[-2:] == ["method", "="]:
            return [f'"{method}"' for method in _METHODS]
        return [f"{p.name}=" for p in VERBS[call].parameters] if last in "(," else []
    if last and last not in tuple("(,=;+-−–*×·/"):
        begins = call == "" and re.match(r"[^\W\d]|[)\"'\d]", last)
        return ["|> "] if begins else []
    keywords = []
    if call in FUNCTIONS and last in tuple("(,"):
        keywords = [f"{p.name}=" for p in FUNCTIONS[call].parameters[given:]]
    return [*sorted(set(names)), "img(", "txt(", *(f"{f}(" for f in FUNCTIONS), *keywords]


def _bound(text: str) -> list[str]:
    """The names that a program binds before the cursor."""
    return re.findall(r"(?:^|[;\n])[ \t]*([^\W\d]\w*)[ \t]*=(?!=)", text)


def _pictures(word: str, pictures: Iterable[str]) -> tuple[str, ...]:
    """The pictures whose name begins with a word or, in quotes, whose path does."""
    typed = word.lstrip("\"'").lower()
    found = []
    for name in sorted(pictures):
        node = image(name)
        if name.lower().startswith(typed):
            quoted = node.quoted or word[:1] in ("'", '"')
            shown = unparse(type(node)(name, quoted))[len("img(") :]
            found.append(shown)
    return tuple(found)
