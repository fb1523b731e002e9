"""The index: searching, updating, and refusing what is not whole."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from helpers import HashEncoder, save_photo

from zcalc import storage
from zcalc.algebra import unit
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery
from zcalc.index import Entry, Index, update

COLOURS = ("red", "green", "blue", "white", "orange")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for colour in COLOURS:
        save_photo(tmp_path / "photos" / f"{colour}.png", colour)
    return tmp_path / "photos"


def made(photos: Path, to: Path) -> Index:
    index, _ = update(Gallery([photos]), HashEncoder())
    index.save(to)
    return index


def test_search_equals_brute_force() -> None:
    random = np.random.default_rng(0)
    for n in (1, 2, 7, 50):
        rows = unit(random.normal(size=(n, 12))).astype(np.float32)  # (n, d)
        entries = tuple(Entry(str(i), f"/{i}", 1, 1, str(i)) for i in range(n))
        index = Index("hash-1", (), entries, rows)
        for _ in range(10):
            target = unit(random.normal(size=12)).astype(np.float32)  # (d,)
            scores = rows @ target  # (n,)
            order = np.argsort(-scores)[:5]
            found = index.search(target, 5)
            assert [entry.name for entry, _ in found] == [str(i) for i in order]
            np.testing.assert_allclose([s for _, s in found], scores[order], atol=1e-5)
    assert index.search(target, 0) == []


def test_saved_and_opened_again(photos: Path, tmp_path: Path) -> None:
    index = made(photos, tmp_path / "p.zidx")
    again = Index.open(tmp_path / "p.zidx", "hash-1")
    assert again.entries == index.entries and again.roots == (str(photos),)
    assert np.array_equal(again.vectors, index.vectors)
    np.testing.assert_allclose(np.linalg.norm(again.vectors, axis=1), 1, atol=1e-6)


def test_only_what_is_new_is_encoded(photos: Path) -> None:
    encoder = HashEncoder()
    index, report = update(Gallery([photos]), encoder)
    assert (report.added, encoder.batches) == (5, [("images", 5)])
    (photos / "red.png").rename(photos / "scarlet.png")  # moved: content is known
    os.utime(photos / "green.png")  # touched: content is known
    save_photo(photos / "blue.png", "navy")  # changed
    save_photo(photos / "pink.png", "pink")  # new
    (photos / "white.png").unlink()
    (photos / "bad.png").write_bytes(b"no picture")
    again, report = update(Gallery([photos]), encoder, index)
    assert encoder.batches[1:] == [("images", 2)]
    assert (report.added, report.updated, report.removed, report.unchanged) == (2, 1, 2, 2)
    assert [Path(s.path).name for s in report.skipped] == ["bad.png"]
    assert [e.name for e in again.entries] == ["blue", "green", "orange", "pink", "scarlet"]
    last, report = update(Gallery([photos]), encoder, again)
    assert last.entries == again.entries and last.skipped == again.skipped
    assert (report.unchanged, encoder.batches[2:]) == (5, [("images", 0)])
    np.testing.assert_array_equal(last.vectors, update(Gallery([photos]), HashEncoder())[0].vectors)


def test_another_models_index_is_refused_and_not_reused(photos: Path, tmp_path: Path) -> None:
    index = made(photos, tmp_path / "p.zidx")
    with pytest.raises(ZcalcError, match="made with hash-1, not with other-2"):
        Index.open(tmp_path / "p.zidx", "other-2")
    other = HashEncoder()
    other.identity = "other-2"
    new, report = update(Gallery([photos]), other, index)
    assert new.model == "other-2" and report.added == 5


def test_every_flipped_byte_and_truncation_is_refused(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "p.zidx"
    made(photos, folder)
    random = np.random.default_rng(0)
    for file in sorted(folder.iterdir()):
        whole = file.read_bytes()
        for at in random.integers(0, len(whole), 60):
            file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            with pytest.raises(ZcalcError, match="damaged"):
                Index.open(folder)
            file.write_bytes(whole[:at])
            with pytest.raises(ZcalcError, match="damaged"):
                Index.open(folder)
        file.write_bytes(whole)
        assert len(Index.open(folder).entries) == 5
    for data in (b"", b"[]", b"null", b"{}", b"[" * 100_000, b"\xff"):
        (folder / "manifest.json").write_bytes(data)
        with pytest.raises(ZcalcError, match="damaged"):
            Index.open(folder)


def test_a_manifest_that_lacks_a_part_is_refused(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "p.zidx"
    made(photos, folder)
    whole = json.loads((folder / "manifest.json").read_text())
    del whole["checksum"]
    for part in whole:
        for value in (None, 3, [3], {"file": "x"}):
            body = {**whole, part: value}
            body["checksum"] = storage.digest(json.dumps(body, sort_keys=True))
            (folder / "manifest.json").write_text(json.dumps(body))
            if part not in ("model", "roots") or (part, value) == ("roots", 3):
                with pytest.raises(ZcalcError, match="damaged"):
                    Index.open(folder)


def test_vectors_of_another_generation_are_refused(photos: Path, tmp_path: Path) -> None:
    made(photos, tmp_path / "one.zidx")
    save_photo(photos / "pink.png", "pink")
    made(photos, tmp_path / "two.zidx")
    (one,) = (tmp_path / "one.zidx").glob("vectors-*")
    (two,) = (tmp_path / "two.zidx").glob("vectors-*")
    one.write_bytes(two.read_bytes())
    with pytest.raises(ZcalcError, match="damaged"):
        Index.open(tmp_path / "one.zidx")


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_index(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    old = made(photos, tmp_path / "p.zidx")
    save_photo(photos / "pink.png", "pink")
    new, _ = update(Gallery([photos]), HashEncoder(), old)
    real = getattr(os, call)
    for failing in range(1, 20):
        calls = []

        def fails(*arguments: object, after: int = failing, calls: list = calls) -> None:
            calls.append(arguments)
            if len(calls) == after:
                raise OSError(28, "No space left on device")
            real(*arguments)

        monkeypatch.setattr(storage.os, call, fails)
        try:
            new.save(tmp_path / "p.zidx")
        except ZcalcError as error:
            assert "No space left" in str(error)
        else:
            break
        finally:
            monkeypatch.setattr(storage.os, call, real)
        assert Index.open(tmp_path / "p.zidx").entries in (old.entries, new.entries)
        assert not list((tmp_path / "p.zidx").glob(".*"))
    assert failing > 1 and Index.open(tmp_path / "p.zidx").entries == new.entries


def test_a_reader_may_finish_with_the_generation_before(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "p.zidx"
    index = made(photos, folder)
    for i, colour in enumerate(("pink", "gold", "gray")):
        before = json.loads((folder / "manifest.json").read_text())["vectors"]["file"]
        save_photo(photos / f"{colour}.png", colour)
        index, _ = update(Gallery([photos]), HashEncoder(), index)
        index.save(folder)
        assert (folder / before).is_file()
        assert len(list(folder.glob("vectors-*"))) == 2, i


def test_folders_that_hold_something_else_are_left_alone(photos: Path, tmp_path: Path) -> None:
    index, _ = update(Gallery([photos]), HashEncoder())
    with pytest.raises(ZcalcError, match="is no index; nothing was written"):
        index.save(photos)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ZcalcError, match="is no index"):
        index.save(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"
    with pytest.raises(ZcalcError, match="There is no index at"):
        Index.open(photos)


def test_a_folder_of_bad_pictures_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"")
    (tmp_path / "worse.jpg").write_bytes(b"x")
    with pytest.raises(ZcalcError, match="None of the 2 pictures can be read; bad: the file is em"):
        update(Gallery([tmp_path]), HashEncoder())
