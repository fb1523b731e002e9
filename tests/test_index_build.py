"""Building an index: sources, incremental updates, bad pictures, interrupts."""

import io
import json
import os
import random
import signal
import struct
import subprocess
import sys
import tarfile
import threading
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest
from helpers import HashEncoder, hash_calculator, save_photo
from PIL import Image
from pyarrow import csv, parquet

from zcalc.errors import ZcalcError
from zcalc.index import Index, Settings, engine_of, source_of, update
from zcalc.index.engine import encode_locally
from zcalc.pictures import open_picture

SOAK = bool(os.environ.get("ZCALC_SOAK"))
COLOURS = ("red", "green", "blue", "white", "orange")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for colour in COLOURS:
        save_photo(tmp_path / "photos" / f"{colour}.png", colour)
    return tmp_path / "photos"


def png(colour: Any, size: tuple[int, int] = (24, 16)) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, colour).save(data, "PNG")
    return data.getvalue()


def test_only_new_contents_are_encoded(photos: Path, tmp_path: Path) -> None:
    encoder, folder = HashEncoder(), tmp_path / "p.zidx"
    _, report = update(source_of([photos]), encoder, folder)
    assert (report.added, encoder.batches) == (5, [("images", 4), ("images", 1)])
    (photos / "red.png").rename(photos / "scarlet.png")  # moved
    os.utime(photos / "green.png")  # touched
    save_photo(photos / "blue.png", "navy")  # changed
    save_photo(photos / "pink.png", "pink")  # new
    (photos / "pink again.png").write_bytes(
        (photos / "pink.png").read_bytes()
    )  # copy of a new picture
    (photos / "green too.png").write_bytes(
        (photos / "green.png").read_bytes()
    )  # copy of an old one
    (photos / "white.png").unlink()
    (photos / "bad.png").write_bytes(b"not a picture")
    again, report = update(source_of([photos]), encoder, folder)
    assert encoder.batches[2:] == [("images", 2)]
    counts = (report.added, report.updated, report.moved, report.removed, report.unchanged)
    assert counts == (3, 1, 1, 1, 2) and report.encoded == 2
    assert [Path(s.path).name for s in report.skipped] == ["bad.png"]
    names = [entry.name for entry in again.entries]
    assert names == ["green", "orange", "scarlet", "blue", "green too", "pink", "pink again"]
    fresh, _ = update(source_of([photos]), HashEncoder())
    rows = dict(zip(fresh.paths, np.asarray(fresh.vectors), strict=True))
    for path, row in zip(again.paths, np.asarray(again.vectors), strict=True):
        np.testing.assert_array_equal(row, rows[path])


