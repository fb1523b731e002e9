"""Camera rolls: HEIC, JPEG XL, RAW, videos and huge pictures, with and without their packages."""

import io
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import HashEncoder, save_photo
from PIL import Image, ImageDraw
from test_index_metadata import camera_jpeg

from zcalc import formats, pictures
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery
from zcalc.index import Index, Report, Settings, source_of, update
from zcalc.index.hits import Hit
from zcalc.index.written import read as read_written
from zcalc.pictures import decode, open_picture
from zcalc.videos import key_frames, read_frame

COLOURS = ((220, 30, 30), (30, 200, 40), (40, 60, 220))


def near(picture: Image.Image, colour: tuple[int, int, int]) -> bool:
    pixel = picture.resize((1, 1)).getpixel((0, 0))
    return max(abs(a - b) for a, b in zip(pixel, colour, strict=True)) < 25  # type: ignore[arg-type]


def build(source: Path, folder: Path, **settings: Any) -> tuple[Index, Report]:
    return update(source_of([source]), HashEncoder(), folder, Settings(**settings))


def heic(path: Path, **options: Any) -> Path:
    import pillow_heif

    pillow_heif.register_heif_opener()
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 48), COLOURS[0]).save(path, "HEIF", **options)
    return path


def video(path: Path) -> Path:
    """Six seconds in three colours, a key frame a second."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.gop_size, stream.codec_context.time_base = 10, Fraction(1, 10)
        for number in range(60):
            frame = av.VideoFrame.from_image(Image.new("RGB", (64, 48), COLOURS[number // 20]))
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def dng(path: Path) -> Path:
    """A DNG of a grey field, with a red preview in JPEG, as cameras write it."""
    out = io.BytesIO()
    Image.new("RGB", (160, 120), COLOURS[0]).save(out, "JPEG")
    preview, width, height = out.getvalue(), 64, 64
    raw = np.full((height, width), 900, "<u2").tobytes()
    data = bytearray(b"II*\0" + struct.pack("<I", 8))

    def ifd(entries: list[tuple[int, int, int, bytes]], start: int, following: int) -> bytes:
        body, extra = struct.pack("<H", len(entries)), b""
        after = start + 2 + 12 * len(entries) + 4
        for tag, kind, count, value in sorted(entries):
            if len(value) <= 4:
                field = value.ljust(4, b"\0")
            else:
                field, extra = struct.pack("<I", after + len(extra)), extra + value
            body += struct.pack("<HHI", tag, kind, count) + field
        return body + struct.pack("<I", following) + extra

    def long(value: int) -> bytes:
        return struct.pack("<I", value)

    def short(*values: int) -> bytes:
        return struct.pack(f"<{len(values)}H", *values)

    def entries(raw_at: int, sub_at: int, preview_at: int) -> tuple[list, list]:
        main = [
            (254, 4, 1, long(1)), (256, 4, 1, long(160)), (257, 4, 1, long(120)),
            (258, 3, 3, short(8, 8, 8)), (259, 3, 1, short(7)), (262, 3, 1, short(6)),
            (271, 2, 5, b"Acme\0"), (272, 2, 7, b"Snap 7\0"), (273, 4, 1, long(preview_at)),
            (274, 3, 1, short(1)), (277, 3, 1, short(3)), (278, 4, 1, long(120)),
            (279, 4, 1, long(len(preview))), (330, 4, 1, long(sub_at)),
            (50706, 1, 4, bytes((1, 4, 0, 0))), (50708, 2, 7, b"Snap 7\0"),
            (50721, 10, 9, b"".join(struct.pack("<ii", int(i % 4 == 0), 1) for i in range(9))),
        ]  # fmt: skip
        sub = [
            (254, 4, 1, long(0)), (256, 4, 1, long(width)), (257, 4, 1, long(height)),
            (258, 3, 1, short(16)), (259, 3, 1, short(1)), (262, 3, 1, short(32803)),
            (273, 4, 1, long(raw_at)), (277, 3, 1, short(1)), (278, 4, 1, long(height)),
            (279, 4, 1, long(len(raw))), (33421, 3, 2, short(2, 2)),
            (33422, 1, 4, bytes((0, 1, 1, 2))), (50714, 3, 1, short(0)),
            (50717, 4, 1, long(4095)),
        ]  # fmt: skip
        return main, sub

    main, sub = entries(0, 0, 0)
    sub_at = 8 + len(ifd(main, 8, 0))
    preview_at = sub_at + len(ifd(sub, sub_at, 0))
    raw_at = preview_at + len(preview)
    main, sub = entries(raw_at, sub_at, preview_at)
    data += ifd(main, 8, 0) + ifd(sub, sub_at, 0) + preview + raw
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(data))
    return path


def test_heic_jpeg_xl_and_raw_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    camera = Image.open(camera_jpeg(tmp_path / "c.jpg"))
    heic(folder / "phone.heic", exif=camera.info["exif"])
    import pillow_jxl  # noqa: F401

    Image.new("RGB", (64, 48), COLOURS[1]).save(folder / "new.jxl")
    dng(folder / "raw.dng")
    index, report = build(folder, tmp_path / "i")
    assert not report.skipped and sorted(e.name for e in index.entries) == ["new", "phone", "raw"]
    assert near(open_picture(folder / "phone.heic"), COLOURS[0])
    assert near(open_picture(folder / "new.jxl"), COLOURS[1])
    assert near(open_picture(folder / "raw.dng"), COLOURS[0])  # its preview
    fields = {index.entry(row).name: index.metadata(row) for row in range(3)}
    assert fields["phone"]["camera"] == "X100V" and fields["phone"]["iso"] == 400
    assert fields["raw"]["camera"] == "Snap 7"


def test_videos_are_their_key_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = video(tmp_path / "p" / "clip.mp4")
    assert key_frames(file) == [0.0, 2.0, 4.0]  # a second apart is too near
    index, report = build(tmp_path / "p", tmp_path / "i")
    assert [e.name for e in index.entries] == [f"clip.mp4#t={t}" for t in (0, 2, 4)]
    assert index.paths[1] == f"{file}#t=2" and report.added == 3
    for path, colour in zip(index.paths, COLOURS, strict=True):
        assert near(open_picture(Path(path)), colour)
        thumbnail = Hit("x", path, 1.0).thumbnail()
        assert thumbnail is not None and near(thumbnail, colour)
    assert near(Gallery([tmp_path / "p"]).find("clip.mp4").open(), COLOURS[0])
    with monkeypatch.context() as patch:  # an unchanged video is not opened
        patch.setattr("zcalc.index.footage.key_frames", None)
        assert build(tmp_path / "p", tmp_path / "i")[1].unchanged == 3
    file.write_bytes(file.read_bytes()[:500])
    save_photo(tmp_path / "p" / "red.png", "red")
    _, report = build(tmp_path / "p", tmp_path / "i")
    assert "not a video" in report.skipped[0].reason and report.removed == 3
    with pytest.raises(OSError, match="not a video"):
        read_frame(file, 1.0)


def test_without_their_packages_such_files_are_counted_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "p"
    save_photo(folder / "red.png", "red")
    heic(folder / "a.heic")
    heic(folder / "b.HEIC")
    video(folder / "clip.mp4")
    with monkeypatch.context() as patch:
        patch.setattr(formats, "_is_installed", lambda package: False)
        index, report = build(folder, tmp_path / "i")
        assert len(index) == 1 and len(report.skipped) == 3
        assert {s.reason for s in report.skipped} == {
            "HEIC needs another package: pip install 'zcalc[camera]'",
            "video needs another package: pip install 'zcalc[camera]'",
        }
        with pytest.raises(ZcalcError, match=r"zcalc\[camera\]"):
            open_picture(folder / "a.heic")
    index, report = build(folder, tmp_path / "i")  # now they are installed
    assert len(index) == 6 and not report.skipped


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_huge_pictures_are_shrunk_while_they_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    picture = Image.new("RGB", (3000, 1500), COLOURS[2])
    picture.save(tmp_path / f"wide.{suffix}")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000_000)  # Pillow refuses twice as many
    monkeypatch.setattr(pictures, "_HUGE_SIZE", (400, 400))
    shrunk = open_picture(tmp_path / f"wide.{suffix}")
    assert shrunk.size == (400, 200) and near(shrunk, COLOURS[2])
    monkeypatch.setattr(formats, "MAX_HUGE", 4_000_000)
    with pytest.raises(ZcalcError, match="more than 4,000,000 pixels"):
        open_picture(tmp_path / f"wide.{suffix}")
    monkeypatch.setattr(formats, "_is_installed", lambda package: False)
    with pytest.raises(ZcalcError, match=r"pixels; pip install 'zcalc\[camera\]'"):
        open_picture(tmp_path / f"wide.{suffix}")


@pytest.mark.heavy
def test_a_picture_of_400_megapixels_takes_bounded_memory(tmp_path: Path) -> None:
    import subprocess
    import sys

    Image.new("L", (20_000, 20_000), 90).save(tmp_path / "black.png")
    code = (
        "import sys; from pathlib import Path; from zcalc.pictures import open_picture\n"
        "picture = open_picture(Path(sys.argv[1]))\n"
        "peak = Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]\n"
        "print(picture.size, int(peak) >> 10)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "black.png")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("(7000, 7000)")
    assert int(done.stdout.split()[-1]) < 700  # MB; the pixels alone are 1,200


def test_words_in_pictures_are_found(tmp_path: Path) -> None:
    from PIL import ImageFont

    sign = Image.new("RGB", (480, 160), "white")
    ImageDraw.Draw(sign).text((30, 50), "BAKER STREET", "black", ImageFont.load_default(48))
    (tmp_path / "p").mkdir()
    sign.save(tmp_path / "p" / "sign.png")
    save_photo(tmp_path / "p" / "plain.png", "red")
    index, _ = build(tmp_path / "p", tmp_path / "i")
    assert "text" not in index.fields
    index, report = build(tmp_path / "p", tmp_path / "i", ocr=True)
    found = {index.entry(row).name: index.metadata(row) for row in range(2)}
    assert "BAKER" in found["sign"]["text"].upper().replace(" ", "") and found["plain"] == {}
    assert report.unchanged == 2 and report.encoded == 0
    again, _ = build(tmp_path / "p", tmp_path / "i")  # the index remembers
    assert again.manifest == index.manifest


def test_metadata_of_every_kind_is_read_without_decoding_it(tmp_path: Path) -> None:
    assert read_written(dng(tmp_path / "a.dng").read_bytes(), ".dng") == {"camera": "Snap 7"}
    with pytest.raises(Exception, match="not a RAW"):
        decode(b"II*\0" + bytes(99), suffix=".nef")
