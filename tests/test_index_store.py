"""The index on disk: generations, damage, full disks, and foreign folders."""

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from helpers import HashEncoder, save_photo
from index_child import operation

from zcalc import storage
from zcalc.algebra import unit
from zcalc.errors import ZcalcError
from zcalc.index import (
    Entry,
    Index,
    IndexedGallery,
    Settings,
    open_index,
    restore,
    save,
    source_of,
    update,
)
from zcalc.index import store as stores
from zcalc.index import vectors as vectors_module
from zcalc.index.edit import remove
from zcalc.index.export import export
from zcalc.index.vectors import Part, Vectors, pack

SOAK = bool(os.environ.get("ZCALC_SOAK"))
COLOURS = ("red", "green", "blue", "white", "orange")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for colour in COLOURS:
        save_photo(tmp_path / "photos" / f"{colour}.png", colour)
    return tmp_path / "photos"


def build(photos: Path, to: Path) -> Index:
    return update(source_of([photos]), HashEncoder(), to)[0]


def random_index(n: int, dim: int = 12, seed: int = 0, model: str = "hash-1") -> Index:
    rng = np.random.default_rng(seed)
    rows = unit(rng.normal(size=(n, dim))).astype(np.float32)  # (n, d)
    entries = [Entry(f"p{i}", f"/p/{i}.jpg", i, i, f"{i:064x}") for i in range(n)]
    return Index.of(model, rows, entries)


def assert_same(a: Index, b: Index) -> None:
    assert (a.model, a.dim, a.roots) == (b.model, b.dim, b.roots)
    assert a.entries == b.entries and a.skipped == b.skipped
    np.testing.assert_array_equal(np.asarray(a.vectors), np.asarray(b.vectors))


def test_save_and_open(photos: Path, tmp_path: Path) -> None:
    index = build(photos, tmp_path / "p.zidx")
    again = Index.open(tmp_path / "p.zidx", "hash-1")
    assert_same(again, index)
    assert again.roots == (str(photos),) and len(again) == 5
    np.testing.assert_allclose(np.linalg.norm(np.asarray(again.vectors), axis=1), 1, atol=1e-6)
    assert again.table.column_names == ["name", "path", "size", "mtime_ns", "sha256"]
    np.testing.assert_allclose(again.mean, np.asarray(index.vectors).mean(axis=0), atol=1e-7)


def test_an_index_of_another_model_is_an_error_that_names_both(
    photos: Path, tmp_path: Path
) -> None:
    build(photos, tmp_path / "p.zidx")
    with pytest.raises(ZcalcError, match="built with hash-1, not with other-2"):
        Index.open(tmp_path / "p.zidx", "other-2")
    index = open_index(tmp_path / "p.zidx", memory="4GB")
    index.require_model("hash-1")
    with pytest.raises(ZcalcError, match=r"p\.zidx was built with hash-1, not with other-2"):
        index.require_model("other-2")
    gallery = IndexedGallery(index)
    assert gallery.index is index and index.memory == 4_000_000_000
    assert gallery.find("red").path == photos / "red.png" and len(gallery) == 5
    other = HashEncoder()
    other.identity = "other-2"
    replacing = Settings(replace=True)
    new, report = update(source_of([photos]), other, tmp_path / "p.zidx", replacing)
    assert new.model == "other-2" and (report.added, report.encoded) == (5, 5)
    assert Index.open(tmp_path / "p.zidx", previous=True).model == "hash-1"


