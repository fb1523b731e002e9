"""Completion at the cursor: functions, names, pictures, verbs and their arguments."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from zcalc.language.formatter import unparse
from zcalc.language.parser import image
from zcalc.language.signatures import FUNCTIONS, VERBS
from zcalc.language.tree import SET

_WORD = re.compile(r"[^\W\d][^\s()\"'#,;=|>+\-−–*×·/]*$")
_TOKEN = re.compile(
    r"\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?|#[^\n]*|\|>|[^\W\d]\w*|[^\w\s]|\d+"
)


@dataclass(frozen=True, slots=True)
class Completion:
    """Replacements for the text from `start` to the cursor."""

    start: int
    options: tuple[str, ...]


def complete(  # noqa: PLR0913, PLR0917
    text: str,
    cursor: int,
    names: Iterable[str] = (),
    pictures: Iterable[str] = (),
    decoders: Iterable[str] = (),
    settings: Callable[[str], Iterable[str]] = lambda decoder: (),
) -> Completion:
    """Return the possible completions at the cursor of a program, which need not parse.

    `names` are names bound earlier, `pictures` the names of the gallery, `decoders` those of the
    decoders; `settings` has the names of a decoder's settings, "" being the default decoder.

    >>> complete("img(cof", 7, pictures=["coffee", "cat"])
    Completion(start=4, options=('coffee)',))
    >>> complete("le + wor", 2, names=["leader"]).options
    ('leader', 'lerp(')
    """
    before = text[: max(0, min(cursor, len(text)))]
    tokens = [match[0] for match in _TOKEN.finditer(before)]
    last = tokens[-1] if tokens else ""
    is_open_text = last[:1] in "\"'" and last and not _closed(last) and before.endswith(last)
    if last.startswith("#") and before.endswith(last):
        return Completion(len(before), ())
    prefix = last if is_open_text else (match[0] if (match := _WORD.search(before)) else "")
    start = len(before) - len(prefix)
    tokens = [match[0] for match in _TOKEN.finditer(before[:start])]
    callee, position = _innermost(tokens)
    if callee == "img" and position == 0:
        return Completion(start, _pictures(prefix, pictures))
    if is_open_text or callee == "txt":
        return Completion(start, ())
    blank = before[len(before[:start].rstrip()) : start]
    if callee == "" and "\n" in blank and not before[start:].startswith("|"):
        tokens.append(";")  # a line break ends the statement
    if tokens[-2:] == ["method", "="] and callee in VERBS:
        options = [f'"{decoder}"' for decoder in decoders]
    else:
        options = _options(tokens, callee, position, [*names, *_bound(text[:start])])
        if callee == "caption" and tokens[-1] in "(,":
            options += [f"{name}=" for name in settings(_method(tokens))]
    matches = (o for o in options if o.lower().startswith(prefix.lower()) and o != prefix)
    return Completion(start, tuple(dict.fromkeys(matches)))


def _closed(token: str) -> bool:
    return len(token) > 1 and token[-1] == token[0] and not re.search(r"(?<!\\)(\\\\)*\\.$", token)


def _innermost(tokens: list[str]) -> tuple[str, int]:
    """Return the word before the innermost open parenthesis, and the number of commas after it."""
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


def _method(tokens: list[str]) -> str:
    """Return the decoder that an unfinished `caption(method="…",` names, or ""."""
    at = len(tokens) - 1 - tokens[::-1].index("caption")
    call = tokens[at:]
    named = call.index("method") + 2 if "method" in call else 0
    return call[named].strip("\"'") if 0 < named < len(call) else ""


def _options(tokens: list[str], callee: str, position: int, names: list[str]) -> list[str]:
    """Return what can follow these tokens, most likely first."""
    last = tokens[-1] if tokens else ""
    if last == "|>":
        return [f"{verb}(" if VERBS[verb].parameters else f"{verb}()" for verb in VERBS]
    if callee in VERBS:
        named = () if VERBS[callee].variadic else VERBS[callee].parameters
        return [f"{p.name}=" for p in named] if last in "(," else []
    if callee == SET:
        return [f"{p.name}=" for p in FUNCTIONS[SET].parameters] if last in "(," else []
    if last and last not in tuple("(,=;+-−–*×·/"):
        is_operand = callee == "" and re.match(r"[^\W\d]|[)\"'\d]", last)
        return ["|> "] if is_operand else []
    keywords = []
    if callee in FUNCTIONS and last in tuple("(,"):
        keywords = [f"{p.name}=" for p in FUNCTIONS[callee].parameters[position:]]
    return [*sorted(set(names)), "img(", "txt(", *(f"{f}(" for f in FUNCTIONS), *keywords]


def _bound(text: str) -> list[str]:
    """Return the names that a program binds before the cursor."""
    return re.findall(r"(?:^|[;\n])[ \t]*([^\W\d]\w*)[ \t]*=(?!=)", text)


def _pictures(prefix: str, pictures: Iterable[str]) -> tuple[str, ...]:
    """Return the pictures whose name starts with `prefix`, which may open with a quote."""
    typed = prefix.lstrip("\"'").lower()
    options = []
    for name in sorted(pictures):
        node = image(name)
        if name.lower().startswith(typed):
            quoted = node.quoted or prefix[:1] in ("'", '"')
            options.append(unparse(type(node)(name, quoted))[len("img(") :])
    return tuple(options)
