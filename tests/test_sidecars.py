"""Captions of pictures: text files and columns, their share of a point, and what says so."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from helpers import HashEncoder, hash_calculator, save_photo, save_table
from PIL import Image
from pyarrow import parquet
from test_cli import models, zcalc  # noqa: F401  (fixtures)
from test_index_build import Interrupted, opened_files, png, shard

import zcalc as zcalc_package
from zcalc import sidecars, storage
from zcalc.adhoc import AdHoc
from zcalc.algebra import captioned, unit
from zcalc.answer import View
from zcalc.calculator import Calculator
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery
from zcalc.index import Index, IndexedGallery, Settings, open_index, save, source_of, update
from zcalc.index.items import vector_key
from zcalc.models.presets import PRESETS
from zcalc.notebook.options import settings_of
from zcalc.show.card import card_html, card_text
from zcalc.show.data import answer_data
from zcalc.show.sheet import sheet

OBAMA = "Barack Obama, president of the United States"

SHARE = PRESETS["mini"].caption_share
BUILT = Settings(caption_share=SHARE)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three pictures, one with a caption."""
    for colour in ("red", "green", "blue"):
        save_photo(tmp_path / "photos" / f"{colour}.png", colour)
    (tmp_path / "photos/red.txt").write_text(f"  {OBAMA}\n", "utf8")
    return tmp_path / "photos"


def rows(index: Index) -> dict[str, np.ndarray]:
    """The vectors of an index by the names of its pictures."""
    names = [entry.name for entry in index.entries]
    return dict(zip(names, np.asarray(index.vectors), strict=True))


def point(colour: str, caption: str, share: float = SHARE, encoder: Any = None) -> np.ndarray:
    """unit(unit(picture) + share · unit(caption)) of a picture of one colour, written out."""
    encoder = encoder or HashEncoder()
    picture = encoder.images([Image.new("RGB", (48, 32), colour)])[0]
    text = encoder.texts([caption])[0]
    both = picture / np.linalg.norm(picture) + share * text / np.linalg.norm(text)
    return both / np.linalg.norm(both)


def test_the_caption_is_the_text_beside_the_picture(photos: Path) -> None:
    gallery = Gallery([photos])
    assert gallery.find("red").caption == OBAMA and gallery.find("green").caption is None
    assert {p.name: p.caption for p in gallery} == {"red": OBAMA, "green": None, "blue": None}
    (photos / "red.txt").write_bytes(b"\xef\xbb\xbfOne\r\n\ttwo\xe2\x80\xae  three \n")
    assert gallery.find("red").caption == "One two three", "read again, cleaned"
    (photos / "red.txt").write_text(" \n")
    assert gallery.find("red").caption is None
    family = "\N{MAN}\u200d\N{WOMAN}"
    assert sidecars.clean(f" {family} ") == family
    assert len(sidecars.clean("word " * 3000)) == 999 and len(sidecars.clean("x" * 3000)) == 1000


def test_listing_names_opens_no_captions(photos: Path) -> None:
    for i in range(50):
        save_photo(photos / f"{i}.png", "red")
        (photos / f"{i}.txt").write_text("a caption")
    with opened_files() as opened:
        gallery = Gallery([photos])
        names = [picture.name for picture in gallery]
        items = list(source_of([photos]))
        found = gallery.find("7")
    assert len(names) == len(items) == 53
    assert not [path for path in opened if path.endswith(".txt")]
    with opened_files() as opened:
        assert found.caption == "a caption"
    assert [path for path in opened if path.endswith(".txt")] == [str(photos / "7.txt")]