def test_an_update_without_changes_opens_and_writes_nothing(photos: Path, tmp_path: Path) -> None:
    folder, encoder = tmp_path / "p.zidx", HashEncoder()
    (photos / "bad.png").write_bytes(b"not a picture")
    first, _ = update(source_of([photos]), encoder, folder)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    with opened_files() as opened:
        second, report = update(source_of([photos]), encoder, folder)
    assert (report.unchanged, report.added, len(report.skipped)) == (5, 0, 1)
    assert not [path for path in opened if path.startswith(str(photos)) and path.endswith("png")]
    assert any(path.startswith(str(folder)) for path in opened)
    assert before == {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert second.entries == first.entries and len(encoder.batches) == 2


class opened_files(list[str]):
    """The files opened in the context, recorded by an audit hook."""

    _active: ClassVar[list[Any]] = []

    def __enter__(self) -> "opened_files":
        if not opened_files._active:
            sys.addaudithook(opened_files._record)
        opened_files._active.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._active[-1] = opened_files()

    @staticmethod
    def _record(event: str, arguments: tuple) -> None:
        if event == "open" and opened_files._active:
            opened_files._active[-1].append(os.fsdecode(arguments[0]) if isinstance(
                arguments[0], str | bytes | os.PathLike) else "")  # fmt: skip


def shard(file: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(file, "w") as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return file


def test_tar_shards_with_metadata(tmp_path: Path) -> None:
    members = {
        "a/0001.jpg": png("red"), "a/0001.json": b'{"year": 2011, "by": "Ann", "size": 3}',
        "a/0001.txt": b"a red thing\n", "a/0002.json": b'{"year": 1999.5, "tags": ["x", "y"]}',
        "a/0002.seg.png": png("blue"), "a/0003.png": b"broken", "a/0004.webp": png("white"),
        "a/0004.json": b"not json", "a/readme.md": b"text",
    }  # fmt: skip
    (tmp_path / "shards").mkdir()
    file = shard(tmp_path / "shards/00007.tar", members)
    encoder, folder = HashEncoder(), tmp_path / "p.zidx"
    index, report = update(source_of([tmp_path / "shards"]), encoder, folder)
    assert [entry.name for entry in index.entries] == [
        "00007/a/0001",
        "00007/a/0002",
        "00007/a/0004",
    ]
    assert index.paths[1] == f"{file}!a/0002.seg.png" and index.roots == (str(file.parent),)
    assert [Path(s.path).name for s in report.skipped] == ["0003.png"]
    assert index.metadata(0) == {"year": 2011.0, "by": "Ann", "size_": 3, "caption": "a red thing"}
    assert index.metadata(1) == {"year": 1999.5, "tags": ["x", "y"]} and index.metadata(2) == {}
    assert index.fields == ["year", "by", "size_", "caption", "tags"]
    assert open_picture(Path(index.paths[1])).getpixel((3, 3)) == (0, 0, 255)
    _, report = update(source_of([file]), encoder, folder)
    assert (report.unchanged, report.encoded, len(report.skipped)) == (3, 0, 1)
    calc = hash_calculator(index=folder)
    assert calc('img("00007/a/0002")').nearest(1)[0].name != "00007/a/0002"


def test_a_folder_of_pictures_and_shards(photos: Path, tmp_path: Path) -> None:
    shard(photos / "more.tar", {"x.png": png("pink"), "y.png": png("gold")})
    (photos / "torn.tar").write_bytes((photos / "more.tar").read_bytes()[:700])
    (photos / "no.tar").write_bytes(b"not a tar file" * 100)
    index, report = update(source_of([photos]), HashEncoder(), tmp_path / "p.zidx")
    assert {"red", "more/x", "more/y"} <= {entry.name for entry in index.entries}
    reasons = {Path(s.path).name: s.reason for s in report.skipped}
    assert "tar can't be read" in reasons["no.tar"]
    assert len(reasons) == 2 and any("torn" in name for name in reasons)


@pytest.mark.parametrize("kind", ["csv", "tsv", "parquet"])
def test_tables_of_paths(photos: Path, tmp_path: Path, kind: str) -> None:
    table = pa.table(
        {
            "year": [2001, 2012, None, 2020, 2021],
            "File": ["photos/red.png", str(photos / "green.png"), "photos/missing.png",
                     "photos/../photos/blue.png", ""],
            "title": ["Röd", "", "x", "=1+1", None],
        }
    )  # fmt: skip
    file = tmp_path / f"list.{kind}"
    if kind == "parquet":
        parquet.write_table(table, file)
    else:
        delimiter = "\t" if kind == "tsv" else ","
        csv.write_csv(table, file, csv.WriteOptions(delimiter=delimiter))
    encoder, folder = HashEncoder(), tmp_path / "p.zidx"
    index, report = update(source_of([file]), encoder, folder)
    assert [entry.name for entry in index.entries] == ["red", "green", "blue"]
    assert index.paths[2] == str(photos / "blue.png") and index.roots == (str(photos),)
    assert index.table["year"].to_pylist() == [2001, 2012, 2020]
    assert index.metadata(0) == {"year": 2001, "title": "Röd"}
    assert [s.reason for s in report.skipped] == ["No such file or directory", "its path is empty"]
    changed = table.set_column(0, "year", pa.array([1901, 2012, None, 2020, 2021]))
    parquet.write_table(changed, tmp_path / "list.parquet")
    index, report = update(source_of([tmp_path / "list.parquet"]), encoder, folder)
    assert index.metadata(0)["year"] == 1901 and report.encoded == 0 and report.unchanged == 3


def test_tables_without_a_column_of_paths(tmp_path: Path, photos: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\nphotos/red.png,2\n")
    with pytest.raises(ZcalcError, match="has no column of paths; its columns are x, y") as error:
        source_of([tmp_path / "a.csv"])
    assert "--column" in error.value.hint
    with pytest.raises(ZcalcError, match="has no column 'z'; its columns are x, y"):
        source_of([tmp_path / "a.csv"], "z")
    index, _ = update(source_of([tmp_path / "a.csv"], "x"), HashEncoder())
    assert index.paths == [str(photos / "red.png")] and index.metadata(0) == {"y": 2}
    (tmp_path / "b.parquet").write_bytes(b"not a Parquet file")
    with pytest.raises(ZcalcError, match="Can't read"):
        source_of([tmp_path / "b.parquet"])


def test_a_picture_from_the_far_future_is_indexed_like_any_other(
    photos: Path, tmp_path: Path
) -> None:
    year_2400 = 13_569_465_600  # seconds
    os.utime(photos / "green.png", (year_2400, year_2400))
    index, _ = update(source_of([photos]), HashEncoder(), tmp_path / "p.zidx")
    assert "green" in {entry.name for entry in index.entries}
    _, report = update(source_of([photos]), HashEncoder(), tmp_path / "p.zidx")
    assert (report.unchanged, report.encoded) == (len(index), 0)


def test_several_sources_in_one_index(photos: Path, tmp_path: Path) -> None:
    other = save_photo(tmp_path / "other/rome.jpg", "gold").parent
    file = shard(tmp_path / "s.tar", {"x.png": png("pink")})
    index, _ = update(source_of([photos, other, file]), HashEncoder(), tmp_path / "p.zidx")
    assert len(index) == 7 and index.roots == (str(photos), str(other), str(tmp_path))
    with pytest.raises(ZcalcError, match="There is no folder"):
        source_of([tmp_path / "gone"])
    with pytest.raises(ZcalcError, match="is not a folder"):
        source_of([photos / "red.png"])


def bad_pictures(folder: Path, count: int) -> set[str]:
    """Unreadable picture files of all kinds."""
    rng = random.Random(0)
    header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (60_000).to_bytes(4, "big") * 2 + b"\x08\2\0\0\0"
    whole = png("red", (400, 300))
    jpeg = io.BytesIO()
    Image.effect_noise((200, 200), 90).convert("RGB").save(jpeg, "JPEG")
    page = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"
    cut = len(jpeg.getvalue()) // 2
    files = {
        "empty.jpg": b"", "bomb.png": header + bytes(4), "text.png": b"just words",
        "zeros.tif": bytes(999), "page.jpg": b"<html><script>", "post.eps": page,
        "draw.svg": b"<svg/>", "tail.gif": b"GIF89a" + bytes(10),
        "pickle.webp": b"\x80\x04cos\nsystem\n.", "half.png": whole[: len(whole) // 2],
        "half.jpg": jpeg.getvalue()[:cut],
    }  # fmt: skip
    for i in range(count - len(files)):
        kind = rng.choice(["cut", "noise", "head"])
        data = bytearray(rng.choice([whole, jpeg.getvalue()]))
        if kind == "cut":
            data = data[: rng.randrange(1, len(data) - 40)]
        elif kind == "noise":
            data[:40] = rng.randbytes(40)
        else:
            data = bytearray(rng.randbytes(rng.randrange(1, 3000)))
        files[f"bad{i}.{rng.choice(['jpg', 'png', 'webp', 'bmp', 'tiff', 'avif'])}"] = bytes(data)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return set(files)


def png_of(width: int, height: int) -> bytes:
    """The header of a PNG of this size, and no pixels."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + header + struct.pack(">I", 100) + b"IDAT" + bytes(104)


def test_bad_pictures_are_skipped_with_a_reason(photos: Path, tmp_path: Path) -> None:
    bad = bad_pictures(photos, 500 if SOAK else 30)
    (photos / "black.png").write_bytes(png_of(100_000, 100_000))  # 10,000 MP
    Image.new("CMYK", (40, 20), (0, 255, 255, 0)).save(photos / "cmyk.jpg")
    Image.new("I;16", (40, 20), 30_000).save(photos / "deep.png")
    frames = [Image.new("RGB", (40, 20), colour) for colour in ("red", "blue")]
    frames[0].save(photos / "moving.gif", save_all=True, append_images=frames[1:])
    Image.new("RGB", (40, 20), "teal").save(photos / "really_a_png.jpg", "PNG")
    os.mkfifo(photos / "pipe.jpg")
    (photos / "folder.jpg").mkdir()
    (photos / "loop").symlink_to(photos)
    (photos / "loop.jpg").symlink_to(photos / "loop.jpg")
    (photos / "outside.jpg").symlink_to(save_photo(tmp_path / "outside.jpg", "gray"))
    index, report = update(source_of([photos]), HashEncoder(), tmp_path / "p.zidx")
    skipped = {Path(s.path).name: s.reason for s in report.skipped}
    assert set(skipped) == bad | {"black.png", "pipe.jpg", "loop.jpg", "outside.jpg"}
    assert all(len(reason) > 5 for reason in skipped.values())
    assert "pixels" in skipped["black.png"] and "not a regular file" in skipped["pipe.jpg"]
    assert len(index) == 5 + 4 and {"cmyk", "deep", "moving"} <= {e.name for e in index.entries}
    assert [e.skipped for e in index.skipped] == [s.reason for s in report.skipped]


def test_a_folder_of_bad_pictures_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p/bad.png").write_bytes(b"")
    (tmp_path / "p/worse.jpg").write_bytes(b"x")
    with pytest.raises(ZcalcError, match="None of the 2 pictures can be read; bad: the file is em"):
        update(source_of([tmp_path / "p"]), HashEncoder(), tmp_path / "new.zidx")
    assert not (tmp_path / "new.zidx").exists()
    (tmp_path / "none").mkdir()
    with pytest.raises(ZcalcError, match="There are no pictures in"):
        update(source_of([tmp_path / "none"]), HashEncoder(), tmp_path / "new.zidx")
    assert not (tmp_path / "new.zidx").exists()


def test_hostile_names_are_harmless(photos: Path, tmp_path: Path) -> None:
    names = [
        "<img src=x onerror=alert(1)>.png", "a\nb.png", "-rf.png", "$(id).png", "\u202egnp.png",
        "x" * 200 + ".png", "é.png", "e\u0301.png", "a!b.png", "s.tar!x.png",
    ]  # fmt: skip
    for number, name in enumerate(names):
        save_photo(photos / name, (number * 20, 9, 9))  # type: ignore[arg-type]
    index, report = update(source_of([photos]), HashEncoder(), tmp_path / "p.zidx")
    again = Index.open(tmp_path / "p.zidx")
    assert {Path(entry.path).name for entry in again.entries} >= set(names) and not report.skipped
    assert all(entry.name.isprintable() for entry in again.entries)
    assert again.entries == index.entries and len({e.name for e in again.entries}) == len(again)
    for entry in again.entries:
        assert open_picture(Path(entry.path)).size == (48, 32)


class Interrupted(HashEncoder):
    """An encoder interrupted after some batches."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def encode(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        if len(self.batches) == self.after:
            raise KeyboardInterrupt
        return super().encode(inputs)


def test_an_interrupted_build_resumes(photos: Path, tmp_path: Path) -> None:
    for i in range(18):
        save_photo(photos / f"n{i}.png", (i * 12, 99, 255 - i * 12))  # type: ignore[arg-type]
    (photos / "bad.png").write_bytes(b"x")
    reference, _ = update(source_of([photos]), HashEncoder(), tmp_path / "reference.zidx")
    folder = tmp_path / "p.zidx"
    for after, journaled in ((3, 12), (0, 12), (1, 16)):
        with pytest.raises(KeyboardInterrupt):
            update(source_of([photos]), Interrupted(after), folder)
        (journal,) = folder.glob("journal-*")
        assert journal.stat().st_size == journaled * (32 + 16 + 4 * 64 + 4)
    with pytest.raises(ZcalcError, match="There is no index at") as error:
        Index.open(folder)
    assert "Its build was interrupted; resume it: zcalc index build" in error.value.hint
    with journal.open("ab") as torn:
        torn.write(b"an incomplete record")
    encoder = HashEncoder()
    index, report = update(source_of([photos]), encoder, folder)
    assert encoder.batches == [("images", 4), ("images", 3)] and report.encoded == 7
    assert index.entries == reference.entries and not list(folder.glob("journal-*"))
    for file in (tmp_path / "reference.zidx").iterdir():
        assert (folder / file.name).read_bytes() == file.read_bytes()


def test_a_damaged_journal_is_ignored_from_the_damage_on(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        update(source_of([photos]), Interrupted(1), tmp_path / "p.zidx")
    (journal,) = (tmp_path / "p.zidx").glob("journal-*")
    data = bytearray(journal.read_bytes())
    data[len(data) // 2] ^= 1  # in the third of four records
    journal.write_bytes(data)
    encoder = HashEncoder()
    index, _ = update(source_of([photos]), encoder, tmp_path / "p.zidx")
    assert encoder.batches == [("images", 3)]
    fresh, _ = update(source_of([photos]), HashEncoder())
    np.testing.assert_array_equal(np.asarray(index.vectors), np.asarray(fresh.vectors))


def test_decoding_runs_ahead_within_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(60):
        save_photo(tmp_path / f"p/{i:02}.png", (i * 4, 0, 0))  # type: ignore[arg-type]
    ready, peak, waits, lock = [0], [0], [0], threading.Lock()

    class CountingEncoder(HashEncoder):
        def prepare(self, picture: Image.Image) -> np.ndarray:
            with lock:
                ready[0] += 1
                peak[0] = max(peak[0], ready[0])
            return super().prepare(picture)

        def encode(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
            with lock:
                ready[0] -= len(inputs)
            for _ in range(200):  # meanwhile the next batch must become ready
                if ready[0] >= 4 or self.remaining <= 0:
                    break
                threading.Event().wait(0.01)
            else:
                waits[0] += 1
            self.remaining -= len(inputs)
            return super().encode(inputs)

        remaining = 52

    update(source_of([tmp_path / "p"]), CountingEncoder())
    assert waits[0] == 0 and 4 <= peak[0] <= 2 * 4 + 4 * max(2, os.cpu_count() or 1)


def test_float16_halves_the_size_and_keeps_the_scores(photos: Path, tmp_path: Path) -> None:
    full, _ = update(source_of([photos]), HashEncoder(), tmp_path / "a.zidx")
    half, _ = update(
        source_of([photos]), HashEncoder(), tmp_path / "b.zidx", Settings(dtype="float16")
    )
    assert half.vectors.dtype == np.float16 and half.vectors.nbytes * 2 == full.vectors.nbytes
    np.testing.assert_allclose(np.asarray(half.vectors), np.asarray(full.vectors), atol=1e-3)
    encoder = HashEncoder()
    save_photo(photos / "pink.png", "pink")
    more, _ = update(source_of([photos]), encoder, tmp_path / "b.zidx")  # dtype is kept
    assert more.vectors.dtype == np.float16 and encoder.batches == [("images", 1)]
    wide, _ = update(
        source_of([photos]), encoder, tmp_path / "b.zidx", Settings(dtype="float32", memory=10**9)
    )
    assert wide.vectors.dtype == np.float32 and len(encoder.batches) == 1
    assert Index.open(tmp_path / "b.zidx").memory == 10**9


def test_an_interrupt_on_the_command_line(tmp_path: Path) -> None:
    """Ctrl-C during a build prints a hint, and the next build resumes."""
    for i in range(400):
        save_photo(tmp_path / f"p/{i:03}.png", (i % 256, i // 2, 9), (300, 200))  # type: ignore[arg-type]
    code = (
        # A background job of a shell without job control inherits SIGINT ignored.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "import sys, time; sys.path.insert(0, sys.argv.pop(1))\n"
        "import helpers, zcalc.models.pair as pair\n"
        "class Slow(helpers.HashEncoder):\n"
        "    def encode(self, inputs):\n"
        "        print('.', file=sys.stderr, flush=True); time.sleep(0.4)\n"
        "        return super().encode(inputs)\n"
        "pair.Models.encoder = pair.Models.lazy_encoder = Slow()\n"
        "from zcalc.cli import main; main()\n"
    )
    arguments = ["index", "build", str(tmp_path / "p"), "-o", str(tmp_path / "p.zidx")]
    command = [sys.executable, "-c", code, str(Path(__file__).parent), *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr
        for _ in range(5):
            process.stderr.readline()
        process.send_signal(signal.SIGINT)
        stderr = process.stderr.read()
    assert process.returncode == 130 and "Traceback" not in stderr
    assert "Interrupted before the index was finished" in stderr
    assert "run the same command again" in stderr
    encoder = HashEncoder()
    update(source_of([tmp_path / "p"]), encoder, tmp_path / "p.zidx")
    assert 0 < sum(count for _, count in encoder.batches) <= 400 - 16


def test_a_gallery_is_indexed_in_memory_if_the_cache_is_not_writable(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ZCALC_CACHE", str(tmp_path / "file"))
    calc = hash_calculator([photos])
    assert len(calc('"tea"').nearest(9)) == 5 and calc.image_index.folder is None


def test_unknown_engines() -> None:
    assert engine_of("local") is encode_locally
    with pytest.raises(ZcalcError, match="Unknown engine 'spark'"):
        engine_of("spark")


def test_mixed_metadata_becomes_text_columns(tmp_path: Path) -> None:
    mixed: list[Any] = [1, "x", None, 2.5, [1], {"a": 1}, True, 2**80, "\ud800"]
    members = {}
    for i, value in enumerate(mixed):
        members[f"{i}.png"] = png((i * 20, 3, 3))
        members[f"{i}.json"] = json.dumps({"v": value, "_x": 1, "name": "n"}).encode()
    index, _ = update(
        source_of([shard(tmp_path / "s.tar", members)]), HashEncoder(), tmp_path / "x"
    )
    assert index.fields == ["v", "_x", "name_"]
    assert index.table["v"].to_pylist() == [
        "1", "x", None, "2.5", "[1]", '{"a": 1}', "True", str(2**80), "?"
    ]  # fmt: skip
