"""Embeddings from elsewhere, and out again."""

import json
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pyarrow as pa
import pytest
from helpers import HashEncoder, save_photo
from pyarrow import parquet
from test_index_metadata import camera_jpeg
from typer.testing import CliRunner

from zcalc.algebra import unit
from zcalc.cli import app
from zcalc.errors import ZcalcError
from zcalc.gallery import Gallery
from zcalc.index import Index, Settings, source_of, update
from zcalc.index.edit import set_columns
from zcalc.index.export import export
from zcalc.index.importing import Import, Imported, bring_in
from zcalc.index.manifest import ColumnInfo

COLOURS = ("red", "green", "blue", "white")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for colour in COLOURS:
        save_photo(tmp_path / "photos" / f"{colour}.png", colour)
    camera_jpeg(tmp_path / "photos" / "one.jpg")
    (tmp_path / "photos" / "bad.jpg").write_bytes(b"no picture")
    (tmp_path / "photos" / "red.txt").write_text("a red square")
    return tmp_path / "photos"


def embeddings(photos: Path) -> tuple[list[str], np.ndarray]:
    """The files of pictures, and their embeddings (n, d) as another program has them."""
    names = [f"{colour}.png" for colour in COLOURS]
    gallery = Gallery([photos])
    rows = HashEncoder().images(gallery.find(Path(name).stem).open() for name in names)
    return names, rows


def bring(place: Path, folder: Path, **how: Any) -> tuple[Index, Imported]:
    return bring_in(place, HashEncoder(), folder, Import(**how))


def assert_same(index: Index, other: Index) -> None:
    assert index.entries == other.entries and index.captions == other.captions
    assert [index.metadata(r) for r in range(len(index))] == [
        other.metadata(r) for r in range(len(other))
    ]
    np.testing.assert_array_equal(np.asarray(index.vectors), np.asarray(other.vectors))
    assert index.roots == other.roots and index.skipped == other.skipped
    assert index.manifest.sources == other.manifest.sources
    assert (index.model, index.caption_share) == (other.model, other.caption_share)


