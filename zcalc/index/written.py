"""What cameras and programs wrote into a picture, and what can be read in it.

EXIF, IPTC and XMP become columns: `taken` (local time), `latitude`, `longitude` (degrees),
`camera`, `lens`, `iso`, `rating` (0 to 5), `keywords` (a list), `title` and `caption`. With `--ocr`
the words in the picture become the column `text`. None of it goes into a picture's vector.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, IptcImagePlugin

from zcalc import formats
from zcalc.pictures import FORMATS
from zcalc.sidecars import clean

COLUMNS = (
    "taken", "latitude", "longitude", "camera", "lens", "iso", "rating", "keywords", "title",
    "caption", "text",
)  # fmt: skip
_TAGS, _EXIF, _GPS = ExifTags.Base, ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo
_NAMESPACES = {
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://ns.adobe.com/exif/1.0/aux/": "aux",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
}
_MAX_XMP = 4 << 20  # bytes
_TIFF = (b"II*\x00", b"MM\x00*", b"IIRO", b"IIU\x00")
_FIRST = 256 << 10  # bytes of a RAW file that have its EXIF

Fields = dict[str, Any]


def read(data: bytes, suffix: str = "") -> Fields:
    """The columns of a picture's bytes; what is missing or malformed is left out.

    A date is text in ISO's form; `values` makes a date of it.
    """
    fields: Fields = {}
    with suppress(Exception), _opened(data, suffix) as picture:  # any file may be malformed
        for source in (_from_xmp, _from_iptc, _from_exif):
            with suppress(Exception):
                fields |= {k: v for k, v in source(picture) if v not in (None, "", [])}
    return {name: fields[name] for name in COLUMNS if name in fields}


def dump(fields: Mapping[str, Any]) -> str:
    """The columns as text, to be stored; "" for none."""
    return json.dumps(fields, ensure_ascii=False) if fields else ""


def values(stored: str) -> Fields:
    """The columns in what `dump` returned.

    >>> values(dump({"taken": "2019-06-01T12:30:00", "iso": 200}))
    {'taken': datetime.datetime(2019, 6, 1, 12, 30), 'iso': 200}
    """
    fields: Fields = json.loads(stored) if stored else {}
    if "taken" in fields:
        fields["taken"] = datetime.fromisoformat(fields["taken"])
    return fields


def _opened(data: bytes, suffix: str) -> Image.Image:
    """A picture whose metadata can be read; its pixels are not decoded."""
    kind = formats.kind_of(data, suffix)
    if kind == formats.RAW:
        picture = Image.new("L", (1, 1))
        if data[:4] in _TIFF:
            exif = picture.getexif()
            exif.load(b"Exif\0\0" + b"II*\0" + data[4:] if data[:2] == b"II" else data)
        return picture
    if kind is not None:
        return formats.opened(kind, data)
    return Image.open(BytesIO(data), formats=FORMATS)


def _from_exif(picture: Image.Image) -> Iterator[tuple[str, Any]]:
    exif = picture.getexif()
    inner, gps = exif.get_ifd(_EXIF), exif.get_ifd(_GPS)
    for tag in (_TAGS.DateTime, _TAGS.DateTimeDigitized, _TAGS.DateTimeOriginal):
        yield from _named("taken", _time(inner.get(tag) or exif.get(tag)))
    yield "latitude", _degrees(gps.get(2), gps.get(1), "S", 90)
    yield "longitude", _degrees(gps.get(4), gps.get(3), "W", 180)
    yield "camera", _text(exif.get(_TAGS.Model))
    yield "lens", _text(inner.get(_TAGS.LensModel))
    iso = inner.get(_TAGS.ISOSpeedRatings)
    yield "iso", _whole(iso[0] if isinstance(iso, tuple) else iso)
    yield "rating", _rating(exif.get(0x4746))
    yield "keywords", [k for k in _text(_utf16(exif.get(_TAGS.XPKeywords))).split(";") if k]
    yield "title", _text(_utf16(exif.get(_TAGS.XPTitle)))
    yield "caption", _text(exif.get(_TAGS.ImageDescription))


def _from_iptc(picture: Any) -> Iterator[tuple[str, Any]]:
    records: Mapping[Any, Any] = IptcImagePlugin.getiptcinfo(picture) or {}
    found = {tag: _as_list(value) for (record, tag), value in records.items() if record == 2}
    texts = {tag: [_text(_decoded(v)) for v in value] for tag, value in found.items()}
    keywords = [keyword for keyword in texts.get(25, []) if keyword]
    yield "keywords", keywords
    yield "title", next(iter(texts.get(5, [])), "")
    yield "caption", next(iter(texts.get(120, [])), "")
    day, clock = (next(iter(texts.get(tag, [])), "") for tag in (55, 60))
    if re.fullmatch(r"\d{8}", day):
        clock = clock[:6] if re.match(r"\d{6}", clock) else "000000"
        with suppress(ValueError):
            yield "taken", datetime.strptime(day + clock, "%Y%m%d%H%M%S").isoformat()


def _from_xmp(picture: Image.Image) -> Iterator[tuple[str, Any]]:
    found = xmp_values(_xmp_of(picture))
    first = {name: texts[0] for name, texts in found.items() if texts}
    for name in ("xmp:CreateDate", "photoshop:DateCreated", "exif:DateTimeOriginal"):
        yield from _named("taken", _time(first.get(name)))
    yield "latitude", _xmp_degrees(first.get("exif:GPSLatitude"), 90)
    yield "longitude", _xmp_degrees(first.get("exif:GPSLongitude"), 180)
    yield "camera", _text(first.get("tiff:Model"))
    yield "lens", _text(first.get("aux:Lens"))
    yield "iso", _whole(first.get("exif:ISOSpeedRatings"))
    yield "rating", _rating(first.get("xmp:Rating"))
    yield "keywords", [_text(text) for text in found.get("dc:subject", [])]
    yield "title", _text(first.get("dc:title"))
    yield "caption", _text(first.get("dc:description"))


def xmp_values(packet: bytes) -> dict[str, list[str]]:
    """The properties of an XMP packet, by `prefix:name`; lists and alternatives are flat."""
    from defusedxml.ElementTree import fromstring

    if not packet or len(packet) > _MAX_XMP:
        return {}
    found: dict[str, list[str]] = {}
    for description in fromstring(packet.strip(b"\0 \r\n")).iter():
        if _short(description.tag) != "rdf:Description":
            continue
        for name, value in description.attrib.items():
            found.setdefault(_short(name), []).append(value)
        for child in description:
            items = [item.text or "" for item in child.iter() if _short(item.tag) == "rdf:li"]
            texts = items or [child.text or ""]
            found.setdefault(_short(child.tag), []).extend(t for t in texts if t.strip())
    return found


def _xmp_of(picture: Image.Image) -> bytes:
    packet = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    if not packet:
        packet = getattr(picture, "tag_v2", {}).get(700, b"")
    return packet.encode() if isinstance(packet, str) else bytes(packet)


def _short(name: str) -> str:
    namespace, _, local = name.rpartition("}")
    prefix = _NAMESPACES.get(namespace.lstrip("{"), "")
    return f"{prefix}:{local}" if prefix else local


def _named(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if value:
        yield name, value


def _time(value: Any) -> str:
    """A time of EXIF or XMP in ISO's form, without the zone: as the camera's clock had it."""
    text = _text(value)
    match = re.match(r"(\d{4})[:-](\d\d)[:-](\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?", text)
    if not match:
        return ""
    with suppress(ValueError):  # such as 0000:00:00
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
        return datetime(year, month, day, hour, minute, second).isoformat()
    return ""


def _degrees(parts: Any, reference: Any, negative: str, most: float) -> float | None:
    """Degrees, minutes and seconds as degrees; None if they are none, or (0, 0)-like nonsense."""
    if not isinstance(parts, tuple) or len(parts) != 3:
        return None
    degrees = sum(float(part) / 60**power for power, part in enumerate(parts))
    degrees = -degrees if _text(reference).upper().startswith(negative) else degrees
    return round(degrees, 7) if abs(degrees) <= most else None


def _xmp_degrees(text: str | None, most: float) -> float | None:
    match = re.fullmatch(r"(\d+),(\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?([NSEW])", text or "")
    if not match:
        return None
    degrees = sum(float(part or 0) / 60**power for power, part in enumerate(match.groups()[:3]))
    degrees = -degrees if match[4] in "SW" else degrees
    return round(degrees, 7) if abs(degrees) <= most else None


def _whole(value: Any) -> int | None:
    with suppress(TypeError, ValueError, OverflowError):
        number = int(value)
        return number if 0 < number < 1 << 31 else None
    return None


def _rating(value: Any) -> int | None:
    with suppress(TypeError, ValueError, OverflowError):
        return int(float(value)) if -1 <= float(value) <= 5 else None
    return None


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        value = _decoded(value)
    return clean(str(value).replace("\0", " ")) if value is not None else ""


def _decoded(value: Any) -> str:
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _utf16(value: Any) -> str:
    data = bytes(value) if isinstance(value, tuple | bytes) else b""
    return data.decode("utf-16-le", "ignore").rstrip("\0")


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


Reader = Callable[[bytes, str], Fields]


def ocr_reader() -> Reader:
    """A function that reads the words in a picture; raises ZcalcError if its package is missing."""
    import numpy as np

    from zcalc.pictures import decode

    formats.OCR.require()
    engine = _ocr_engine()

    def words(data: bytes, suffix: str) -> Fields:
        pixels = np.asarray(decode(data, (2048, 2048), suffix))[..., ::-1]  # (h, w, 3), BGR
        lines: Iterable[str] = engine(np.ascontiguousarray(pixels)).txts or ()
        return {"text": clean(" ".join(lines))}

    return words


def _ocr_engine() -> Any:
    import logging

    from rapidocr import RapidOCR

    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    return RapidOCR()


def read_file(path: Path) -> Fields:
    """The columns of a picture file; raises OSError if it can't be read."""
    return read(path.read_bytes(), path.suffix)
