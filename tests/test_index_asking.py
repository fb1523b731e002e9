"""Asking an index: any picture, pages, many queries, several indexes, groups, vectors, watching."""

import json
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import HashEncoder, hash_calculator, save_photo
from PIL import Image
from typer.testing import CliRunner

from zcalc.calculator import Calculator
from zcalc.cli import app
from zcalc.errors import ZcalcError
from zcalc.index import Index, IndexedGallery, open_indexes, source_of, update
from zcalc.index.groups import clusters, duplicates
from zcalc.index.watch import watch

COLOURS = ("red", "green", "blue", "white", "orange", "navy", "pink")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for colour in COLOURS:
        save_photo(tmp_path / "photos" / f"{colour}.png", colour)
    return tmp_path / "photos"


@pytest.fixture
def mosaics(tmp_path: Path) -> Path:
    """Pictures of many colours, so that all are a little alike."""
    for number in range(9):
        mosaic(tmp_path / "mosaics" / f"m{number}.png", number)
    return tmp_path / "mosaics"


def mosaic(path: Path, seed: int) -> None:
    tiles = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(tiles).resize((64, 64), Image.Resampling.NEAREST).save(path)


@pytest.fixture
def index(photos: Path, tmp_path: Path) -> Path:
    update(source_of([photos]), HashEncoder(), tmp_path / "i")
    return tmp_path / "i"


def calculator(*indexes: Path) -> Calculator:
    calc = hash_calculator()
    return replace(calc, gallery=IndexedGallery(open_indexes(indexes)))


