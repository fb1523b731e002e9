"""Captions for every picture of a folder: tables, text files, and runs that go on."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers import save_photo
from typer.testing import CliRunner

import zcalc
from zcalc import sidecars
from zcalc.calculator import Calculator
from zcalc.cli import app
from zcalc.errors import ZcalcError
from zcalc.labelling import COLUMNS, Labelling, write_table

pytestmark = pytest.mark.model
COLOURS = ("red", "green", "blue", "yellow")
FAST = ["--set", "max_tokens=2", "--beams", "1", "--method", "search"]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for colour in COLOURS:
        save_photo(folder / f"{colour}.jpg", colour)
    return folder


def run(*arguments: str | Path):
    return CliRunner().invoke(app, ["caption", *map(str, arguments), *FAST])


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", errors="surrogateescape", newline="") as table:
        return list(csv.DictReader(table))


def test_a_table_has_what_python_writes(photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    result = run("--images", photos, "--csv", file, "-k", 2)
    assert result.exit_code == 0, result.output
    assert "4 of 4 pictures captioned" in result.output
    calc = zcalc.load("mini", images=photos)
    for row in rows(file):
        expected = calc.img(row["name"]).caption("search", max_tokens=2, beams=1)
        assert row["caption"].lower() == expected.text.removeprefix("Image of ").lower()
        assert float(row["clip"]) == pytest.approx(expected.clip, abs=1e-3)
        words = [word.text for word in calc.img(row["name"]).words(2)]
        assert row["words"] == ", ".join(words)
        assert Path(row["path"]).parent == photos
    assert [row["name"] for row in rows(file)] == sorted(COLOURS)


def test_a_second_run_captions_only_what_is_new_or_changed(photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    run("--images", photos, "--csv", file)
    before = rows(file)
    save_photo(photos / 'new, "quoted"\nname.jpg', "black")
    os.utime(photos / "red.jpg", ns=(1, 1))
    (photos / "blue.jpg").unlink()
    again = run("--images", photos, "--csv", file)
    assert "2 of 4 pictures captioned" in again.output
    after = {Path(row["path"]).stem: row for row in rows(file)}
    assert set(after) == {"red", "green", "yellow", 'new, "quoted"\nname'}
    assert after["green"] == next(row for row in before if row["name"] == "green")
    assert after["red"]["modified"] == "1"


def test_unreadable_pictures_are_named_and_tried_again(photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    (photos / "broken.jpg").write_bytes(b"no picture")
    first = run("--images", photos, "--csv", file)
    assert "4 of 5 pictures captioned" in first.output
    assert "skipped broken: Can't read broken.jpg" in first.output
    assert next(row for row in rows(file) if row["name"] == "broken")["error"]
    save_photo(photos / "broken.jpg", "black")
    assert "1 of 5 pictures captioned" in run("--images", photos, "--csv", file).output
    assert not any(row["error"] for row in rows(file))


def test_other_settings_never_mix_with_an_earlier_run(photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    run("--images", photos, "--csv", file)
    before = file.read_bytes()
    other = run("--images", photos, "--csv", file, "--template", "{words}")
    assert other.exit_code == 1
    assert "made with other models or settings" in other.output
    assert file.read_bytes() == before
    replaced = run("--images", photos, "--csv", file, "--template", "{words}", "--overwrite")
    assert replaced.exit_code == 0
    assert all(row["caption"] == row["words"] for row in rows(file))
    foreign = tmp_path / "mine.csv"
    foreign.write_text("a,b\n1,2\n")
    assert "not a table of captions" in run("--images", photos, "--csv", foreign).output
    assert foreign.read_text() == "a,b\n1,2\n"


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    folder, file = tmp_path / "many", tmp_path / "out.csv"
    folder.mkdir()
    for number in range(40):
        save_photo(folder / f"{number:02}.jpg", COLOURS[number % 4])
    command = [sys.executable, "-m", "zcalc", "caption", "--images", str(folder)]
    command += ["--csv", str(file), *FAST]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    limit = time.monotonic() + 120
    while child.poll() is None and time.monotonic() < limit:
        if file.exists() and file.read_bytes().count(b"\n") > 1:
            break
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    kept = len(rows(file))
    assert 0 < kept < 40
    with file.open("ab") as table:
        table.write(b'half,"a ro')
    result = run("--images", folder, "--csv", file)
    assert f"{40 - kept} of 40 pictures captioned" in result.output
    assert sorted(row["name"] for row in rows(file)) == [f"{number:02}" for number in range(40)]


def test_text_files_are_what_zcalc_reads_as_captions(photos: Path) -> None:
    (photos / "red.txt").write_text("my own words")
    result = run("--images", photos, "--sidecars", "--template", "{name}: {caption}")
    assert "3 of 4 pictures captioned into text files" in result.output
    assert (photos / "red.txt").read_text() == "my own words"
    caption = sidecars.find(photos / "green.jpg")
    assert callable(caption) or caption
    calc = zcalc.load("mini", images=photos)
    assert calc.gallery.find("green").caption.startswith("green: ")


def test_an_interrupt_writes_no_half_batch(photos: Path, tmp_path: Path) -> None:
    calc = Calculator.create("mini", images=photos)
    labelling = Labelling(calculator=calc, settings={"max_tokens": 2, "beams": 1}, method="search")
    file = tmp_path / "out.csv"
    writing = write_table(labelling, file)
    next(writing)
    with pytest.raises(KeyboardInterrupt):
        writing.throw(KeyboardInterrupt)
    assert len(rows(file)) == 4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Give either EXPR, or --csv or --sidecars"),
        (["img(cat)", "--sidecars"], "not both"),
        (["--csv", "out.csv", "--sidecars"], "Give either --csv or --sidecars"),
    ],
)
def test_wrong_usage(arguments: list[str], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", " ").split())


def test_a_template_has_known_fields_only() -> None:
    calc = Calculator.create("mini")
    with pytest.raises(ZcalcError, match="unknown field: colour"):
        Labelling(calculator=calc, settings={}, template="{caption} {colour}")
    with pytest.raises(ZcalcError, match="has no setting fusion"):
        Labelling(calculator=calc, settings={"fusion": 0.9}, method="search")
    assert COLUMNS[:3] == ("path", "name", "caption")