def test_files_are_readable_with_standard_libraries(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    index = random_index(50)
    save(index, tmp_path / "p.zidx")
    (file,) = (tmp_path / "p.zidx").glob("vectors-*.safetensors")
    np.testing.assert_array_equal(load_file(file)["vectors"], np.asarray(index.vectors))
    (file,) = (tmp_path / "p.zidx").glob("table-*.arrow")
    assert pa.ipc.open_file(str(file)).read_all()["name"].to_pylist()[:2] == ["p0", "p1"]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_parts_read_as_one_array(tmp_path: Path, dtype: str) -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(5000, 33)).astype(dtype)  # rows cross block boundaries
    parts: list[Part | np.ndarray] = []
    for number, split in enumerate(np.split(rows, [1, 1800, 4000])):
        sha256, pieces = pack(split)
        file = tmp_path / f"{number}.safetensors"
        file.write_bytes(b"".join(map(bytes, pieces)))
        parts.append(Part(file, sha256, split.shape, split.dtype))
    live = [None, np.arange(0, 1799, 2), None, np.array([], np.int64)]
    expected = rows[np.r_[0, 1:1800:2, 1800:4000]]
    vectors = Vectors(parts, live)
    assert vectors.shape == (len(expected), 33) and vectors.dtype == dtype
    np.testing.assert_array_equal(np.asarray(vectors), expected.astype("f4"))
    np.testing.assert_array_equal(np.concatenate(list(vectors.chunks(700))), expected)
    sample = rng.integers(0, len(expected), 400)
    np.testing.assert_array_equal(vectors.take(sample), expected[sample].astype("f4"))


