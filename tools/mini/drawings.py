"""Emoji designs rendered to PNG, and the everyday concepts they show."""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tools.mini import sources
from tools.mini.progress import progress

SIZE = 160  # pixels a side
PREFIX = "@iconify-json/"
# Design: the licence of its drawings, and whose they are.
LICENCES = {
    "twemoji": "CC-BY-4.0, Twitter and other contributors",
    "openmoji": "CC-BY-SA-4.0, OpenMoji, HfG Schwaebisch Gmuend",
    "fluent-emoji-flat": "MIT, Microsoft Corporation",
    "emojione": "CC-BY-4.0, EmojiTwo (Emoji One 2)",
    "fxemoji": "Apache-2.0, Mozilla",
    "streamline-emojis": "CC-BY-4.0, Streamline",
    "noto": "Apache-2.0, Google",
    "fluent-emoji-3d": "MIT, Microsoft Corporation",
}
PAINTED = "fluent-emoji-3d"  # comes as pictures, all others as SVG
HELD_OUT = "noto"  # for evaluation and the gallery only
TRAINING = tuple(design for design in LICENCES if design != HELD_OUT)
CONCEPTS = Path(__file__).with_name("concepts.tsv")
NAMES = Path(__file__).with_name("emoji_names.tsv")
TONES = tuple(f"{tone:x}" for tone in range(0x1F3FB, 0x1F400))
VARIANT = re.compile(r"-\d$")  # Streamline's second drawings (man-2) have a light skin


@dataclass(frozen=True)
class Concept:
    """One everyday meaning: the texts that name it (best first) and the emoji that show it."""

    name: str
    texts: tuple[str, ...]
    codes: tuple[str, ...]


def concepts(work: Path) -> list[Concept]:
    """Every concept of concepts.tsv; `codes` also holds the skin tones of its emoji."""
    toned = _tones(_chars(work, "twemoji"))
    found = []
    for line in CONCEPTS.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        name, texts, codes = line.split("\t")
        every = [t for code in codes.split() for t in (code, *toned.get(code, ()))]
        found.append(Concept(name, (name, *texts.split("; ")) if texts else (name,), tuple(every)))
    return found


def flag_codes(code: str) -> str:
    """The emoji code of a country's flag: `us` -> `1f1fa-1f1f8`."""
    return "-".join(f"{0x1F1E6 + ord(letter) - ord('a'):x}" for letter in code.lower())


def drawing(work: Path, design: str, code: str) -> Path:
    """Where one drawing lies (it may be missing: no design has them all)."""
    if design == PAINTED:
        return _painted(work).get(code, work / "drawings" / design / f"{code}.webp")
    return work / "drawings" / design / f"{code}.png"


def render(work: Path) -> None:
    """Draw what concepts, gallery and flags need (`SIZE` px RGBA) and is not there yet."""
    shown = {code for concept in concepts(work) for code in concept.codes} | set(GALLERY.values())
    for design in LICENCES:
        if design == PAINTED:
            continue
        icons = _icons(work, design)
        names = {c: n for c, n in codes(work, design).items() if c in shown or is_flag(c)}
        todo = {c: n for c, n in names.items() if not drawing(work, design, c).exists()}
        if todo:
            done = len(names) - len(todo)
            _draw(work, design, icons, progress(todo.items(), design, done, len(names)))


def is_flag(code: str) -> bool:
    """Whether this is a country's flag (two regional indicators)."""
    return bool(re.fullmatch(r"1f1[ef][0-9a-f]-1f1[ef][0-9a-f]", code))


def codes(work: Path, design: str) -> dict[str, str]:
    """Emoji code -> icon name of one design, by its own table or else by the icons' names."""
    if design == PAINTED:
        return {code: path.stem for code, path in _painted(work).items()}
    own = _chars(work, design)
    icons = _icons(work, design)
    named = [*icons["icons"], *icons.get("aliases", {})]
    if own:
        return {plain(code): name for code, name in own.items() if name in set(named)}
    spelled, given = _spellings(work), _given(design)
    found: dict[str, str] = {}
    for name in named:
        stem = VARIANT.sub("", name)
        code = given.get(name) or spelled.get(_key(name)) or spelled.get(_key(stem))
        if code and name.endswith("-2"):
            found.setdefault(_light(code), name)
        if code:
            found.setdefault(code, name)
    return found


@lru_cache(maxsize=1)
def _painted(work: Path) -> dict[str, Path]:
    """Emoji code -> picture of the one design that comes as pictures."""
    folder = sources.npm_folder(work, "@lobehub/fluent-emoji-3d") / "package/assets"
    return {plain(path.stem): path for path in sorted(folder.glob("*.webp"))}


def plain(code: str) -> str:
    """An emoji code in lower case, without variation selectors."""
    return "-".join(part for part in code.lower().split("-") if part != "fe0f")


