"""Metadata without loss: tables in any encoding, tar shards from anywhere, what cameras wrote."""

import gzip
import io
import json
import os
import shutil
import tarfile
import unicodedata
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from helpers import HashEncoder, save_photo
from PIL import ExifTags, Image, PngImagePlugin
from pyarrow import parquet

from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery
from zcalc.index import Index, Report, Settings, source_of, update
from zcalc.index.edit import remove
from zcalc.index.table_files import delimiter_of, read
from zcalc.index.where import rows_where
from zcalc.index.written import read as read_written
from zcalc.pictures import decode

XMP = """<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/"
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
 <rdf:RDF><rdf:Description xmp:Rating="4"><dc:subject><rdf:Bag><rdf:li>Zürich</rdf:li>
 <rdf:li>lake</rdf:li></rdf:Bag></dc:subject><dc:title><rdf:Alt>
 <rdf:li xml:lang="x-default">Evening</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF>
</x:xmpmeta><?xpacket end="w"?>"""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for colour in ("red", "green", "blue"):
        save_photo(tmp_path / "photos" / f"{colour}.png", colour)
    return tmp_path / "photos"


def build(source: Path, folder: Path, **settings: Any) -> tuple[Index, Report]:
    return update(source_of([source]), HashEncoder(), folder, Settings(**settings))


def metadata(index: Index) -> dict[str, dict[str, Any]]:
    return {index.entry(row).name: index.metadata(row) for row in range(len(index))}


def camera_jpeg(path: Path, model: str = "X100V", taken: str = "2019:07:14 18:30:05") -> Path:
    """A JPEG as a camera with GPS writes it, with XMP as a program adds it."""
    exif = Image.Exif()
    exif[ExifTags.Base.Model], exif[ExifTags.Base.Make] = model, "FUJIFILM"
    exif[ExifTags.Base.ImageDescription] = "By the water"
    inner, gps = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
    inner[ExifTags.Base.DateTimeOriginal] = taken
    inner[ExifTags.Base.ISOSpeedRatings], inner[ExifTags.Base.LensModel] = 400, "23mm F2"
    gps[1], gps[2], gps[3], gps[4] = "S", (33.0, 51.0, 30.0), "W", (8.0, 32.0, 6.0)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (48, 32), "teal").save(path, "JPEG", exif=exif, xmp=XMP.encode())
    return path


ROWS = (
    ("path", "note", "no"),
    ("red.png", "Zürich, weiß", "0012"),
    ("green.png", "größer", "0013"),
)
LINES = [json.dumps(dict(zip(ROWS[0], row, strict=True))) for row in ROWS[1:]]


def text(delimiter: str, end: str = "\n") -> str:
    quoted = ((f'"{value}"' if delimiter in value else value for value in row) for row in ROWS)
    return "".join(delimiter.join(row) + end for row in quoted)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", text(";").encode("cp1252")),
        ("a.csv", b"\xef\xbb\xbf" + text(",").encode()),
        ("a.csv", text("\t").encode("utf-16")),
        ("a.tsv", text("\t", "\r\n").encode()),
        ("a.csv.gz", gzip.compress(text("|").encode())),
        ("a.jsonl", "\n".join(LINES).encode()),
    ],
    ids=["latin-1", "bom", "utf-16", "tsv", "gzip", "jsonl"],
)
def test_tables_of_any_kind_say_the_same(photos: Path, name: str, data: bytes) -> None:
    (photos / name).write_bytes(data)
    index, _ = build(photos / name, photos.parent / "i")
    assert metadata(index) == {
        "red": {"note": "Zürich, weiß", "no": "0012"},
        "green": {"note": "größer", "no": "0013"},
    }