def damaged_copies(rng: np.random.Generator, data: bytes, count: int) -> list[bytes]:
    """Copies of a file with one bit flipped, truncated, or extended."""
    positions = rng.integers(0, len(data), count)
    bits = rng.integers(0, 8, count)
    flipped = [
        data[:at] + bytes([data[at] ^ (1 << int(bit))]) + data[at + 1 :]
        for at, bit in zip(positions, bits, strict=True)
    ]
    return [*flipped, *(data[:at] for at in positions[: count // 4]), data + b"\0", b""]


@pytest.mark.parametrize("eager", [True, False])
def test_flipped_bits_and_truncation_are_detected(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eager: bool
) -> None:
    folder = tmp_path / "p.zidx"
    (photos / "bad.png").write_bytes(b"no picture")
    build(photos, folder)
    if not eager:
        monkeypatch.setattr(stores, "EAGER_BYTES", 0)  # as in a large index
    rng = np.random.default_rng(0)
    files = [file for file in sorted(folder.iterdir()) if file.name != ".lock"]
    assert len(files) == 4  # manifest, vectors, table, skipped
    for file in files:
        original = file.read_bytes()
        for data in damaged_copies(rng, original, 500 if SOAK else 40):
            file.write_bytes(data)
            with pytest.raises(ZcalcError, match="damaged"):
                read_everything(Index.open(folder))
        file.write_bytes(original)
        assert len(Index.open(folder)) == 5
    for data in (b"", b"[]", b"null", b"{}", b"[" * 100_000, b"\xff", b'{"format": 3}'):
        (folder / "manifest.json").write_bytes(data)
        with pytest.raises(ZcalcError, match="damaged"):
            Index.open(folder)


def read_everything(index: Index) -> None:
    """Read whatever a query may read."""
    _ = index.entries, index.table, index.skipped
    index.vectors.take(np.arange(len(index)))
    index.check()


def test_a_flipped_bit_in_a_large_index_is_detected_before_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(random_index(6000, 64), tmp_path / "p.zidx")  # 24 blocks
    (file,) = (tmp_path / "p.zidx").glob("vectors-*")
    with file.open("r+b") as opened:
        opened.seek(-1000 * 256, os.SEEK_END)  # in row 5000
        byte = opened.read(1)
        opened.seek(-1, os.SEEK_CUR)
        opened.write(bytes([byte[0] ^ 1]))
    with pytest.raises(ZcalcError, match=f"damaged: {file.name} does not match its hash"):
        Index.open(tmp_path / "p.zidx")
    monkeypatch.setattr(stores, "EAGER_BYTES", 0)
    index = Index.open(tmp_path / "p.zidx")
    assert index.vectors.take([0, 100, 4000]).shape == (3, 64)
    for _ in range(2):
        with pytest.raises(ZcalcError, match="damaged"):
            index.vectors.take([5000])


def test_invalid_manifests_are_detected(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "p.zidx"
    build(photos, folder)
    valid = json.loads((folder / "manifest.json").read_text())
    del valid["checksum"]
    allowed = [("memory", 3), ("memory", -1), ("generation", 3)]
    allowed += [("caption_column", "../../etc/passwd")]  # the name of a column
    for key in valid:
        for value in (3, [3], {"file": "x"}, "../../etc/passwd", [{"vectors": 1}], -1):
            body = {**valid, key: value}
            body["checksum"] = storage.digest(json.dumps(body, sort_keys=True))
            (folder / "manifest.json").write_text(json.dumps(body))
            if (key, value) not in allowed:
                with pytest.raises(ZcalcError, match=r"damaged|newer zcalc|built with"):
                    Index.open(folder, "hash-1")


def test_files_of_another_index_are_detected(photos: Path, tmp_path: Path) -> None:
    build(photos, tmp_path / "one.zidx")
    save_photo(photos / "pink.png", "pink")
    build(photos, tmp_path / "two.zidx")
    for kind in ("vectors-*", "table-*"):
        (one,) = (tmp_path / "one.zidx").glob(kind)
        (two,) = (tmp_path / "two.zidx").glob(kind)
        original = one.read_bytes()
        one.write_bytes(two.read_bytes())
        with pytest.raises(ZcalcError, match="damaged"):
            Index.open(tmp_path / "one.zidx")
        one.write_bytes(original)
    Index.open(tmp_path / "one.zidx")


def test_a_damaged_index_suggests_restore_and_a_build_repairs_it(
    photos: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "p.zidx"
    first = build(photos, folder)
    save_photo(photos / "pink.png", "pink")
    second = build(photos, folder)
    (folder / "manifest.json").write_bytes(b"torn")
    with pytest.raises(ZcalcError, match="damaged: its manifest is not valid JSON") as error:
        Index.open(folder)
    assert f"zcalc index restore {folder}" in error.value.hint
    assert_same(Index.open(folder, previous=True), first)
    encoder = HashEncoder()
    repaired, report = update(source_of([photos]), encoder, folder)
    assert_same(repaired, second)
    assert (report.added, report.unchanged, report.encoded) == (1, 5, 1)
    assert_same(Index.open(folder), second)


def test_restoring_swaps_the_last_two_generations(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "p.zidx"
    first = build(photos, folder)
    with pytest.raises(ZcalcError, match="no previous generation"):
        restore(folder)
    save_photo(photos / "pink.png", "pink")
    second = build(photos, folder)
    assert_same(restore(folder), first)
    assert_same(Index.open(folder, previous=True), second)
    assert_same(restore(folder), second)


def test_a_newer_index_is_left_alone_and_an_older_one_is_rebuilt(
    photos: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "p.zidx"
    build(photos, folder)
    body = json.loads((folder / "manifest.json").read_text())
    for change, version in (({"version": 3}, "newer"), ({"format": "zcalc index 1"}, "older")):
        changed = {**body, **change}
        del changed["checksum"]
        changed["checksum"] = storage.digest(json.dumps(changed, sort_keys=True))
        (folder / "manifest.json").write_text(json.dumps(changed))
        with pytest.raises(ZcalcError, match=f"was written by an? {version} zcalc"):
            Index.open(folder)
        if version == "newer":
            with pytest.raises(ZcalcError, match="newer zcalc"):
                build(photos, folder)
            assert json.loads((folder / "manifest.json").read_text()) == changed
    assert len(build(photos, folder)) == 5


class Failing:
    """A system call that fails on its nth call."""

    def __init__(self, real: Callable, after: int, code: int) -> None:
        self.real, self.after, self.code, self.calls = real, after, code, 0

    def __call__(self, *arguments: object, **options: object) -> object:
        self.calls += 1
        if self.calls == self.after:
            if self.real is os.write:  # half of the data fits
                handle, data = arguments
                self.real(handle, bytes(data)[: len(bytes(data)) // 2])
            raise OSError(self.code, os.strerror(self.code))
        return self.real(*arguments, **options)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("call", ["write", "fsync", "replace", "open"])
def test_a_full_or_failing_disk_keeps_the_old_index(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    folder = tmp_path / "p.zidx"
    old = build(photos, folder)
    save_photo(photos / "pink.png", "pink")
    (photos / "bad.png").write_bytes(b"x")
    failures = 0
    for failing in range(1, 60):
        real = getattr(os, call)
        with monkeypatch.context() as context:
            context.setattr(storage.os, call, Failing(real, failing, code))
            try:
                new = build(photos, folder)
            except ZcalcError as error:
                assert os.strerror(code) in str(error) and "Can't write the index" in str(error)
                failures += 1
            else:
                break
        index = Index.open(folder)
        assert index.entries == old.entries or len(index) == 6  # the old one, or the new
        index.check()
        assert not list(folder.glob(".*.????????"))
    assert failures >= 4
    assert len(new) == 6 and Index.open(folder).entries == new.entries
    assert not list(folder.glob("journal-*"))


@pytest.mark.parametrize("call", ["write", "fsync", "replace", "unlink"])
@pytest.mark.parametrize("what", ["add", "remove", "compact", "import"])
def test_a_full_disk_while_adding_removing_compacting_and_importing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, call: str
) -> None:
    for name, colours in (("photos", ("red", "green", "blue")), ("more", ("white", "gold"))):
        for colour in colours:
            save_photo(tmp_path / name / f"{colour}.png", colour)
    export(build(tmp_path / "more", tmp_path / "other"), tmp_path / "export.parquet")
    sources = ["photos", "more"] if what in ("remove", "compact") else ["photos"]
    first = tmp_path / "first"
    update(source_of([tmp_path / name for name in sources]), HashEncoder(), first)
    if what == "compact":
        remove(first, ["red"])
    old, failures = Index.open(first).entries, 0
    for failing in range(1, 60):
        folder = tmp_path / "i"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(first, folder)
        with monkeypatch.context() as context:
            context.setattr(os, call, Failing(getattr(os, call), failing, errno.ENOSPC))
            try:
                operation(what, tmp_path, folder)
            except ZcalcError as error:
                assert "No space left" in str(error)
                failures += 1
            else:
                break
        index = Index.open(folder)
        index.check()
        assert index.entries == old or what != "compact"
        assert {entry.name for entry in index.entries} in (
            {entry.name for entry in old}, {"red", "green", "blue"},
            {"red", "green", "blue", "white", "gold"},
        )  # fmt: skip
        operation(what, tmp_path, folder) if index.entries == old else None
        assert len(Index.open(folder)) == {"add": 5, "import": 5, "remove": 3, "compact": 4}[what]
    assert failures >= (call != "unlink") * 2 + (call == "unlink" and what == "compact")


def test_a_reader_keeps_the_generation_it_opened(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "p.zidx"
    first = build(photos, folder)
    monkeypatch.setattr(stores, "EAGER_BYTES", 0)
    reader = Index.open(folder)  # nothing has been read yet
    for colour in ("pink", "gold", "gray"):
        save_photo(photos / f"{colour}.png", colour)
        (photos / "red.png").unlink(missing_ok=True)
        before = Index.open(folder).manifest.files()
        build(photos, folder)
        assert before <= {path.name for path in folder.iterdir()}
    assert_same(reader, first)
    assert len(list(folder.glob("table-*"))) <= 5


def test_opening_retries_if_the_generation_is_swept(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "p.zidx"
    build(photos, folder)
    real, times = stores._map, []

    def slow(*arguments: object) -> Index:
        if len(times) < 2:  # two other processes finish an update now
            times.append(0)
            for colour in ("pink", "gold") if len(times) == 1 else ("gray", "navy"):
                save_photo(photos / "red.png", colour)
                monkeypatch.setattr(stores, "_map", real)
                build(photos, folder)
                monkeypatch.setattr(stores, "_map", slow)
        return real(*arguments)

    monkeypatch.setattr(stores, "_map", slow)
    assert Index.open(folder).manifest.generation == 5


def test_foreign_folders_are_left_alone(photos: Path, tmp_path: Path) -> None:
    web = tmp_path / "web"
    web.mkdir()
    (web / "manifest.json").write_text('{"name": "A web page", "icons": []}')
    (tmp_path / "file").write_text("mine")
    for place in (photos, web, tmp_path / "file"):
        before = sorted(place.rglob("*")) if place.is_dir() else place.read_text()
        with pytest.raises(ZcalcError, match="is not an index; nothing was written"):
            build(photos, place)
        assert before == (sorted(place.rglob("*")) if place.is_dir() else place.read_text())
        with pytest.raises(ZcalcError, match=r"no index|not an index|damaged"):
            Index.open(place)
    folder = tmp_path / "p.zidx"
    build(photos, folder)
    (folder / "notes.txt").write_text("mine")
    save_photo(photos / "pink.png", "pink")
    assert len(build(photos, folder)) == 6 and (folder / "notes.txt").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write anywhere")
def test_a_read_only_folder(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "p.zidx"
    index = build(photos, folder)
    folder.chmod(0o500)
    assert_same(Index.open(folder), index)
    save_photo(photos / "pink.png", "pink")
    with pytest.raises(ZcalcError, match="Can't write the index"):
        build(photos, folder)
    folder.chmod(0o700)


def test_unchanged_parts_are_not_rewritten(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors_module, "PART_ROWS", 8)
    folder, encoder = tmp_path / "p.zidx", HashEncoder()
    for i in range(30):
        save_photo(photos / f"n{i:02}.png", (i * 8, 255 - i * 8, i * 3))  # type: ignore[arg-type]
    first, _ = update(source_of([photos]), encoder, folder)
    assert [part.count for part in first.manifest.parts] == [8, 8, 8, 8, 3]
    old_parts = {part.vectors for part in first.manifest.parts}
    (photos / "n00.png").unlink()  # one dead row: the part is kept
    for name in [entry.name for entry in first.entries[16:20]]:  # half a part: rewritten
        (photos / f"{name}.png").unlink()
    save_photo(photos / "zz.png", "pink")
    second, report = update(source_of([photos]), encoder, folder)
    assert (report.removed, report.added, report.encoded) == (5, 1, 1)
    parts = second.manifest.parts
    assert [p.rows for p in parts] == [8, 8, 4, 8, 3, 1] and parts[0].count == 7
    assert len(old_parts & {part.vectors for part in parts}) == 4
    fresh, _ = update(source_of([photos]), HashEncoder())
    rows = dict(zip(fresh.paths, np.asarray(fresh.vectors), strict=True))
    assert sorted(second.paths) == sorted(fresh.paths)
    for path, row in zip(second.paths, np.asarray(second.vectors), strict=True):
        np.testing.assert_array_equal(row, rows[path])


def test_names_that_are_not_unicode_survive(photos: Path, tmp_path: Path) -> None:
    raw = os.fsdecode(os.fsencode(photos) + b"/caf\xe9.png")
    try:
        os.rename(photos / "red.png", raw)
    except OSError:
        pytest.skip("the file system only allows UTF-8")
    index = build(photos, tmp_path / "p.zidx")
    again = Index.open(tmp_path / "p.zidx")
    assert raw in [entry.path for entry in again.entries] and again.entries == index.entries
    assert Path(raw) in again.paths_by_name.values()
    assert "caf\ufffd.png" in "".join(again.table["path"].to_pylist())
    encoder = HashEncoder()
    _, report = update(source_of([photos]), encoder, tmp_path / "p.zidx")
    assert report.unchanged == 5 and encoder.batches == []


def test_paths_by_name(photos: Path, tmp_path: Path) -> None:
    paths = build(photos, tmp_path / "p.zidx").paths_by_name
    assert paths["red"] == photos / "red.png" and len(paths) == 5
    assert "purple" not in paths and "\udc80" not in paths
    assert set(paths) == set(COLOURS)