def _spellings(work: Path) -> dict[str, str]:
    """Name without spaces -> code: Unicode's names, then those that three designs use."""
    found: dict[str, str] = {}
    for design in ("noto", "openmoji", "twemoji"):
        chars = _chars(work, design)
        of = {name: plain(code) for code, name in chars.items()}
        for alias, entry in _icons(work, design).get("aliases", {}).items():
            if entry["parent"] in of and len(entry) == 1:
                found[_key(alias)] = of[entry["parent"]]
        found.update({_key(name): code for name, code in of.items()})
    for code in set(found.values()):
        if "-" not in code:
            found.setdefault(_key(unicodedata.name(chr(int(code, 16)), "")), code)
    return found


def _given(design: str) -> dict[str, str]:
    """Icon name -> code where names alone do not tell (emoji_names.tsv)."""
    rows = (line.split("\t") for line in NAMES.read_text(encoding="utf-8").splitlines())
    return {row[1]: row[2] for row in rows if row[0] == design}


def _key(name: str) -> str:
    """A name's letters and digits: `flag-for-flag-France` -> `flagfrance`."""
    name = re.sub(r"^flag-for-(flag-)?", "flag-", name.lower())
    return re.sub(r"[^a-z0-9]", "", name)


def _tones(every: Iterable[str]) -> dict[str, list[str]]:
    """Code -> its codes with one skin tone."""
    toned: dict[str, list[str]] = {}
    for code in map(plain, every):
        parts = code.split("-")
        if any(tone in parts for tone in TONES):
            base = "-".join(part for part in parts if part not in TONES)
            toned.setdefault(base, []).append(code)
    return toned


def _light(code: str) -> str:
    """The code with a light skin tone after its first point."""
    first, *rest = code.split("-")
    return "-".join((first, TONES[0], *rest))


def _draw(work: Path, design: str, icons: dict, todo: Iterator[tuple[str, str]]) -> None:
    """Render one design; each file appears whole or not at all."""
    import resvg_py

    (work / "drawings" / design).mkdir(parents=True, exist_ok=True)
    for code, name in todo:
        png = resvg_py.svg_to_bytes(svg_string=_svg(icons, name), skip_system_fonts=True)
        path = drawing(work, design, code)
        part = path.with_suffix(".part")
        part.write_bytes(bytes(png))
        part.rename(path)


def _svg(icons: dict, name: str) -> str:
    """One icon of an Iconify set as a square SVG of `SIZE` px."""
    alias, flip = icons.get("aliases", {}).get(name), False
    if alias:
        name, flip = alias["parent"], alias.get("hFlip", False)
    icon = icons["icons"][name]
    left, top = icon.get("left", 0), icon.get("top", 0)
    width = icon.get("width", icons.get("width", 16))
    height = icon.get("height", icons.get("height", 16))
    body = icon["body"]
    if flip:
        body = f'<g transform="translate({2 * left + width} 0) scale(-1 1)">{body}</g>'
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{SIZE}" height="{SIZE}" viewBox="{left} {top} {width} {height}">{body}</svg>'
    )


def _icons(work: Path, design: str) -> dict:
    return json.loads((_folder(work, design) / "icons.json").read_text(encoding="utf-8"))


def _chars(work: Path, design: str) -> dict[str, str]:
    return json.loads((_folder(work, design) / "chars.json").read_text(encoding="utf-8"))


def _folder(work: Path, design: str) -> Path:
    return sources.npm_folder(work, PREFIX + design) / "package"


GALLERY: dict[str, str] = {
    "king": "1f934", "queen": "1f478", "man": "1f468", "woman": "1f469", "boy": "1f466",
    "girl": "1f467", "baby": "1f476", "old_man": "1f474", "old_woman": "1f475",
    "police_officer": "1f46e", "doctor": "1f9d1-200d-2695", "teacher": "1f9d1-200d-1f3eb",
    "firefighter": "1f9d1-200d-1f692", "farmer": "1f9d1-200d-1f33e", "cook": "1f9d1-200d-1f373",
    "judge": "1f9d1-200d-2696", "bride": "1f470-200d-2640", "groom": "1f935-200d-2642",
    "santa": "1f385", "happy": "1f600", "sad": "1f622", "angry": "1f620",
    "sun": "2600", "rain": "1f327", "snow": "1f328", "rainbow": "1f308", "castle": "1f3f0",
    "church": "26ea", "mosque": "1f54c", "temple": "1f6d5", "synagogue": "1f54d", "house": "1f3e0",
    "school": "1f3eb", "hospital": "1f3e5", "pizza": "1f355", "sushi": "1f363", "ramen": "1f35c",
    "taco": "1f32e", "hamburger": "1f354", "croissant": "1f950", "bread": "1f35e",
    "wine": "1f377", "beer": "1f37a", "tea": "1f375", "kimono": "1f458", "sari": "1f97b",
    "dress": "1f457", "crown": "1f451", "hammer": "1f528", "camera": "1f4f7", "car": "1f697",
    "bus": "1f68c", "train": "1f686", "ship": "1f6a2", "airplane": "2708", "bicycle": "1f6b2",
    "dog": "1f415", "horse": "1f40e", "lion": "1f981", "fish": "1f41f", "tree": "1f333",
    "rose": "1f339", "heart": "2764", "volcano": "1f30b", "beach": "1f3d6",
}  # fmt: skip