def test_what_a_camera_wrote_is_never_read(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = OBAMA  # ImageDescription
    tmp_path.joinpath("p").mkdir()
    Image.new("RGB", (48, 32), "red").save(tmp_path / "p/a.png", exif=exif)
    save_photo(tmp_path / "p/b.png", "red")
    calc = hash_calculator([tmp_path / "p"])
    assert calc.gallery.find("a").caption is None
    np.testing.assert_array_equal(calc("img(a)").vector, calc("img(b)").vector)


def test_a_captioned_point_is_the_formula(photos: Path) -> None:
    calc = hash_calculator([photos], caption_share=0.3)
    np.testing.assert_allclose(calc("img(red)").vector, point("red", OBAMA, 0.3), atol=1e-6)
    picture, text = np.array([[3.0, 4.0, 0]]), np.array([[0, 0, 2.0]])
    mixed = captioned(picture, text, 0.5)
    np.testing.assert_allclose(mixed / 5, unit(np.array([[0.6, 0.8, 0.5]])))
    raw = hash_calculator([photos], caption_share=0.3, normalize=False)
    length = np.linalg.norm(HashEncoder().images([Image.new("RGB", (48, 32), "red")]))
    assert raw("img(red)").norm == pytest.approx(length)
    np.testing.assert_allclose(raw("img(red)").vector, calc("img(red)").vector, atol=1e-6)


def test_operands_agree_with_the_pictures_that_are_found(photos: Path) -> None:
    calc = hash_calculator([photos])
    assert calc.share == calc.models.preset.caption_share > 0
    for name in ("red", "green"):
        (hit,) = calc(f"img({name})").nearest(1, keep_operands=True)
        assert (hit.name, hit.score) == (name, pytest.approx(1, abs=1e-5))
    np.testing.assert_allclose(rows(calc.image_index)["red"], point("red", OBAMA), atol=1e-6)


def test_without_a_share_nothing_of_a_caption_is_used(photos: Path, tmp_path: Path) -> None:
    calc = hash_calculator([photos], caption_share=0)
    with opened_files() as opened:
        off = calc("img(red)").vector
        index, report = update(source_of([photos]), HashEncoder(), tmp_path / "a.zidx")
        calc.index(photos, tmp_path / "b.zidx")
    assert not [path for path in opened if path.endswith(".txt")]
    (photos / "red.txt").unlink()
    plain = hash_calculator([photos])
    np.testing.assert_array_equal(off, plain("img(red)").vector)
    update(source_of([photos]), HashEncoder(), tmp_path / "c.zidx")
    files = {file.name: file.read_bytes() for file in (tmp_path / "c.zidx").iterdir()}
    for other in ("a.zidx", "b.zidx"):
        assert files == {f.name: f.read_bytes() for f in (tmp_path / other).iterdir()}
    assert index.fields == [] and report.captioned == 0 and index.caption(0) is None
    data = answer_data(calc("img(red)").answer(View(pictures=2)))
    assert "caption" not in json.dumps([data["terms"], data["images"]])


def test_only_what_depends_on_a_changed_caption_is_encoded(photos: Path, tmp_path: Path) -> None:
    encoder, folder, file = HashEncoder(), tmp_path / "p.zidx", photos / "red.txt"

    def again(settings: Settings = BUILT) -> tuple[Index, Any, list[tuple[str, int]]]:
        encoder.batches.clear()
        return *update(source_of([photos]), encoder, folder, settings), list(encoder.batches)

    index, report, batches = again()
    assert (report.added, report.captioned) == (3, 1)
    assert batches == [("images", 3), ("texts", 1)]
    np.testing.assert_allclose(rows(index)["red"], point("red", OBAMA), atol=1e-6)
    with opened_files() as opened:
        _, report, batches = again()
    assert (report.unchanged, batches) == (3, []) and not any(p.endswith("txt") for p in opened)
    before = rows(index)
    file.write_text("a red wall")
    index, report, batches = again()
    assert (report.updated, report.unchanged, report.encoded) == (1, 2, 1)
    np.testing.assert_allclose(rows(index)["red"], point("red", "a red wall"), atol=1e-6)
    np.testing.assert_array_equal(rows(index)["blue"], before["blue"])
    os.utime(file, ns=(1, 1))
    _, report, batches = again()
    assert (report.unchanged, batches) == (3, []), "read again, but it is the same caption"
    (photos / "blue.txt").write_text("a blue wall")
    _, report, _ = again()
    assert (report.updated, report.unchanged, report.captioned) == (1, 2, 2)
    file.unlink()
    index, report, _ = again()
    assert (report.updated, report.encoded, report.captioned) == (1, 1, 1)
    plain, _ = update(source_of([photos]), HashEncoder())
    np.testing.assert_array_equal(rows(index)["red"], rows(plain)["red"])
    assert index.metadata(0).get("caption") is None


def test_another_share_encodes_what_is_affected_and_says_so(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    encoder, folder = HashEncoder(), tmp_path / "p.zidx"
    update(source_of([photos]), encoder, folder, BUILT)
    encoder.batches.clear()
    index, report = update(source_of([photos]), encoder, folder)  # keeps the share
    assert (index.caption_share, encoder.batches) == (SHARE, [])
    assert capsys.readouterr().err == ""
    index, report = update(source_of([photos]), encoder, folder, Settings(caption_share=0.25))
    assert (report.updated, report.unchanged) == (1, 2)
    assert encoder.batches == [("images", 1), ("texts", 1)]
    said = capsys.readouterr().err
    assert f"changes from {SHARE} to 0.25: 1 picture with captions encoded again" in said
    np.testing.assert_allclose(rows(index)["red"], point("red", OBAMA, 0.25), atol=1e-6)
    index, report = update(source_of([photos]), encoder, folder, Settings(caption_share=0))
    assert (report.updated, report.captioned, index.fields) == (1, 0, [])
    _, report = update(source_of([photos]), encoder, folder, Settings(caption_share=SHARE))
    assert (report.updated, report.encoded, report.captioned) == (1, 0, 1)  # it was kept aside


def test_the_same_picture_with_other_captions_has_other_vectors(
    photos: Path, tmp_path: Path
) -> None:
    for name, caption in (("one", "a wall"), ("two", "a door"), ("three", "a wall")):
        (photos / f"{name}.png").write_bytes((photos / "red.png").read_bytes())
        (photos / f"{name}.txt").write_text(caption)
    index, _ = update(source_of([photos]), HashEncoder(), tmp_path / "p.zidx", BUILT)
    found = rows(index)
    for name, caption in (("one", "a wall"), ("two", "a door"), ("three", "a wall")):
        np.testing.assert_allclose(found[name], point("red", caption), atol=1e-6)
    for suffix in (".png", ".txt"):
        (photos / f"two{suffix}").rename(photos / f"zwei{suffix}")
    index, report = update(source_of([photos]), HashEncoder(), tmp_path / "p.zidx")
    assert (report.moved, report.encoded) == (1, 0)
    np.testing.assert_array_equal(rows(index)["zwei"], found["two"])
    content = bytes(32)
    assert vector_key(content, "", 0.5) == vector_key(content, "a", 0) == content
    keys = {vector_key(content, caption, share) for caption in "ab" for share in (0.5, 1)}
    assert len(keys) == 4 and content not in keys


def test_the_manifest_records_share_and_column(photos: Path, tmp_path: Path) -> None:
    file = save_table(photos, "path,title", "red.png,A door", "green.png,", "blue.png,A sky")
    calc = hash_calculator(caption_share=0.75)
    calc.index(file, tmp_path / "p.zidx", caption_column="title")
    body = json.loads((tmp_path / "p.zidx/manifest.json").read_text())
    assert (body["caption_share"], body["caption_column"]) == (0.75, "title")
    index = Index.open(tmp_path / "p.zidx")
    assert [index.caption(row) for row in range(3)] == ["A door", None, "A sky"]
    np.testing.assert_allclose(rows(index)["red"], point("red", "A door", 0.75), atol=1e-6)
    report = hash_calculator().index(file, tmp_path / "p.zidx")
    assert (report.unchanged, report.captioned, report.encoded) == (3, 2, 0), "both are kept"
    report = hash_calculator().index(file, tmp_path / "p.zidx", caption_column="")
    assert (report.updated, report.captioned) == (2, 1), "now the text file counts"
    assert IndexedGallery(Index.open(tmp_path / "p.zidx")).find("red").caption == OBAMA
    del body["checksum"], body["caption_share"], body["caption_column"]
    body["checksum"] = storage.digest(json.dumps(body, sort_keys=True))
    (tmp_path / "p.zidx/previous.json").write_text(json.dumps(body))
    assert Index.open(tmp_path / "p.zidx", previous=True).caption_share == 0


def test_conditions_on_captions(photos: Path, tmp_path: Path) -> None:
    hash_calculator().index(photos, tmp_path / "p.zidx")
    calc = hash_calculator(index=tmp_path / "p.zidx")
    (hit,) = calc('"tea"').nearest(9, where="caption ilike '%obama%'")
    assert (hit.name, hit.caption, hit.metadata) == ("red", OBAMA, {"caption": OBAMA})
    assert {h.name for h in calc('"tea"').nearest(9, where="caption is null")} == {"green", "blue"}
    folder = hash_calculator([photos])
    assert [h.name for h in folder('"tea"').nearest(9, where="caption like 'Bar%'")] == ["red"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_column_of_captions_is_used_if_it_is_named(
    photos: Path, tmp_path: Path, kind: str
) -> None:
    columns = {"path": ["red.png", "green.png", "blue.png"], "year": [1, 2, 3]}
    columns |= {"caption": ["a \n door", "a  sky", None]}
    file = photos / f"list.{kind}"
    if kind == "csv":
        save_table(photos, "path,year,caption", *(["red.png,1,a door", "green.png,2,a  sky"]),
                   "blue.png,3,", name="list.csv")  # fmt: skip
    else:
        parquet.write_table(pa.table(columns), file)
    (photos / "red.txt").unlink()
    plain, report = update(source_of([file]), HashEncoder(), settings=BUILT)
    assert report.captioned == 0 and plain.fields == ["year", "caption"]
    index, report = update(
        source_of([file]), HashEncoder(), settings=replace(BUILT, caption_column="caption")
    )
    assert report.captioned == 2
    for name, colour, caption in (("red", "red", "a door"), ("green", "green", "a sky")):
        np.testing.assert_allclose(rows(index)[name], point(colour, caption), atol=1e-6)
    np.testing.assert_array_equal(rows(index)["blue"], rows(plain)["blue"])
    _, report = update(
        source_of([file]), HashEncoder(), settings=replace(BUILT, caption_column="year")
    )
    assert report.captioned == 0, "numbers are no captions"


def test_a_column_that_no_picture_has_is_an_error(photos: Path, tmp_path: Path) -> None:
    file = save_table(photos, "path,title", "red.png,A door")
    with pytest.raises(ZcalcError, match="column or field 'tilte'; there are title"):
        hash_calculator().index(file, tmp_path / "p.zidx", caption_column="tilte")
    with pytest.raises(ZcalcError, match="there are none") as error:
        hash_calculator().index(photos, tmp_path / "p.zidx", caption_column="title")
    assert "--caption-column" in error.value.hint and not (tmp_path / "p.zidx").exists()


def test_captions_in_tar_shards(tmp_path: Path) -> None:
    members = {
        "1.png": png("red"), "1.txt": b" a door\n", "1.json": b'{"title": "a gate"}',
        "2.png": png("green"), "2.json": b'{"title": "a sky", "caption": "by a program"}',
        "3.png": png("blue"), "3.txt": b"\xff\xfe not UTF-8",
        "4.png": png("white"), "4.txt": b"x" * 20_000,
    }  # fmt: skip
    file = shard(tmp_path / "s.tar", members)
    index, report = update(source_of([file]), HashEncoder(), tmp_path / "p.zidx", BUILT)
    assert [index.caption(row) for row in range(4)] == ["a door", None, None, None]
    assert report.captioned == 1 and index.metadata(1)["caption"] == "by a program"
    np.testing.assert_allclose(rows(index)["s/1"], point("red", "a door"), atol=1e-6)
    gallery = IndexedGallery(index)
    assert gallery.find("s/1").caption == "a door" and gallery.find("s/2").caption is None
    _, report = update(source_of([file]), HashEncoder(), tmp_path / "p.zidx")
    assert (report.unchanged, report.encoded) == (4, 0)
    named = Settings(caption_column="title")
    index, report = update(source_of([file]), HashEncoder(), tmp_path / "p.zidx", named)
    captions = {index.entry(row).name: index.caption(row) for row in range(4)}
    assert captions == {"s/1": "a gate", "s/2": "a sky", "s/3": None, "s/4": None}


def hostile_sidecars(folder: Path, outside: Path) -> dict[str, str]:
    """Pictures with unusable text files beside them, and why they are not used."""
    outside.write_text("a secret")
    data = {
        "huge": (b"x" * 20_000, "larger than 16,384 bytes"),
        "binary": (b"\x00\x01 binary", "not text"),
        "latin": ("Café".encode("latin1"), "not UTF-8"),
        "utf16": ("a door".encode("utf16"), "not UTF-8"),
    }
    for name, (content, _) in data.items():
        (folder / f"{name}.txt").write_bytes(content)
    (folder / "link.txt").symlink_to(outside)
    (folder / "up.txt").symlink_to(Path("..", outside.name))
    os.mkfifo(folder / "pipe.txt")
    (folder / "folder.txt").mkdir()
    reasons = {name: reason for name, (_, reason) in data.items()}
    reasons |= {"link": "outside", "up": "outside"}
    reasons |= {"pipe": "not a regular file", "folder": "not a regular file"}
    (folder / "loop.txt").symlink_to(folder / "loop.txt")
    (folder / "gone.txt").symlink_to(folder / "nothing.txt")
    for i, name in enumerate([*reasons, "loop", "gone"]):
        save_photo(folder / f"{name}.png", (i * 20, 9, 9))  # type: ignore[arg-type]
    return reasons


def test_unusable_text_files_are_left_alone(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reasons = hostile_sidecars(photos, tmp_path / "secret.txt")
    calc = hash_calculator([photos])
    with opened_files() as opened:
        index, report = update(source_of([photos]), HashEncoder(), tmp_path / "p.zidx", BUILT)
        said = capsys.readouterr().err
        for name, reason in reasons.items():
            with pytest.raises(ZcalcError, match=reason):
                sidecars.read(photos / f"{name}.png", [photos])
            assert calc.gallery.find(name).caption is None
            assert f"The caption {name}.txt is not used: " in capsys.readouterr().err
            assert calc.gallery.find(name).caption is None
            assert capsys.readouterr().err == "", "said once"
            assert calc(f"img({name})").norm == pytest.approx(1)
    assert "Captions not used: binary: it is not text and 7 more." in said
    assert (report.captioned, len(index)) == (1, 13) and report.skipped == ()
    assert not any(path.endswith(("secret.txt", "pipe.txt", "link.txt")) for path in opened)
    assert all(calc.gallery.find(name).caption is None for name in ("loop", "gone"))
    _, report = update(source_of([photos]), HashEncoder(), tmp_path / "p.zidx")
    assert (report.unchanged, report.encoded, capsys.readouterr().err) == (13, 0, "")


def test_a_picture_outside_any_root_has_only_its_neighbour(tmp_path: Path) -> None:
    file = save_photo(tmp_path / "a/red.png", "red")
    (tmp_path / "words.txt").write_text("a secret")
    (tmp_path / "a/red.txt").symlink_to(tmp_path / "words.txt")
    with pytest.raises(ZcalcError, match="outside"):
        sidecars.read(file)
    (tmp_path / "a/red.txt").unlink()
    (tmp_path / "a/red.txt").write_text("a door")
    assert sidecars.read(file) == "a door"


def test_a_long_caption_counts_with_its_first_words(photos: Path) -> None:
    words = [f"word{i}" for i in range(100)]
    (photos / "red.txt").write_text(" ".join(words))
    calc = hash_calculator([photos])
    limit = HashEncoder.context_length
    expected = point("red", " ".join(words[:limit]))
    np.testing.assert_allclose(calc("img(red)").vector, expected, atol=1e-6)
    np.testing.assert_allclose(rows(calc.image_index)["red"], expected, atol=1e-6)


def test_an_interrupted_build_with_captions_resumes(photos: Path, tmp_path: Path) -> None:
    for i in range(18):
        save_photo(photos / f"n{i}.png", (i * 12, 99, 255 - i * 12))  # type: ignore[arg-type]
        if i % 2:
            (photos / f"n{i}.txt").write_text(f"number {i}")
    reference, _ = update(source_of([photos]), HashEncoder(), tmp_path / "reference.zidx", BUILT)
    folder = tmp_path / "p.zidx"
    with pytest.raises(KeyboardInterrupt):
        update(source_of([photos]), Interrupted(4), folder, BUILT)
    encoder = HashEncoder()
    index, report = update(source_of([photos]), encoder, folder, BUILT)
    assert report.encoded == 21 - 8 and report.captioned == reference_captions(reference) == 10
    assert index.entries == reference.entries and not list(folder.glob("journal-*"))
    for file in (tmp_path / "reference.zidx").iterdir():
        assert (folder / file.name).read_bytes() == file.read_bytes()


def reference_captions(index: Index) -> int:
    return sum(bool(caption.text) for caption in index.captions)


def test_a_caption_that_changes_during_an_interrupted_build(photos: Path, tmp_path: Path) -> None:
    for i in range(5):
        save_photo(photos / f"z{i}.png", (i * 12, 99, 9))  # type: ignore[arg-type]
    (photos / "blue.txt").write_text("a sky")
    with pytest.raises(KeyboardInterrupt):
        update(source_of([photos]), Interrupted(2), tmp_path / "p.zidx", BUILT)
    (photos / "blue.txt").unlink()
    (photos / "green.txt").write_text("a meadow")
    index, _ = update(source_of([photos]), HashEncoder(), tmp_path / "p.zidx", BUILT)
    fresh, _ = update(source_of([photos]), HashEncoder(), settings=BUILT)
    for name, row in rows(fresh).items():
        np.testing.assert_array_equal(rows(index)[name], row)


def test_an_opened_index_has_its_own_share(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hash_calculator(caption_share=0.25).index(photos, tmp_path / "p.zidx")
    (photos / "red.txt").write_text("changed since")
    calc = hash_calculator(index=tmp_path / "p.zidx")
    assert calc.share == 0.25 and capsys.readouterr().err == ""
    np.testing.assert_allclose(calc("img(red)").vector, point("red", OBAMA, 0.25), atol=1e-6)
    other = hash_calculator(index=tmp_path / "p.zidx", caption_share=1)
    assert other.share == 0.25
    assert "a caption share of 0.25, which is used instead of 1" in capsys.readouterr().err
    unindexed = save_photo(photos / "more/red.png", "pink")
    (photos / "more/red.txt").write_text("a flamingo")
    assert calc.gallery.find(str(unindexed)).caption == "a flamingo", "not that of its namesake"
    saved = save(Index.open(tmp_path / "p.zidx"), tmp_path / "copy.zidx")
    assert saved.caption_share == 0.25 and IndexedGallery(saved).find("red").caption == OBAMA
    assert open_index(tmp_path / "copy.zidx").fields == ["caption"]


@pytest.mark.parametrize("share", [-0.1, 4.01, float("nan"), float("inf")])
def test_a_share_is_between_0_and_4(photos: Path, tmp_path: Path, share: float) -> None:
    message = "The share of a caption must be between 0 and 4"
    with pytest.raises(ZcalcError, match=message):
        zcalc_package.load(images=photos, caption_share=share)
    with pytest.raises(ZcalcError, match=message):
        Settings(caption_share=share)
    with pytest.raises(ZcalcError, match=message):
        settings_of([("--caption-share", str(share))])


def test_presets_and_other_encoders() -> None:
    assert Calculator.create("mini").share > 0
    assert Calculator.create("mini", caption_share=0).share == 0
    assert Calculator.create("mini", clip="some/model").share == 0
    assert Calculator.create("large").share == 0
    assert settings_of([("--caption-share", "0.25")]).calculator == {"caption_share": 0.25}
    with pytest.raises(ZcalcError, match="must be a number, not 'x'"):
        settings_of([("--caption-share", "x")])


def test_pictures_from_python_have_captions(photos: Path) -> None:
    calc, red = hash_calculator([photos]), Image.new("RGB", (48, 32), "red")
    name = calc.add_picture(red, "mine", caption=f"\n{OBAMA} ")
    np.testing.assert_allclose(calc(f"img({name})").vector, point("red", OBAMA), atol=1e-6)
    assert calc.add_picture(red, "mine", caption=OBAMA) == "mine"
    assert calc.add_picture(red, "mine", caption="another") == "mine_2"
    assert calc.add_picture(red, "mine") == "mine_3"
    file = photos / "red.png"
    adhoc = AdHoc()
    assert adhoc.get("x") is None
    for caption, expected in ((None, OBAMA), ("", None), ("a door", "a door")):
        added = calc.add_picture(file, f"file {expected}", caption)
        picture = calc.adhoc.get(added)
        assert picture is not None and picture.caption == expected
    with pytest.raises(ZcalcError, match="A int is not a caption"):
        calc.add_picture(red, "mine", 3)  # type: ignore[arg-type]


HOSTILE = '<script>alert("1")</script> & \N{RIGHT-TO-LEFT OVERRIDE}[bold]so on[/] ' + "long " * 40


def test_a_card_says_so_below_the_thumbnail(photos: Path) -> None:
    (photos / "green.txt").write_text(HOSTILE)
    calc = hash_calculator([photos])
    answer = calc('img(green) + "tea"').answer(View(words=2, pictures=2))
    html = card_html(answer)
    assert "<script" not in html and "\u202e" not in html
    note = "with its caption: &lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; [bold]so"
    assert html.count(note) == 1 and html.count("with its caption: ") == 2
    assert f'title="{OBAMA}">with its caption: Barack Obama, president' in html
    text = card_text(answer)
    assert f"with its caption: {OBAMA}" in text and "green with its caption: <script>" in text
    assert max(map(len, text.splitlines())) < 100
    page = sheet(answer)
    assert page.count("with its caption: Barack") == 1 and "<dt>caption</dt>" not in page
    data = answer_data(answer)
    assert data["terms"][0]["caption"] == sidecars.clean(HOSTILE)
    assert "caption" not in data["terms"][1]
    captions = {hit["name"]: hit.get("caption") for hit in data["images"]}
    assert captions == {"red": OBAMA, "blue": None}
    off = hash_calculator([photos], caption_share=0)
    assert "with its caption" not in card_html(off('img(green) + "tea"').answer(View(pictures=2)))


def test_the_command_line(zcalc, models: list[str], photos: Path, tmp_path: Path) -> None:  # noqa: F811
    clip, out = models[:2], str(tmp_path / "p.zidx")
    on, off = (
        zcalc("nearest", "img(red)", "--images", str(photos), "--caption-share", x, "--json", *clip)
        for x in ("0.5", "0")
    )
    assert on.json["terms"][0]["caption"] == OBAMA and "caption" not in off.json["terms"][0]
    for command in (["eval", *models[2:4], "--method", "retrieve"], ["words"]):
        text = zcalc(*command, "img(red)", "--images", str(photos), "--caption-share", "1", *clip)
        assert "red with its caption: Barack Obama, president" in text.out
    for share in ("4.5", "-1", "nan", "x"):
        assert zcalc("words", '"a"', "--caption-share", share, *clip).code == 2
    built = zcalc("index", "build", str(photos), "-o", out, "--caption-share", "0.5", *clip)
    assert "3 added" in built.out and built.out.endswith(", 1 with captions\n")
    info = zcalc("index", "info", out, "--json").json
    assert (info["caption_share"], info["caption_column"], info["captions"]) == (0.5, "", 1)
    again = zcalc("index", "build", str(photos), "-o", out, "--caption-share", "1", *clip, "--json")
    assert (again.json["updated"], again.json["captioned"]) == (1, 1)
    assert "from 0.5 to 1: 1 picture with captions encoded again" in again.err
    where = ["--where", "caption like '%Obama%'", "--keep-operands"]
    found = zcalc("nearest", '"tea"', "--index", out, *where, "--json", *clip).json["images"]
    assert [(hit["name"], hit["caption"]) for hit in found] == [("red", OBAMA)]
    assert "with its caption: Barack" in zcalc("nearest", '"tea"', "--index", out, *clip).out
    opened = zcalc("nearest", "img(red)", "--index", out, "--caption-share", "0", *clip)
    assert "which is used instead of 0" in opened.err and opened.code == 0
    table = save_table(photos, "path,title", "red.png,A door", "green.png,A meadow")
    arguments = [str(table), "-o", str(tmp_path / "t.zidx"), "--caption-column", "title"]
    done = zcalc("index", "build", *arguments, "--caption-share", "1", *clip)
    assert done.out.endswith(", 2 with captions\n")
    assert (
        zcalc("index", "info", str(tmp_path / "t.zidx"), "--json").json["caption_column"] == "title"
    )


@pytest.mark.model
def test_the_sample_of_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZCALC_CACHE", str(tmp_path))
    gallery = Gallery.samples()
    obama = gallery.find("obama")
    assert obama.caption is not None and obama.caption.startswith("Barack Obama, ")
    assert max(obama.open().size) == 640 and obama.path.stat().st_size < 80_000
    captioned_samples = {picture.name for picture in gallery if picture.caption}
    assert {"obama", "astronaut", "coins"} < captioned_samples and "lion" not in captioned_samples
    calc = Calculator.create("mini")
    encoder, share = calc.models.encoder, calc.share
    picture, text = encoder.images([obama.open()])[0], encoder.texts([obama.caption])[0]
    expected = unit(unit(picture) + share * unit(text))
    np.testing.assert_allclose(calc("img(obama)").vector, expected, atol=1e-5)
    (hit,) = calc("img(obama)").nearest(1, keep_operands=True)
    assert (hit.name, hit.caption) == ("obama", obama.caption)
    assert hit.score == pytest.approx(1, abs=1e-3)
    batches: list[int] = []
    encode = encoder.encode
    monkeypatch.setattr(encoder, "encode", lambda x: batches.append(len(x)) or encode(x))
    other = replace(calc, caption_share=share / 2)  # the shipped vector, another caption's share
    (hit,) = other("img(obama)").nearest(1, keep_operands=True)
    assert hit.score == pytest.approx(1, abs=1e-3) and batches in ([], [1])
