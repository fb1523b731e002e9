"""Pictures by name and path; files outside the roots are never opened."""

import os
import struct
import sys
import zlib
from pathlib import Path

import pytest
from helpers import hash_calculator, save_photo
from PIL import Image

from zcalc import pictures
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery, Picture
from zcalc.language import LanguageError
from zcalc.pictures import SHOWN, open_picture


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    save_photo(root / "coffee.png", "brown")
    save_photo(root / "trips" / "rome.jpg", "orange")
    save_photo(root / "trips" / "sea side.jpg", "blue")
    save_photo(root / "a" / "cat.png", "gray")
    save_photo(root / "b" / "cat.jpg", "black")
    save_photo(tmp_path / "secret.png", "red")
    save_photo(tmp_path / "photos-private" / "diary.png", "red")
    (root / "notes.txt").write_text("not a picture")
    return root


def names(gallery: Gallery) -> list[str]:
    return [picture.name for picture in gallery]


def test_samples_are_real_files() -> None:
    gallery = Gallery.samples()
    assert {"cat", "coffee", "rocket", "motorcycle", "astronaut", "flower"} <= set(names(gallery))
    assert all(open_picture(picture.path).mode == "RGB" for picture in gallery)


def test_a_name_is_the_stem_or_else_the_path(photos: Path) -> None:
    gallery = Gallery([photos])
    cats = [os.path.join("a", "cat.png"), os.path.join("b", "cat.jpg")]
    assert names(gallery) == sorted([*cats, "coffee", "rome", "sea side"])
    assert gallery.find("coffee").path == photos / "coffee.png"
    for name in (
        "trips/rome.jpg",
        "rome",
        "photos/trips/rome.jpg",
        str(photos / "trips/rome.jpg"),
    ):
        assert gallery.find(name).name == "rome"
    with pytest.raises(ZcalcError) as error:
        gallery.find("cat")
    assert 'img("a/cat.png")' in error.value.hint and 'img("b/cat.jpg")' in error.value.hint


def test_several_roots(photos: Path, tmp_path: Path) -> None:
    save_photo(tmp_path / "more" / "coffee.png", "white")
    gallery = Gallery([photos, tmp_path / "more"])
    assert {"photos/coffee.png", "more/coffee.png", "rome"} <= set(names(gallery))
    assert gallery.find("more/coffee.png").path == tmp_path / "more" / "coffee.png"
    assert gallery.find("../more/coffee.png").path == tmp_path / "more" / "coffee.png"


def test_an_unknown_name_gets_a_suggestion_and_a_caret(photos: Path) -> None:
    calc = hash_calculator([photos])
    with pytest.raises(LanguageError) as error:
        calc('"tea" +\n  img(cofee)')
    assert (error.value.line, error.value.column) == (2, 3)
    assert error.value.hint == "Did you mean img(coffee)?"
    assert "^^^^^^^^^^" in str(error.value)
    with pytest.raises(LanguageError, match="There is no picture called 'zzzz'") as error:
        calc("img(zzzz)")
    assert "The gallery has" in error.value.hint


def test_nothing_outside_the_roots_is_opened(photos: Path, tmp_path: Path) -> None:
    (photos / "link.png").symlink_to(tmp_path / "secret.png")
    (photos / "out").symlink_to(tmp_path)
    (photos / "loop.png").symlink_to(photos / "loop.png")
    (photos / "inside.png").symlink_to(photos / "coffee.png")
    os.mkfifo(photos / "pipe.png")
    opened = _opened_files()
    calc = hash_calculator([photos, tmp_path / "photos" / "trips"])
    opened.clear()
    names = [
        "../secret.png", "trips/../../secret.png", str(tmp_path / "secret.png"), "link", "link.png",
        "out/secret.png", "../photos-private/diary.png", "photos-private/diary.png", "/etc/passwd",
        "/dev/zero", "/dev/stdin", "/proc/self/environ", "pipe", "pipe.png", "loop", "loop.png", "",
        ".", "..", "trips", "~/x.png", "~root", "a\0b", "x" * 5000, "a/" * 2000, "\ud800",
        "file:///etc/passwd", "http://localhost/x.png", "https://example.org/x.png", "ftp://a/b.png",
        "HTTP://localhost/x.png", "data:image/png;base64,AAAA", "DATA:,x", "s3://a/b", "//host/x",
        "..\\secret.png", "C:\\Windows\\win.ini", "%2e%2e/secret.png", "trips/./../../secret.png",
    ]  # fmt: skip
    for name in names:
        with pytest.raises(ZcalcError):
            _ = calc.img(name).vector
    with pytest.raises(ZcalcError, match="not one of JPEG"):
        _ = calc.img("notes.txt").vector
    assert calc.img("inside.png").norm > 0
    outside = [path for path in opened if not Path(path).resolve().is_relative_to(photos)]
    assert outside == []