def test_types_stay_as_written_unless_a_whole_column_is_numbers(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text(
        "path,zip,year,price,mixed,flag,hash,big,date,empty\n"
        "a,01234,1999,1.50,1,true,1e5,12345678901234567890,2019-06-01,\n"
        "b,98765,,2.25,x,false,2e6,1,2020-01-01,\n"
    )
    columns = read(file).to_pydict()
    assert columns["zip"] == ["01234", "98765"] and columns["year"] == [1999, None]
    assert columns["price"] == [1.5, 2.25] and columns["mixed"] == ["1", "x"]
    assert columns["flag"] == ["true", "false"] and columns["hash"] == ["1e5", "2e6"]
    assert columns["big"] == ["12345678901234567890", "1"]
    assert columns["date"] == ["2019-06-01", "2020-01-01"] and columns["empty"] == [None, None]


def test_lines_of_another_form_are_left_out_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "t.csv"
    file.write_text('path,a\nx.png,1\ny.png\nz.png,"2\n3"\nw.png,1,2\n')
    assert read(file).to_pydict() == {"path": ["x.png", "z.png"], "a": ["1", "2\n3"]}
    assert "2 lines without the columns of the others" in " ".join(capsys.readouterr().err.split())
    lines = tmp_path / "t.jsonl"
    lines.write_text('{"path": "x"}\nnot json\n\n[1]\n{"path": "y", "n": 2}\n')
    assert read(lines).to_pydict() == {"path": ["x", "y"], "n": [None, 2]}
    with pytest.raises(ZcalcError, match="Can't read"):
        read(tmp_path / "missing.csv")


def test_delimiters_are_those_that_divide_the_lines_alike() -> None:
    assert delimiter_of("path\na.png\n") == ","
    assert delimiter_of('p;t\na;"x, y"\nb;"1,5; 2"\n') == ";"
    assert delimiter_of("p,t\na,x;y;z\nb,1;2\n") == ","


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_several_rows_of_a_picture_become_lists(photos: Path, kind: str) -> None:
    file = photos / f"boxes.{kind}"
    table = {"path": ["red.png", "red.png", "blue.png"], "label": ["cat", "dog", "cat"],
             "year": [1999, 1999, 2001]}  # fmt: skip
    if kind == "csv":
        rows = zip(*table.values(), strict=True)
        file.write_text("path,label,year\n" + "".join(f"{p},{n},{y}\n" for p, n, y in rows))
    else:
        parquet.write_table(pa.table(table), file)
    index, _ = build(file, photos.parent / "i")
    assert metadata(index) == {
        "red": {"label": ["cat", "dog"], "year": 1999},
        "blue": {"label": ["cat"], "year": 2001},
    }
    assert rows_where(index.table, "list_contains(label, 'dog')").tolist() == [0]
    remove(photos.parent / "i", ["blue"])
    assert metadata(Index.open(photos.parent / "i"))["red"]["label"] == ["cat", "dog"]


def tar(path: Path, members: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def picture(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (24, 16), colour).save(out, "PNG")
    return out.getvalue()


def test_a_tar_made_on_a_mac_keeps_its_metadata(tmp_path: Path) -> None:
    members = {
        "._1.png": b"\0\5\x16\7", "1.png": picture("red"), "._1.json": b"\0\5\x16\7",
        "__MACOSX/1.png": picture("gray"), "1.json": b'{"year": 1999}',
        "é.png".replace("é", unicodedata.normalize("NFD", "é")): picture("blue"),
        "é.json": b'{"year": 2001}',
    }  # fmt: skip
    index, report = build(tar(tmp_path / "s.tar", members), tmp_path / "i")
    assert metadata(index) == {"s/1": {"year": 1999}, "s/é": {"year": 2001}}
    assert report.skipped == ()


def test_members_of_a_sample_need_not_be_neighbours(tmp_path: Path) -> None:
    members = {"1.png": picture("red"), "2.png": picture("blue"),
               "1.json": b'{"n": 1}', "2.json": b'{"n": 2}'}  # fmt: skip
    index, _ = build(tar(tmp_path / "s.tar", members), tmp_path / "i")
    assert metadata(index) == {"s/1": {"n": 1}, "s/2": {"n": 2}}


@pytest.mark.parametrize(
    ("suffix", "mode"),
    [("tar.gz", "w:gz"), ("tgz", "w:gz"), ("tar.bz2", "w:bz2"), ("tar.xz", "w:xz")],
)
def test_compressed_tars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, mode: str
) -> None:
    monkeypatch.setenv("ZCALC_CACHE", str(tmp_path / "cache"))
    members = {"a/1.png": picture("red"), "a/1.json": b'{"n": 1}', "a/2.png": picture("blue")}
    shards = tmp_path / "shards"
    shards.mkdir()
    file = tar(shards / f"00.{suffix}", members, mode)
    index, _ = build(shards, tmp_path / "i")
    assert metadata(index) == {"00/a/1": {"n": 1}, "00/a/2": {}}
    assert index.paths[0] == f"{file}!a/1.png"
    calls = HashEncoder()
    assert update(source_of([shards]), calls, tmp_path / "i")[1].unchanged == 2
    from zcalc.index.hits import Hit

    shown = Hit("x", index.paths[0], 1.0).thumbnail()
    assert shown is not None and shown.getpixel((2, 2)) == (255, 0, 0)
    (cached,) = (tmp_path / "cache" / "archives").glob("*.tar")
    tar(file, members | {"a/3.png": picture("green")}, mode)
    assert len(build(shards, tmp_path / "i")[0]) == 3
    (newer,) = (tmp_path / "cache" / "archives").glob("*.tar")
    assert newer != cached  # the old copy went
    file.write_bytes(file.read_bytes()[:40])
    os.utime(file, ns=(1, 1))
    with pytest.raises(ZcalcError, match="tar can't be read"):
        build(shards, tmp_path / "new")


def test_composed_and_decomposed_names_meet(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    for colour, name in (("red", decomposed), ("blue", "naïve")):
        save_photo(tmp_path / "p" / f"{name}.png", colour)
    table = tmp_path / "p" / "list.csv"
    table.write_text(f"path,n\n{composed}.png,1\n{unicodedata.normalize('NFD', 'naïve')}.png,2\n")
    index, report = build(table, tmp_path / "i")
    assert not report.skipped and sorted(r["n"] for r in metadata(index).values()) == [1, 2]
    assert Gallery([tmp_path / "p"]).find(composed).path.stem == decomposed
    assert index.row_named(composed) == index.row_named(decomposed) is not None
    assert remove(tmp_path / "i", [f"{composed}*"])[1] == 1


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("at_end", [True, False])
def test_long_texts_in_a_png_are_no_obstacle(compressed: bool, at_end: bool) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("workflow", "x" * 3_000_000, zip=compressed)
    out = io.BytesIO()
    Image.new("RGB", (20, 10), "red").save(out, "PNG", pnginfo=info)
    data = out.getvalue()
    if at_end:
        start = data.index(b"tEXt" if not compressed else b"zTXt") - 4
        stop = start + 12 + int.from_bytes(data[start : start + 4], "big")
        data = data[:start] + data[stop:-12] + data[start:stop] + data[-12:]
    assert decode(data).getpixel((3, 3)) == (255, 0, 0)
    assert read_written(data) == {}


def test_what_is_elsewhere_says_so(photos: Path, tmp_path: Path) -> None:
    (photos / "annex.jpg").symlink_to("../.git/annex/objects/xx/yy/SHA256-s5--ab/SHA256-s5--ab")
    (photos / "unlocked.jpg").write_bytes(b"/annex/objects/SHA256E-s12345--abcdef.jpg\n")
    lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    (photos / "lfs.jpg").write_bytes(lfs)
    _, report = build(photos, tmp_path / "i")
    reasons = {Path(s.path).name: s.reason for s in report.skipped}
    assert "git annex get annex.jpg" in reasons["annex.jpg"]
    assert "git annex get" in reasons["unlocked.jpg"] and "git lfs pull" in reasons["lfs.jpg"]
    table = photos / "t.csv"
    table.write_text("path\nannex.jpg\nred.png\n")
    _, report = build(table, tmp_path / "j")
    assert "git annex get" in report.skipped[0].reason
    with pytest.raises(ZcalcError, match="git annex get"):
        Gallery([photos]).find("annex")


def test_what_cameras_wrote_becomes_columns(tmp_path: Path) -> None:
    camera_jpeg(tmp_path / "p" / "one.jpg")
    camera_jpeg(tmp_path / "p" / "two.jpg", "X-T5", "2021:01:02 03:04:05")
    save_photo(tmp_path / "p" / "plain.png", "red")
    index, report = build(tmp_path / "p", tmp_path / "i")
    assert metadata(index)["one"] == {
        "taken": datetime(2019, 7, 14, 18, 30, 5), "latitude": -33.8583333,
        "longitude": -8.535, "camera": "X100V", "lens": "23mm F2", "iso": 400, "rating": 4,
        "keywords": ["Zürich", "lake"], "title": "Evening", "caption": "By the water",
    }  # fmt: skip
    assert metadata(index)["plain"] == {} and report.captioned == 0
    where = "taken >= '2019-06-01' and camera like 'X100%'"
    assert [index.entry(r).name for r in rows_where(index.table, where)] == ["one"]
    again, report = build(tmp_path / "p", tmp_path / "i")
    assert report.unchanged == 3 and again.manifest == index.manifest
    (tmp_path / "p" / "one.jpg").rename(tmp_path / "p" / "moved.jpg")
    (tmp_path / "p" / "one.txt").write_text("beside it")
    moved, report = build(tmp_path / "p", tmp_path / "i")
    assert report.moved == 1 and metadata(moved)["moved"] == metadata(index)["one"]


def iptc(*records: tuple[int, bytes]) -> bytes:
    """A JPEG with IPTC records, in Photoshop's block."""
    body = b"".join(
        b"\x1c\x02" + bytes([number]) + len(value).to_bytes(2, "big") + value
        for number, value in records
    )
    block = b"8BIM\x04\x04\0\0" + len(body).to_bytes(4, "big") + body + b"\0" * (len(body) % 2)
    app13 = b"Photoshop 3.0\0" + block
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG")
    data = out.getvalue()
    return data[:2] + b"\xff\xed" + (len(app13) + 2).to_bytes(2, "big") + app13 + data[2:]


def test_iptc_in_utf_8_and_in_older_encodings() -> None:
    data = iptc(
        (5, "Straße".encode()), (25, "Köln".encode("latin-1")), (25, b"bridge"),
        (120, "Über dem Rhein".encode()), (55, b"20180301"), (60, b"101500+0100"),
    )  # fmt: skip
    assert read_written(data) == {
        "taken": "2018-03-01T10:15:00", "keywords": ["Köln", "bridge"], "title": "Straße",
        "caption": "Über dem Rhein",
    }  # fmt: skip
    assert read_written(iptc((25, b"one"), (55, b"00000000"))) == {"keywords": ["one"]}


def test_what_a_table_says_comes_before_what_the_camera_wrote(tmp_path: Path) -> None:
    camera_jpeg(tmp_path / "one.jpg")
    table = tmp_path / "t.csv"
    table.write_text("path,title,caption\none.jpg,Mine,My words\n")
    index, _ = build(table, tmp_path / "i")
    found = metadata(index)["one"]
    assert (found["title"], found["caption"], found["iso"]) == ("Mine", "My words", 400)
    update(source_of([tmp_path]), HashEncoder(), tmp_path / "i", Settings(replace=True))
    assert metadata(Index.open(tmp_path / "i"))["one"]["title"] == "Evening"  # not the table's


@pytest.mark.parametrize("junk", [
    b"", b"not a picture", b"\xff\xd8\xff\xe1\xff\xffExif\0\0II*\0\xff\xff\xff\xff",
])  # fmt: skip
def test_malformed_metadata_is_left_out(junk: bytes, tmp_path: Path) -> None:
    assert read_written(junk) == {}
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    out = io.BytesIO()
    exif = Image.Exif()
    exif[ExifTags.Base.DateTime] = "0000:00:00 00:00:00"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[2] = (999.0, 0.0, 0.0)
    Image.new("RGB", (8, 8)).save(out, "JPEG", exif=exif, xmp=bomb)
    assert read_written(out.getvalue()) == {}


def test_exclude_ignore_files_and_thumbnail_folders(tmp_path: Path) -> None:
    root = tmp_path / "p"
    for name in ("a.png", "b.gif", "drafts/c.png", "@eaDir/a.png", ".thumbnails/a.png",
                 "__MACOSX/a.png", "trip/keep.gif", "trip/x.png", "raw/deep/d.png"):  # fmt: skip
        save_photo(root / name, "red" if name == "a.png" else "#" + f"{abs(hash(name)):x}"[:6])
    (root / ".zcalcignore").write_text("# mine\n/raw/\n*.gif\n")
    (root / "trip" / ".zcalcignore").write_text("!keep.gif\nx.png\n")
    index, _ = build(root, tmp_path / "i", exclude=["drafts/"])
    assert sorted(index.paths) == [str(root / "a.png"), str(root / "trip/keep.gif")]
    assert len(build(root, tmp_path / "i")[0]) == 2  # the index remembers
    assert len(build(root, tmp_path / "i", exclude=[""])[0]) == 3
    names = {p.path.name for p in Gallery([root])}
    assert names == {"a.png", "c.png", "keep.gif"}
    with pytest.raises(ZcalcError, match="There are no pictures"):
        build(root, tmp_path / "new", exclude=["*"])


def test_a_list_on_standard_input(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(b"red.png\0photos/../blue.png\0missing.png\0")

    monkeypatch.setattr("sys.stdin", Stdin)
    monkeypatch.chdir(photos)
    folder = photos.parent / "i"
    (photos / "photos").mkdir()
    index, report = update(source_of(["-"]), HashEncoder(), folder)
    assert sorted(e.name for e in index.entries) == ["blue", "red"]
    assert [Path(s.path).name for s in report.skipped] == ["missing.png"]
    with pytest.raises(ZcalcError, match="can't be mixed"):
        source_of(["-", str(photos)])
    from zcalc.index import known_source

    assert update(known_source(folder), HashEncoder(), folder)[1].unchanged == 2
    shutil.rmtree(photos / "photos")
