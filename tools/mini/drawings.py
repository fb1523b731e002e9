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
# Licence and copyright holder of each emoji design.
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
RASTER = "fluent-emoji-3d"  # distributed as raster images; all others are SVG
HELD_OUT = "noto"  # used for evaluation, and for one drawing of the gallery
TRAINING = tuple(design for design in LICENCES if design != HELD_OUT)
CONCEPTS = Path(__file__).with_name("concepts.tsv")
NAMES = Path(__file__).with_name("emoji_names.tsv")
GALLERY = Path(__file__).with_name("gallery.tsv")
TONES = tuple(f"{tone:x}" for tone in range(0x1F3FB, 0x1F400))
VARIANT = re.compile(r"-\d$")  # Streamline's second drawings (man-2) have a light skin tone


@dataclass(frozen=True)
class Concept:
    """An everyday concept: the texts that name it (best first) and the emoji that show it."""

    name: str
    texts: tuple[str, ...]
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """A drawing of the sample gallery: an emoji in a design, with a margin in pixels of 128."""

    name: str
    code: str
    design: str
    margin: int


def gallery() -> list[Shown]:
    """The drawings of the sample gallery (gallery.tsv)."""
    lines = GALLERY.read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return [Shown(name, code, design, int(margin)) for name, code, design, margin in rows]


def concepts(work: Path) -> list[Concept]:
    """All concepts of concepts.tsv, with the skin-tone variants of their emoji added."""
    tones = _tones(_chars(work, "twemoji"))
    result = []
    for line in CONCEPTS.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        name, texts, codes = line.split("\t")
        names = (name, *texts.split("; ")) if texts else (name,)
        variants = [t for code in codes.split() for t in (code, *tones.get(code, ()))]
        result.append(Concept(name, names, tuple(variants)))
    return result


def drawing(work: Path, design: str, code: str) -> Path:
    """The path of a drawing, which may not exist: no design covers every emoji."""
    if design == RASTER:
        return _raster(work).get(code, work / "drawings" / design / f"{code}.webp")
    return work / "drawings" / design / f"{code}.png"


def render(work: Path) -> None:
    """Render the missing drawings of concepts, gallery and flags (`SIZE` px, RGBA)."""
    needed = {code for concept in concepts(work) for code in concept.codes}
    needed |= {shown.code for shown in gallery()}
    for design in LICENCES:
        if design == RASTER:
            continue
        icons = _icons(work, design)
        names = {c: n for c, n in codes(work, design).items() if c in needed or is_flag(c)}
        todo = {c: n for c, n in names.items() if not drawing(work, design, c).exists()}
        if todo:
            done = len(names) - len(todo)
            _draw(work, design, icons, progress(todo.items(), design, done, len(names)))


def is_flag(code: str) -> bool:
    """Whether an emoji code is a country's flag (two regional indicators)."""
    return bool(re.fullmatch(r"1f1[ef][0-9a-f]-1f1[ef][0-9a-f]", code))


def codes(work: Path, design: str) -> dict[str, str]:
    """Emoji code -> icon name of a design, from its own table or else matched by name."""
    if design == RASTER:
        return {code: path.stem for code, path in _raster(work).items()}
    chars = _chars(work, design)
    icons = _icons(work, design)
    names = [*icons["icons"], *icons.get("aliases", {})]
    if chars:
        return {plain(code): name for code, name in chars.items() if name in set(names)}
    by_name, overrides = _codes_by_name(work), _overrides(design)
    result: dict[str, str] = {}
    for name in names:
        stem = VARIANT.sub("", name)
        code = overrides.get(name) or by_name.get(_key(name)) or by_name.get(_key(stem))
        if code and name.endswith("-2"):
            result.setdefault(_light(code), name)
        if code:
            result.setdefault(code, name)
    return result


@lru_cache(maxsize=1)
def _raster(work: Path) -> dict[str, Path]:
    """Emoji code -> image file of the raster design."""
    folder = sources.npm_folder(work, "@lobehub/fluent-emoji-3d") / "package/assets"
    return {plain(path.stem): path for path in sorted(folder.glob("*.webp"))}


def plain(code: str) -> str:
    """Normalise an emoji code: lower case, without variation selectors."""
    return "-".join(part for part in code.lower().split("-") if part != "fe0f")


def _codes_by_name(work: Path) -> dict[str, str]:
    """Name without spaces -> code, from the names of three designs and of Unicode."""
    result: dict[str, str] = {}
    for design in ("noto", "openmoji", "twemoji"):
        chars = _chars(work, design)
        by_name = {name: plain(code) for code, name in chars.items()}
        for alias, entry in _icons(work, design).get("aliases", {}).items():
            if entry["parent"] in by_name and len(entry) == 1:
                result[_key(alias)] = by_name[entry["parent"]]
        result.update({_key(name): code for name, code in by_name.items()})
    for code in set(result.values()):
        if "-" not in code:
            result.setdefault(_key(unicodedata.name(chr(int(code, 16)), "")), code)
    return result


def _overrides(design: str) -> dict[str, str]:
    """Icon name -> code for icons that can't be matched by name (emoji_names.tsv)."""
    rows = (line.split("\t") for line in NAMES.read_text(encoding="utf-8").splitlines())
    return {row[1]: row[2] for row in rows if row[0] == design}


def _key(name: str) -> str:
    """Reduce a name to letters and digits: `flag-for-flag-France` -> `flagfrance`."""
    name = re.sub(r"^flag-for-(flag-)?", "flag-", name.lower())
    return re.sub(r"[^a-z0-9]", "", name)


def _tones(emoji: Iterable[str]) -> dict[str, list[str]]:
    """Code -> its skin-tone variants."""
    tones: dict[str, list[str]] = {}
    for code in map(plain, emoji):
        parts = code.split("-")
        if any(tone in parts for tone in TONES):
            base = "-".join(part for part in parts if part not in TONES)
            tones.setdefault(base, []).append(code)
    return tones


def _light(code: str) -> str:
    """The code with a light skin tone after its first code point."""
    first, *rest = code.split("-")
    return "-".join((first, TONES[0], *rest))


def _draw(work: Path, design: str, icons: dict, todo: Iterator[tuple[str, str]]) -> None:
    """Render icons of one design, writing each file atomically."""
    import resvg_py

    (work / "drawings" / design).mkdir(parents=True, exist_ok=True)
    for code, name in todo:
        png = resvg_py.svg_to_bytes(svg_string=_svg(icons, name), skip_system_fonts=True)
        path = drawing(work, design, code)
        part = path.with_suffix(".part")
        part.write_bytes(bytes(png))
        part.rename(path)


def _svg(icons: dict, name: str) -> str:
    """An icon of an Iconify set as a square SVG of `SIZE` px."""
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