def _opened_files() -> list[str]:
    """A list to which every file that Python opens from now on is appended."""
    opened: list[str] = []

    def hook(event: str, arguments: tuple) -> None:
        if event == "open" and isinstance(arguments[0], str):
            name = arguments[0]
            if not name.endswith((".py", ".pyc", ".so", ".txt", ".lark")) or "notes" in name:
                opened.append(name)

    sys.addaudithook(hook)
    return opened


def test_folders_that_cannot_be_galleries(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "readme.txt").write_text("nothing")
    (empty / ".hidden.png").write_bytes(b"x")
    with pytest.raises(ZcalcError, match="There are no pictures in"):
        Gallery([empty])
    with pytest.raises(ZcalcError, match="There is no folder"):
        Gallery([tmp_path / "missing"])
    with pytest.raises(ZcalcError, match="is not a folder"):
        Gallery([empty / "readme.txt"])


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + header + struct.pack(">I", 100) + b"IDAT" + bytes(100)


def bad_files(folder: Path) -> dict[str, bytes]:
    whole = save_photo(folder / "whole.png", "red", (300, 300)).read_bytes()
    noise = Image.effect_noise((300, 300), 80)
    noise.save(folder / "noise.jpg")
    jpeg = (folder / "noise.jpg").read_bytes()
    return {
        "empty.png": b"",
        "half.png": whole[: len(whole) // 2],
        "half.jpg": jpeg[: len(jpeg) // 2],
        "head.jpg": jpeg[:20],
        "bomb.png": png_header(60_000, 60_000),
        "huge.png": png_header(50_000, 50_000),
        "text.png": b"not a picture at all",
        "page.jpg": b"<html><script>alert(1)</script></html>",
        "post.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        "draw.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "zeros.tif": bytes(1000),
        "tail.gif": b"GIF89a" + bytes(10),
        "flip.png": whole[:60] + bytes(b ^ 255 for b in whole[60:90]) + whole[90:],
        "pickle.webp": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
    }


def test_an_unreadable_picture_has_a_reason(tmp_path: Path) -> None:
    for name, data in bad_files(tmp_path).items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ZcalcError, match=f"Can't read {name}: .{{3,}}"):
            open_picture(tmp_path / name)
    for name in ("bomb.png", "huge.png"):
        with pytest.raises(ZcalcError, match="more than"):
            open_picture(tmp_path / name)


def test_unusual_pictures_are_read(tmp_path: Path) -> None:
    Image.new("CMYK", (40, 20), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg")
    Image.new("I;16", (40, 20), 30_000).save(tmp_path / "deep.png")
    Image.new("P", (40, 20), 3).save(tmp_path / "palette.gif")
    Image.new("LA", (40, 20), (0, 0)).save(tmp_path / "clear.png")
    Image.new("1", (40, 20), 1).save(tmp_path / "bits.tif")
    frames = [Image.new("RGB", (40, 20), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "really_a_png.jpg", "PNG")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (40, 20), "red").save(tmp_path / "turned.jpg", exif=turned)
    for file in sorted(tmp_path.iterdir()):
        picture = open_picture(file)
        assert picture.mode == "RGB"
        assert picture.size == ((20, 40) if file.stem == "turned" else (40, 20)), file.name
    assert open_picture(tmp_path / "moving.gif").getpixel((5, 5)) == (255, 0, 0)
    assert open_picture(tmp_path / "clear.png").getpixel((5, 5)) == (255, 255, 255)


def test_pictures_are_read_whole_or_shrunk_to_be_shown(tmp_path: Path) -> None:
    for name in ("large.jpg", "large.png", "large.gif"):
        file = save_photo(tmp_path / name, "green", (1536, 768))
        assert open_picture(file).size == (1536, 768)
        assert open_picture(file, SHOWN).size == (1024, 512)
        assert Picture("large", file).open(SHOWN).size == (1024, 512)


def test_a_turned_picture_is_read_whole(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (1536, 768), "red").save(tmp_path / "turned.jpg", exif=exif)
    assert open_picture(tmp_path / "turned.jpg").size == (768, 1536)
    assert open_picture(tmp_path / "turned.jpg", SHOWN).size == (512, 1024)


def test_pictures_of_more_than_50_megapixels_are_shrunk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "MAX_PIXELS", 1_000_000)
    picture = open_picture(save_photo(tmp_path / "huge.png", "green", (4000, 1000)))
    assert picture.size == (2000, 500)


def test_one_bad_picture_does_not_stop_a_gallery(photos: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"not a picture")
    calc = hash_calculator([photos])
    assert {hit.name for hit in calc('"tea"').nearest(10)} >= {"coffee", "rome"}
    assert [Path(s.path).name for s in calc.skipped] == ["broken.jpg"]
    with pytest.raises(LanguageError, match=r"Can't read broken\.jpg") as error:
        calc('"tea" + img(broken)')
    assert error.value.column == 9