def run(*arguments: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    return done.exit_code, done.stdout if "--print0" in arguments else done.output


def test_a_stored_picture_is_not_encoded_again_even_if_its_file_is_away(
    photos: Path, index: Path
) -> None:
    before = calculator(index)("img(red) - img(blue)").vector
    (photos / "red.png").rename(photos.parent / "elsewhere.png")
    calc = calculator(index)
    result = calc("img(red) - img(blue)")
    np.testing.assert_allclose(result.vector, before, atol=1e-6)
    encoder: Any = calc.models.encoder
    assert ("images", 1) not in encoder.batches and ("images", 2) not in encoder.batches
    assert len(result.nearest(3)) == 3 and "img(red)" in result._repr_mimebundle_()["text/plain"]
    with pytest.raises(ZcalcError, match="red"):
        calc("crop(img(red), 0, 0, 1, 0.5)")


def test_any_file_is_a_query_where_that_is_allowed(index: Path, tmp_path: Path) -> None:
    far = save_photo(tmp_path / "far" / "scarlet.png", "red")
    calc = calculator(index)
    with pytest.raises(ZcalcError, match="--allow-files"):
        calc(f'img("{far}")')
    calc.gallery.allow_files = True
    assert calc(f'img("{far}")').nearest(1)[0].name == "red"
    for place in (tmp_path / "missing.png", tmp_path, "/dev/zero", "http://x/y.png"):
        with pytest.raises(ZcalcError):
            calc(f'img("{place}")')


def test_pages_follow_one_another(photos: Path, mosaics: Path, tmp_path: Path) -> None:
    update(source_of([photos, mosaics]), HashEncoder(), tmp_path / "i")  # with equal scores
    result = calculator(tmp_path / "i")("img(m0)")
    whole = [hit.name for hit in result.nearest(6)]
    pages = [hit.name for start in (0, 2, 4) for hit in result.nearest(2, offset=start)]
    assert pages == whole
    folded = [hit.name for hit in result.nearest(6, fold=0.9)]
    assert [h.name for s in (0, 3) for h in result.nearest(3, fold=0.9, offset=s)] == folded
    assert result.nearest(5, offset=100) == []
    with pytest.raises(ZcalcError, match="negative"):
        result.nearest(5, offset=-1)


def test_hits_are_a_list_and_a_table(photos: Path, tmp_path: Path) -> None:
    table = photos / "t.csv"
    table.write_text("path,year\nred.png,1999\nblue.png,2001\ngreen.png,\n")
    update(source_of([table]), HashEncoder(), tmp_path / "j")
    hits = calculator(tmp_path / "j")("img(red)").nearest(3, keep_operands=True)
    assert isinstance(hits, list) and hits[0].path == str(photos / "red.png")
    rows = hits.to_dicts()
    by_name = {row["name"]: row for row in rows}
    assert by_name["red"]["year"] == 1999 and "year" not in by_name["green"]
    assert list(hits.to_pandas().columns) == hits.to_polars().columns
    assert hits.to_polars()["name"].to_list() == [hit.name for hit in hits]


def test_several_indexes_are_searched_as_one(mosaics: Path, tmp_path: Path) -> None:
    for number, name in enumerate(("purple", "gold", "teal")):
        mosaic(tmp_path / "more" / f"{name}.png", 90 + number)
    table = tmp_path / "more" / "t.csv"
    table.write_text("path,year\npurple.png,1\ngold.png,2\nteal.png,3\n")
    update(source_of([mosaics]), HashEncoder(), tmp_path / "a")
    update(source_of([table]), HashEncoder(), tmp_path / "b")
    update(source_of([mosaics, table]), HashEncoder(), tmp_path / "both")
    merged, one = calculator(tmp_path / "a", tmp_path / "b"), calculator(tmp_path / "both")
    for source in ("img(m1)", '"a dog"', "img(gold) - img(teal)"):
        got, want = merged(source).nearest(6), one(source).nearest(6)
        assert [(h.path, round(h.score, 5)) for h in got] == [
            (h.path, round(h.score, 5)) for h in want
        ]
    where = merged('"x"').nearest(5, where="year > 1")
    assert {hit.name for hit in where} == {"gold", "teal"}

    class Other(HashEncoder):
        identity = "hash-2"

    update(source_of([mosaics]), Other(), tmp_path / "c")
    with pytest.raises(ZcalcError, match="scores can't be compared"):
        open_indexes([tmp_path / "a", tmp_path / "c"])


def test_duplicates_keep_the_largest_first(photos: Path, tmp_path: Path) -> None:
    (photos / "pink.png").unlink()  # its colours are those of white here
    save_photo(photos / "red large.png", "red", (400, 300))
    (photos / "red copy.png").write_bytes((photos / "red.png").read_bytes())
    save_photo(photos / "navy2.png", "navy", (64, 64))
    index, _ = update(source_of([photos]), HashEncoder(), tmp_path / "i")
    groups = duplicates(index, 0.999)
    found = [[hit.name for hit in group] for group in groups]
    assert found[0][0] == "red large" and set(found[0]) == {"red large", "red", "red copy"}
    assert sorted(found[1]) == ["navy", "navy2"] and len(found) == 2
    with pytest.raises(ZcalcError, match="between 0 and 1"):
        duplicates(index, 2)


def test_clusters_are_those_that_were_planted(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    centres = np.eye(16)[:3]
    rows = np.concatenate([c + 0.05 * rng.normal(size=(n, 16)) for c, n in
                           zip(centres, (30, 20, 10), strict=True)])  # fmt: skip
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    from zcalc.index import Entry

    entries = [Entry(f"p{i}", f"/p/{i}", 1, 1, "00" * 32) for i in range(60)]
    found = clusters(Index.of("m", rows, entries), 3)
    assert [sorted(c.rows.tolist()) for c in found] == [
        list(range(30)), list(range(30, 50)), list(range(50, 60)),
    ]  # fmt: skip
    with pytest.raises(ZcalcError, match="can't make"):
        clusters(Index.of("m", rows, entries), 61)


@pytest.mark.model
def test_the_commands(photos: Path, tmp_path: Path) -> None:
    place, out = tmp_path / "m", tmp_path / "out"
    save_photo(photos / "red too.png", "red", (90, 60))
    assert run("index", "build", photos, "-o", place)[0] == 0
    queries = tmp_path / "q.txt"
    queries.write_text('# two\n"red"\n\nimg(blue) + \nimg(blue)\n')
    code, output = run("nearest", "--queries", queries, "--index", place, "-k", "1", "--json")
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert code == 1 and [line["expr"] for line in lines] == ['"red"', "img(blue)"]
    table = tmp_path / "q.csv"
    table.write_text('n,expr\n1,"""red"""\n2,img(blue)\n')
    assert run("nearest", "--queries", table, "--index", place)[0] == 0
    code, output = run("nearest", "img(red)", "--index", place, "-k", "2", "--print0")
    assert code == 0 and len([p for p in output.split("\0") if Path(p).is_file()]) == 2
    for _ in range(2):
        assert run("nearest", "img(red)", "--index", place, "-k", "2", "--copy-to", out)[0] == 0
    assert len(list(out.iterdir())) == 4  # nothing is overwritten
    far = save_photo(tmp_path / "far.png", "pink")
    assert run("nearest", f'img("{far}")', "--index", place)[0] == 1
    assert run("nearest", f'img("{far}")', "--index", place, "--allow-files")[0] == 0
    code, output = run("index", "duplicates", place)
    assert code == 0 and "keep" in output and "red too" in output
    dropped = run("index", "duplicates", place, "--print0")[1].split("\0")[0]
    assert Path(dropped) == photos / "red.png"
    code, output = run("index", "clusters", place, "-k", "2", "--words", "3")
    assert code == 0 and output.startswith("1. ") and "apart by:" in output
    code, output = run("embed", '"a dog"', "img(red) - img(blue)", "-o", tmp_path / "v.npy",
                       "--index", place)  # fmt: skip
    rows, manifest = np.load(tmp_path / "v.npy"), json.loads((tmp_path / "v.json").read_text())
    assert (
        code == 0
        and rows.shape == (2, manifest["dimensions"])
        and len(manifest["expressions"]) == 2
    )
    assert run("embed", table, "-o", tmp_path / "w.npy", "--index", place)[0] == 0
    assert len(np.load(tmp_path / "w.npy")) == 2


def test_watching_keeps_an_index_current(photos: Path, tmp_path: Path) -> None:
    folder, stop, updates = photos / "i.zidx", threading.Event(), []

    def refresh() -> None:
        updates.append(len(update(source_of([photos]), HashEncoder(), folder)[0]))

    refresh()
    options = {"ignore": folder, "quiet": 0.3}
    source = source_of([photos])
    thread = threading.Thread(target=watch, args=(source, refresh, stop), kwargs=options)
    thread.start()
    try:
        time.sleep(0.5)
        for number in range(5):
            save_photo(photos / f"new{number}.png", f"#{number}{number}0000")
            time.sleep(0.02)
        end = time.monotonic() + 20
        while updates[-1] < 12 and time.monotonic() < end:
            time.sleep(0.05)
        assert updates[-1] == 12
        count = len(updates)
        assert count <= 4  # what comes together is one update
        time.sleep(1.0)
        assert len(updates) <= count + 1  # the index's own files are no change
    finally:
        stop.set()
        thread.join()
    assert len(Index.open(folder)) == 12


@pytest.mark.heavy
def test_a_watcher_that_is_killed_leaves_the_index_whole(photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "i"
    command = [sys.executable, "-m", "zcalc", "index", "watch", str(photos), "-o", str(folder)]
    for kill_after, name in ((0.0, "one"), (2.5, "two"), (0.0, "three")):
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        assert any("Watching" in line for line in process.stderr)
        count = len(Index.open(folder))
        save_photo(photos / f"{name}.png", f"#{len(name)}{len(name)}00ff")
        if kill_after:
            time.sleep(kill_after)
        else:
            end = time.monotonic() + 60
            while len(Index.open(folder)) == count and time.monotonic() < end:
                time.sleep(0.1)
        process.kill()
        process.wait()
        Index.open(folder).check()
    names = {entry.name for entry in Index.open(folder).entries}
    assert {"one", "two", "three"} <= names and len(names) == len(COLOURS) + 3