@pytest.mark.parametrize("suffix", ["parquet", "npy"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_there_and_back_without_loss(
    photos: Path, tmp_path: Path, suffix: str, dtype: str, share: float
) -> None:
    settings = Settings(dtype=dtype, caption_share=share)
    index, _ = update(source_of([photos]), HashEncoder(), tmp_path / "i", settings)
    files = export(index, tmp_path / f"out.{suffix}")
    assert files[0] == tmp_path / f"out.{suffix}"
    again, report = bring(files[0], tmp_path / "j")
    assert report.pictures == 5 and (share > 0 or report.checked == 5)
    assert_same(again, index)
    assert again.vectors.dtype == dtype
    encoder = HashEncoder()
    _, report_2 = update(source_of([photos]), encoder, tmp_path / "j")
    assert report_2.unchanged == 5 and not encoder.batches  # nothing is encoded again


def test_captions_of_a_column_and_computed_columns_come_back(photos: Path, tmp_path: Path) -> None:
    table = photos / "t.csv"
    table.write_text("path,note\nred.png,a wall\nblue.png,the sea\ngreen.png,\n")
    settings = Settings(caption_share=0.5, caption_column="note", exclude=["*.gif"])
    update(source_of([table]), HashEncoder(), tmp_path / "i", settings)
    score = ColumnInfo("score", "score", "img(red)")
    values = {"score": {str(photos / "red.png"): 0.5}}
    index = set_columns(tmp_path / "i", [score], values)
    export(index, tmp_path / "x.parquet")
    again, report = bring(tmp_path / "x.parquet", tmp_path / "j")
    assert_same(again, index)
    assert report.checked == 1  # the others have captions in their points
    assert again.manifest.columns == (score,) and again.manifest.exclude == ("*.gif",)
    assert len(set_columns(tmp_path / "j", [], {}).fields) == len(index.fields) - 1


def test_an_export_reads_with_standard_libraries(photos: Path, tmp_path: Path) -> None:
    index, _ = update(source_of([photos]), HashEncoder(), tmp_path / "i")
    export(index, tmp_path / "out.parquet")
    table = parquet.read_table(tmp_path / "out.parquet")
    assert table["path"].to_pylist() == index.paths
    rows = np.stack(table["embedding"].to_pylist()).astype(np.float32)
    np.testing.assert_array_equal(rows, np.asarray(index.vectors))
    export(index, tmp_path / "out.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), np.asarray(index.vectors))


def forms(photos: Path) -> dict[str, tuple[Path, dict[str, Any]]]:
    """The same embeddings in every form that is read, with how to read it."""
    names, rows = embeddings(photos)
    place = photos.parent
    np.save(place / "a.npy", rows)
    (place / "a.txt").write_text("".join(f"photos/{name}\n" for name in names))
    np.save(place / "b.npy", rows.astype(np.float16))
    (place / "ids.csv").write_text(
        "image_path,n\n" + "".join(f"{n},{i}\n" for i, n in enumerate(names))
    )
    columns = {"filename": names, "clip": list(rows.astype(np.float64)), "n": [0, 1, 2, 3]}
    parquet.write_table(pa.table(columns), place / "c.parquet")
    for number, part in enumerate((slice(0, 3), slice(3, 4))):
        for kind in ("img_emb", "metadata"):
            (place / "clip" / kind).mkdir(parents=True, exist_ok=True)
        np.save(place / "clip" / "img_emb" / f"img_emb_{number}.npy", rows[part].astype(np.float16))
        metadata = {"image_path": names[part], "caption": [None] * len(names[part])}
        parquet.write_table(
            pa.table(metadata), place / "clip" / "metadata" / f"metadata_{number}.parquet"
        )
    flat, mapped = faiss.IndexFlatIP(64), faiss.IndexIDMap(faiss.IndexFlatIP(64))
    flat.add(rows)
    mapped.add_with_ids(rows, np.array([0, 1, 2, 3]))
    faiss.write_index(flat, str(place / "d.faiss"))
    faiss.write_index(mapped, str(place / "e.index"))
    ids = {"ids": str(place / "ids.csv"), "root": photos}
    return {
        "npy with a list beside it": (place / "a.npy", {}),
        "npy with a table": (place / "b.npy", ids),
        "parquet": (place / "c.parquet", {"vectors": "clip", "root": photos}),
        "clip-retrieval": (place / "clip", {"root": photos}),
        "faiss": (place / "d.faiss", ids),
        "faiss with ids": (place / "e.index", ids),
    }


@pytest.mark.parametrize("form", [
    "npy with a list beside it", "npy with a table", "parquet", "clip-retrieval", "faiss",
    "faiss with ids",
])  # fmt: skip
def test_embeddings_of_other_programs(photos: Path, tmp_path: Path, form: str) -> None:
    place, how = forms(photos)[form]
    index, report = bring(place, tmp_path / "i", **how)
    names, rows = embeddings(photos)
    assert [entry.name for entry in index.entries] == list(COLOURS)
    assert index.paths == [str(photos / name) for name in names]
    assert report.checked == 4 and (report.agreement or 0) > 0.999
    np.testing.assert_allclose(np.asarray(index.vectors), unit(rows), atol=2e-3)
    encoder = HashEncoder()
    _, after = update(source_of([photos]), encoder, tmp_path / "i")
    assert (after.unchanged, after.encoded) == (4, 1)  # the one that wasn't imported


def test_another_encoder_is_found_out(photos: Path, tmp_path: Path) -> None:
    names, rows = embeddings(photos)
    np.save(tmp_path / "a.npy", rows[:, ::-1])
    (tmp_path / "a.txt").write_text("".join(f"photos/{name}\n" for name in names))
    with pytest.raises(ZcalcError, match=r"not those of hash-1: 4 pictures encoded again"):
        bring(tmp_path / "a.npy", tmp_path / "i")
    assert not (tmp_path / "i").exists()
    assert len(bring(tmp_path / "a.npy", tmp_path / "i", check=False)[0]) == 4
    np.save(tmp_path / "b.npy", rows[:, :32])
    with pytest.raises(ZcalcError, match="32 dimensions, hash-1 64"):
        bring(tmp_path / "b.npy", tmp_path / "j", ids=str(tmp_path / "a.txt"))


def test_rows_that_cannot_be_used_are_left_out_and_counted(photos: Path, tmp_path: Path) -> None:
    names, rows = embeddings(photos)
    rows = np.concatenate([rows, np.zeros((1, 64)), np.full((2, 64), np.nan)])
    np.save(tmp_path / "a.npy", rows)
    paths = [f"photos/{name}" for name in names] + ["x.png", "y.png", "z.png"]
    (tmp_path / "a.txt").write_text("\n".join(paths))
    index, report = bring(tmp_path / "a.npy", tmp_path / "i")
    assert len(index) == 4 and report.left_out == {"not finite": 2, "zero": 1}
    (tmp_path / "a.txt").write_text("only\none\n")
    with pytest.raises(ZcalcError, match="7 vectors, its list of ids 2 rows"):
        bring(tmp_path / "a.npy", tmp_path / "j")


def test_pictures_that_are_not_there_are_searched_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = np.random.default_rng(0).normal(size=(5, 64)).astype(np.float32)
    np.save(tmp_path / "a.npy", rows)
    (tmp_path / "a.txt").write_text("".join(f"far/{i}.jpg\n" for i in range(5)))
    index, report = bring(tmp_path / "a.npy", tmp_path / "i")
    assert report.checked == 0 and "Not checked" in capsys.readouterr().err
    assert index.search(unit(rows)[3], 1)[1].tolist() == [3]
    save_photo(tmp_path / "more" / "red.png", "red")
    both, added = update(
        source_of([tmp_path / "more"]), HashEncoder(), tmp_path / "i", Settings(keep_others=True)
    )
    assert len(both) == 6 and added.unchanged == 5
    np.testing.assert_allclose(np.asarray(both.vectors)[:5], unit(rows), atol=1e-6)


@pytest.mark.parametrize(("name", "data"), [
    ("a.npy", b"\x93NUMPY\1\0\4\0{'a"), ("a.npy", b""), ("a.parquet", b"PAR1xxxx"),
    ("a.faiss", b"IxFI" + bytes(20)), ("a.txt", b"hello"),
])  # fmt: skip
def test_damaged_files_are_refused(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    (tmp_path / "ids.txt").write_text("a\n")
    with pytest.raises(ZcalcError):
        bring(tmp_path / name, tmp_path / "i", ids=str(tmp_path / "ids.txt"))
    assert not (tmp_path / "i").exists()
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(ZcalcError, match="Can't read"):
        bring(tmp_path / "objects.npy", tmp_path / "i", ids=str(tmp_path / "ids.txt"))


def test_the_commands(photos: Path, tmp_path: Path) -> None:
    def run(*arguments: str | Path) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["index", *map(str, arguments)])
        return done.exit_code, done.output

    assert run("build", photos, "-o", tmp_path / "i")[0] == 0
    code, output = run("export", tmp_path / "i", "-o", tmp_path / "x.npy")
    assert code == 0 and "x.npy and" in output and "x.parquet: 5 pictures, 384" in output
    code, output = run("import", tmp_path / "x.npy", "-o", tmp_path / "j")
    assert code == 0 and "5 imported, checked on" in output, output
    code, output = run("import", tmp_path / "x.npy", "-o", tmp_path / "j", "--json")
    assert json.loads(output)["total"] == 5
    code, output = run("export", tmp_path / "i", "-o", tmp_path / "x.csv")
    assert code == 1 and "must end in .parquet or .npy" in output
