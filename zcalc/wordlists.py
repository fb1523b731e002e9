"""Word lists: the entries that `words` ranks, from zcalc's own lists and from any text file."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from os import PathLike
from pathlib import Path

from zcalc.errors import ZcalcError

LISTS = {
    "en": "vocabulary.tsv",
    **{
        language: f"words/{language}.txt" for language in ("de", "fr", "es", "it", "pt", "zh", "ja")
    },
}  # by language, files of the package
MAX_BYTES, MAX_ENTRIES = 32_000_000, 200_000
_LANGUAGE = re.compile(r"#\s*language:\s*([a-z]{2,3})\s*$", re.IGNORECASE)
_HINT = (
    "A vocabulary is a text file in UTF-8 with one entry per line, or the name of one of zcalc's "
    f"lists: {', '.join(LISTS)}."
)

Source = str | PathLike[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """A word or phrase with the ISO 639 code of its language.

    `kind` is the number of a kind of thing, 0 if unknown; `definition` may be empty.
    """

    text: str
    kind: int = 0
    definition: str = ""
    language: str = "en"


def word_lists(sources: Sequence[Source]) -> tuple[Entry, ...]:
    """The entries of several lists; one that an earlier list has, in any case, is left out."""
    entries: list[Entry] = []
    for source in sources:
        earlier = {entry.text.casefold() for entry in entries}
        entries += [e for e in word_list(source) if e.text.casefold() not in earlier]
    return tuple(entries)


def word_list(source: Source) -> tuple[Entry, ...]:
    """The entries of a file, or of zcalc's list of that name (see `LISTS`) if no such file exists.

    Raises ZcalcError for a file that can't be read, is not UTF-8, empty, or far too large.
    """
    name, path = str(source), Path(source).expanduser()
    if name in LISTS and not path.is_file():
        return parse_entries((files("zcalc") / "data" / LISTS[name]).read_text("utf-8"))
    entries = parse_entries(_read(path))
    if not entries:
        raise ZcalcError(f"The vocabulary {name} has no entries.", _HINT)
    if len(entries) > MAX_ENTRIES:
        message = f"The vocabulary {name} has {len(entries):,} entries; {MAX_ENTRIES:,} is the most"
        raise ZcalcError(f"{message}.", "Keep the words that you want to see, such as the nouns.")
    return entries


def parse_entries(text: str) -> tuple[Entry, ...]:
    r"""The distinct entries of a word list, one on each line.

    After a tab, a line may have a definition; before it, a kind (a number). Empty lines and those
    starting with # are ignored, but for `# language: de`, which names the language of the lines
    below it.

    >>> parse_entries("# birds\nrobin\neagle\ta large bird of prey")[1].definition
    'a large bird of prey'
    """
    entries: dict[str, Entry] = {}
    language = "en"
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            named = _LANGUAGE.match(line.strip())
            language = named[1].lower() if named else language
            continue
        word, *columns = (_clean(column) for column in line.split("\t"))
        if word and word not in entries:
            entries[word] = _entry(word, columns, language)
    return tuple(entries.values())


def read_texts(name: str) -> tuple[str, ...]:
    """The distinct, non-empty lines of a text file of the package."""
    text = (files("zcalc") / "data" / name).read_text(encoding="utf-8")
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def _entry(word: str, columns: Iterable[str], language: str) -> Entry:
    first, second, *_ = [*columns, "", ""]
    if not first or first.isdecimal():
        return Entry(word, int(first) if 0 < len(first) < 3 else 0, second, language)
    return Entry(word, 0, first, language)


def _clean(text: str) -> str:
    """Text in composed form (NFC), without control characters and surplus blanks."""
    visible = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
    return unicodedata.normalize("NFC", " ".join(visible.split()))


def _read(path: Path) -> str:
    """The text of a file; raises ZcalcError if it can't be read, is not UTF-8 or too large."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            message = f"The vocabulary {path} has more than {MAX_BYTES / 1e6:.0f} MB."
            raise ZcalcError(message, "Keep the words that you want to see, such as the nouns.")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ZcalcError(f"The vocabulary {path} is not a text file in UTF-8.", _HINT) from error
    except (OSError, ValueError) as error:
        reason = "It is a folder" if path.is_dir() else getattr(error, "strerror", None) or error
        raise ZcalcError(f"Can't read the vocabulary {path}: {reason}.", _HINT) from error
