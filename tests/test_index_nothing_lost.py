"""Nothing is taken out of an index that nobody asked to be taken out."""

import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import HashEncoder, save_photo
from typer.testing import CliRunner

import zcalc.index.build as builds
import zcalc.index.kept as kept_aside
from zcalc.cli import app
from zcalc.errors import ZcalcError
from zcalc.index import AtStake, Index, Report, Settings, known_sources, source_of, update
from zcalc.index.edit import compact, remove

COLOURS = ("red", "green", "blue")
real = builds.is_unchanged


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Two folders of pictures, and where their index goes."""
    for folder, colours in (("a", COLOURS), ("b", ("white", "black"))):
        for colour in colours:
            save_photo(tmp_path / folder / f"{colour}.png", colour)
    return tmp_path / "a", tmp_path / "b", tmp_path / "i.zidx"


def build(folder: Path, *places: Path, **settings: Any) -> tuple[Report, int]:
    """Update an index; its report, and how many pictures went through the encoder."""
    encoder = HashEncoder()
    source = source_of(places, known=known_sources(folder))
    _, report = update(source, encoder, folder, Settings(**settings))
    return report, sum(count for kind, count in encoder.batches if kind == "images")


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in Index.open(folder).entries)


def files(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if not p.name.startswith("journal")}


@pytest.mark.parametrize("gone", ["missing", "empty"])
def test_a_source_that_is_gone_stops_the_build(places: tuple[Path, ...], gone: str) -> None:
    a, b, folder = places
    build(folder, a, b)
    before = files(folder)
    a.rename(a.with_name("elsewhere"))
    if gone == "empty":
        a.mkdir()
    with pytest.raises(AtStake) as caught:
        build(folder, a, b)
    why = "isn't there" if gone == "missing" else "has no pictures now"
    assert f"{a} {why}" in caught.value.message and "3 pictures" in caught.value.message
    assert "--prune" in str(caught.value) and files(folder) == before
    report, _ = build(folder, a, b, prune=True)
    assert report.removed == 3 and names(folder) == ["black", "white"]
    shutil.rmtree(a, ignore_errors=True)
    a.with_name("elsewhere").rename(a)
    report, encoded = build(folder, a, b)
    assert (report.added, encoded) == (3, 0)  # their vectors were kept aside
    assert names(folder) == sorted([*COLOURS, "black", "white"])
    fresh, _ = update(source_of([a, b]), HashEncoder())
    rows = dict(zip(fresh.paths, np.asarray(fresh.vectors), strict=True))
    again = Index.open(folder)
    for path, row in zip(again.paths, np.asarray(again.vectors), strict=True):
        np.testing.assert_array_equal(row, rows[path])


def test_the_only_source_gone_stops_the_build_too(places: tuple[Path, ...]) -> None:
    a, _, folder = places
    build(folder, a)
    a.rename(a.with_name("elsewhere"))
    with pytest.raises(AtStake, match="isn't there"):
        build(folder, a)
    with pytest.raises(ZcalcError, match="There are no pictures"):
        build(folder, a, prune=True)
    assert len(Index.open(folder)) == 3
    with pytest.raises(ZcalcError, match="There is no folder"):
        build(folder, a.with_name("typo"), replace=True)


def test_a_table_whose_disk_is_away_stops_the_build(places: tuple[Path, ...]) -> None:
    a, b, folder = places
    table = a.parent / "list.csv"
    table.write_text("path\n" + "".join(f"b/{p.name}\n" for p in sorted(b.iterdir())))
    build(folder, a, table)
    b.rename(b.with_name("unmounted"))
    with pytest.raises(AtStake, match=r"list\.csv has no pictures now.*2 pictures"):
        build(folder, a, table)
    assert len(Index.open(folder)) == 5


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_source_without_permission_stops_the_build(places: tuple[Path, ...]) -> None:
    a, b, folder = places
    build(folder, a, b)
    a.chmod(0)
    try:
        with pytest.raises(AtStake, match="Permission denied"):
            build(folder, a, b)
    finally:
        a.chmod(0o755)


def test_a_build_of_other_sources_asks_before_it_drops_some(places: tuple[Path, ...]) -> None:
    a, b, folder = places
    build(folder, a)
    before = files(folder)
    with pytest.raises(AtStake) as caught:
        build(folder, b)
    assert f"3 pictures from {a}" in caught.value.message and files(folder) == before
    report, _ = build(folder, b, replace=True)
    assert (report.removed, report.added) == (3, 2)
    assert build(folder, a.parent, replace=True)[1] == 0  # both, from the folder above
    build(folder, a.parent)
    assert len(Index.open(folder)) == 5


def test_a_build_of_the_folder_above_drops_nothing(places: tuple[Path, ...]) -> None:
    a, b, folder = places
    build(folder, a, b)
    report, encoded = build(folder, a.parent)
    assert (report.unchanged, report.removed, encoded) == (5, 0, 0)
    assert [info.path for info in Index.open(folder).manifest.sources] == [str(a.parent)]


def test_another_model_asks_before_it_encodes_everything_again(places: tuple[Path, ...]) -> None:
    a, _, folder = places
    build(folder, a)

    class Other(HashEncoder):
        identity = "hash-2"

    with pytest.raises(AtStake, match=r"hash-1: 3 pictures would be encoded again with hash-2"):
        update(source_of([a]), Other(), folder)
    index, _ = update(source_of([a]), Other(), folder, Settings(replace=True))
    assert index.model == "hash-2"


def test_adding_keeps_what_is_there_without_a_look(places: tuple[Path, ...]) -> None:
    a, b, folder = places
    (a / "red.txt").write_text("a red square")
    table = a.parent / "more.csv"
    table.write_text("path,caption,year\nb/white.png,snow,1999\n")
    build(folder, a, table)
    a.rename(a.with_name("unmounted"))
    before = Index.open(folder)
    report, encoded = build(folder, b, keep_others=True)
    after = Index.open(folder)
    assert (report.removed, encoded, len(after)) == (0, 1, 5)
    for path in before.paths:
        old, new = before.paths.index(path), after.paths.index(path)
        if path not in {str(b / "white.png")}:  # listed by the folder now
            assert after.metadata(new) == before.metadata(old)
        np.testing.assert_array_equal(after.vectors.take([new]), before.vectors.take([old]))
    assert [Path(i.path).name for i in after.manifest.sources] == ["a", "more.csv", "b"]
    a.with_name("unmounted").rename(a)
    report, encoded = build(folder, *(Path(i.path) for i in after.manifest.sources))
    assert (report.removed, report.added, encoded) == (0, 0, 0)


def test_removing_sources_folders_and_patterns(places: tuple[Path, ...]) -> None:
    a, b, folder = places
    save_photo(a / "trip" / "one.png", "gold")
    build(folder, a, b)
    assert remove(folder, ["bl*"])[1] == 2 and names(folder) == ["green", "one", "red", "white"]
    assert remove(folder, [str(a / "trip")])[1] == 1
    assert [Path(i.path).name for i in Index.open(folder).manifest.sources] == ["a", "b"]
    assert remove(folder, [str(b)])[1] == 1
    index = Index.open(folder)
    assert [i.path for i in index.manifest.sources] == list(index.roots) == [str(a)]
    with pytest.raises(ZcalcError, match=r"matches it.*\n.*Its sources are"):
        remove(folder, ["geen*"])
    with pytest.raises(ZcalcError, match="would take out all 2 pictures"):
        remove(folder, ["*"])
    report, encoded = build(folder, a, b)
    assert (report.added, encoded) == (4, 0)


def test_compacting_gives_space_back_and_keeps_every_picture(places: tuple[Path, ...]) -> None:
    a, b, folder = places
    for i in range(1, 60):
        save_photo(a / f"p{i}.png", (i, 2 * i, 3 * i))
    build(folder, a, b)
    remove(folder, ["p1*", str(b)])
    before, left = Index.open(folder), names(folder)
    rows = np.asarray(before.vectors)
    assert before.manifest.parts[0].rows > before.manifest.parts[0].count
    index, freed = compact(folder)
    assert freed > 0 and names(folder) == left
    np.testing.assert_array_equal(np.asarray(index.vectors), rows)
    assert all(part.rows == part.count for part in index.manifest.parts)
    assert {p.name.partition("-")[0] for p in folder.iterdir()} <= {
        ".lock", "manifest.json", "vectors", "table", "structure",
    }  # fmt: skip
    assert build(folder, a, b)[1] == 13  # nothing was kept aside


def test_flipped_bits_in_what_is_kept_aside_are_found(places: tuple[Path, ...]) -> None:
    a, b, folder = places
    build(folder, a, b)
    fresh, _ = update(source_of([a, b]), HashEncoder())
    right = dict(zip(fresh.paths, np.asarray(fresh.vectors), strict=True))
    remove(folder, [str(a)])
    (aside,) = folder.glob("kept-*.bin")
    data, rng = aside.read_bytes(), np.random.default_rng(0)
    again, encoded = folder.with_name("again"), 0
    for position in rng.integers(0, len(data), 100):
        shutil.rmtree(again, ignore_errors=True)
        shutil.copytree(folder, again)
        flipped = bytearray(data)
        flipped[position] ^= 1 << int(rng.integers(8))
        (again / aside.name).write_bytes(flipped)
        encoded += build(again, a, b)[1]
        index = Index.open(again)
        for path, row in zip(index.paths, np.asarray(index.vectors), strict=True):
            np.testing.assert_array_equal(row, right[path])
    assert encoded >= 100  # what is damaged is encoded again


def test_what_is_kept_aside_is_bounded(
    places: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b, folder = places
    for i in range(40):
        save_photo(a / f"p{i:02}.png", (i + 1, 2 * i, 3 * i))
    row = 32 + 16 + 4 * HashEncoder.dim + 4
    monkeypatch.setattr(kept_aside, "MAX_BYTES", 10 * row)
    build(folder, a, b)
    for number in range(4):
        remove(folder, [f"p{number}*"])
        (aside,) = folder.glob("kept-*.bin")
        assert aside.stat().st_size == 10 * row, number
    assert build(folder, a, b)[1] == 30


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), MemoryError()])
def test_a_reason_that_may_pass_is_tried_again(
    places: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch, error: Exception,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    a, _, folder = places
    build(folder, a)
    save_photo(a / "red.png", "maroon")  # changed, and can't be read
    save_photo(a / "new.png", "pink")  # new, and can't be read
    (a / "bad.png").write_bytes(b"no picture")

    def failing(self: HashEncoder, picture: Any) -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(HashEncoder, "prepare", failing)
        report, _ = build(folder, a)
    assert "1 picture can't be read now and stays" in " ".join(capsys.readouterr().err.split())
    assert sorted(Path(s.path).name for s in report.skipped) == ["bad.png", "new.png"]
    assert names(folder) == sorted(COLOURS)
    report, encoded = build(folder, a)
    assert (report.added, report.updated, encoded) == (1, 1, 2)
    assert [Path(s.path).name for s in report.skipped] == ["bad.png"]
    assert build(folder, a)[1] == 0


def test_the_commands(places: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    a, b, folder = places

    def run(*arguments: str | Path) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["index", *map(str, arguments)])
        return done.exit_code, done.output

    assert run("build", a, "-o", folder)[0] == 0
    code, output = run("build", b, "-o", folder)
    assert code == 1 and "--replace" in output and "zcalc index add" in output
    assert "2 added, 0 updated, 0 moved, 0 removed" in run("add", b, "-o", folder)[1]
    assert f"{a} (3), {b} (2)" in " ".join(run("info", folder)[1].split())
    assert "5 unchanged" in run("build", "-o", folder)[1]  # its own sources
    assert "2 removed, 3 left" in run("remove", b, "-o", folder)[1]
    assert "freed, 3 pictures" in run("compact", folder)[1]
    (a / "bad.png").write_bytes(b"no picture")
    code, output = run("build", "-o", folder)
    assert code == 0 and "bad.png" in output
    assert run("build", "-o", folder, "--strict")[0] == 1
    assert "There is no index" in run("build", "-o", folder.with_name("new.zidx"))[1]


def add_tar(a: Path, b: Path) -> None:
    with tarfile.open(b / "x.tar", "w") as tar:
        tar.add(a / "green.png", "inside.png")


changes: dict[str, Callable[[Path, Path], Any]] = {
    "new": lambda a, b: save_photo(b / "pink.png", "pink"),
    "changed": lambda a, b: save_photo(b / "white.png", "gold"),
    "removed": lambda a, b: (b / "white.png").unlink(),
    "renamed": lambda a, b: (b / "white.png").rename(b / "snow.png"),
    "caption": lambda a, b: (b / "white.txt").write_text("snow"),
    "caption changed": lambda a, b: (a / "red.txt").write_text("a wall"),
    "link": lambda a, b: (b / "link.png").symlink_to(a / "green.png"),
    "tar": add_tar,
    "ignored": lambda a, b: (b / ".zcalcignore").write_text("white.png\n"),
    "bad picture mended": lambda a, b: save_photo(a / "bad.png", "navy"),
    "share": lambda a, b: None,
    "exclude": lambda a, b: None,
}


@pytest.mark.parametrize("what", changes)
def test_what_is_seen_at_a_glance_is_what_the_listing_sees(
    places: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A build that takes the quick look ends in the same index as one that never does."""
    a, b, folder = places
    (a / "red.txt").write_text("a red square")
    (a / "bad.png").write_bytes(b"no picture")
    settings: dict[str, Any] = {"caption_share": 0.5}
    build(folder, a, b, **settings)
    shutil.copytree(folder, folder.with_name("slow"))
    looked = []
    monkeypatch.setattr(
        builds, "is_unchanged", lambda *args: looked.append(real(*args)) or looked[-1]
    )
    build(folder, a, b)
    assert looked == [True]
    changes[what](a, b)
    settings = {"share": {"caption_share": 0.25}, "exclude": {"exclude": ["black*"]}}.get(
        what, settings
    )
    report, _ = build(folder, a, b, **settings)
    assert True not in looked[1:]
    with monkeypatch.context() as patch:
        patch.setattr(builds, "is_unchanged", lambda *args: False)
        other, _ = build(folder.with_name("slow"), a, b, **settings)
    assert report == other
    fast, slow = Index.open(folder), Index.open(folder.with_name("slow"))
    assert fast.entries == slow.entries and fast.captions == slow.captions
    np.testing.assert_array_equal(np.asarray(fast.vectors), np.asarray(slow.vectors))
    if what not in ("link", "tar", "ignored"):
        build(folder, a, b)
        assert looked[-1]
