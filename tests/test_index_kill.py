"""`kill -9` at every point of a build, and concurrent writers of one index."""

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import index_child
import numpy as np
import pytest
from helpers import HashEncoder, save_photo
from index_child import Child, Server

from zcalc.errors import ZcalcError
from zcalc.index import Index, source_of, update
from zcalc.index.edit import remove
from zcalc.index.export import export

SOAK = bool(os.environ.get("ZCALC_SOAK"))
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL and fork")


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[..., Child]]:
    """Starts a function of index_child in a new process."""
    server = Server()
    yield server.start
    server.close()


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory, if available: kills work the same there, and fsync is faster."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else None) as place:
        yield Path(place)


def photos_in(folder: Path, count: int, seed: int = 0) -> Path:
    rng = random.Random(seed)
    for i in range(count):
        colour = tuple(rng.randrange(256) for _ in range(3))
        save_photo(folder / f"p{i:03}.png", colour, (24, 16))  # type: ignore[arg-type]
    return folder


def state(folder: Path) -> Any:
    """The content of an index, to compare; None if there is no index."""
    try:
        index = Index.open(folder)
    except ZcalcError as error:
        assert "There is no index" in error.message
        return None
    index.check()
    return index.entries, index.skipped, np.asarray(index.vectors).tobytes()


def change(photos: Path) -> None:
    """Every kind of change: new, changed, moved, removed and bad pictures."""
    save_photo(photos / "new.png", "pink")
    save_photo(photos / "p001.png", "gold")
    (photos / "p002.png").rename(photos / "moved.png")
    (photos / "p003.png").unlink()
    (photos / "bad.png").write_bytes(b"no picture")


@pytest.mark.parametrize("first", [True, False], ids=["build", "update"])
def test_killed_at_every_write_fsync_and_replace(
    start: Callable, memory: Path, first: bool
) -> None:
    """At every point the index is the old or the new one, and the next build leads to the new."""
    kills: Counter[str] = Counter()
    for seed in range(10 if SOAK else 1):
        photos = photos_in(memory / f"photos{seed}", 9, seed)
        if not first:
            update(source_of([photos]), HashEncoder(), memory / "start")
            change(photos)
        old = state(memory / "start")
        shutil.rmtree(memory / "new", ignore_errors=True)
        if not first:
            shutil.copytree(memory / "start", memory / "new")
        new = state_after(photos, memory / "new")
        for when in ("before", "during", "after"):
            for point in range(1, 200):
                killed = one_kill(start, photos, (point, when), (old, new))
                if not killed:
                    break
                kills[when] += 1
        shutil.rmtree(memory / "start", ignore_errors=True)
    times = 10 if SOAK else 1
    assert kills["before"] >= 25 * times, kills
    assert kills["during"] >= 5 * times and kills["after"] >= 3 * times, kills


def one_kill(start: Callable, photos: Path, point: tuple[int, str], states: tuple) -> bool:
    """Kill a build at a point; returns whether it got that far."""
    place = photos.parent
    folder, log = place / "killed", place / "log"
    shutil.rmtree(folder, ignore_errors=True)
    log.unlink(missing_ok=True)
    if states[0] is not None:
        shutil.copytree(place / "start", folder)
    process = start(index_child.build, str(photos), str(folder), str(log), *point)
    process.wait()
    logged = log.read_text()
    assert process.code == (-signal.SIGKILL if "killed" in logged else 0), logged
    after_kill = state(folder)
    assert after_kill in states, logged
    if "acknowledged" in logged:
        assert after_kill == states[1], logged
    assert state_after(photos, folder) == states[1], logged
    assert leftovers(folder) == set(), logged
    return "killed" in logged


def state_after(photos: Path, folder: Path) -> Any:
    update(source_of([photos]), HashEncoder(), folder)
    return state(folder)


def leftovers(folder: Path) -> set[str]:
    """Files that neither generation refers to."""
    expected = {".lock", "manifest.json", "previous.json"} | Index.open(folder).manifest.files()
    if (folder / "previous.json").exists():
        expected |= Index.open(folder, previous=True).manifest.files()
    kept = {path.name for path in folder.glob("kept-*.bin")}
    return {path.name for path in folder.iterdir()} - expected - kept


@pytest.mark.parametrize("what", ["add", "remove", "compact", "import"])
def test_killed_while_adding_removing_compacting_and_importing(
    start: Callable, memory: Path, what: str
) -> None:
    """At every point the index is as before or as after, and the same command leads to after."""
    encoder, first = HashEncoder(), memory / "start"
    photos_in(memory / "photos", 7)
    photos_in(memory / "more", 5, seed=1)
    update(source_of([memory / "more"]), encoder, memory / "other")
    export(Index.open(memory / "other"), memory / "export.parquet")
    both = [memory / "photos", memory / "more"]
    update(source_of(both if what in ("remove", "compact") else both[:1]), encoder, first)
    if what == "compact":
        remove(first, ["p001*"])
    old = state(first)
    shutil.copytree(first, memory / "new")
    index_child.operation(what, memory, memory / "new")
    new = state(memory / "new")
    assert (old == new) == (what == "compact")
    kills = 0
    for when in ("before", "during", "after"):
        for point in range(1, 200):
            folder, log = memory / "killed", memory / "log"
            shutil.rmtree(folder, ignore_errors=True)
            log.unlink(missing_ok=True)
            shutil.copytree(first, folder)
            process = start(
                index_child.operate, what, str(memory), str(folder), str(log), point, when
            )
            process.wait()
            logged = log.read_text()
            assert process.code == (-signal.SIGKILL if "killed" in logged else 0), logged
            after_kill = state(folder)
            assert after_kill in (old, new), logged
            if what != "remove" or after_kill == old:
                index_child.operation(what, memory, folder)
            assert state(folder) == new, logged
            if "killed" not in logged:
                assert after_kill == new
                break
            kills += 1
    assert kills >= 10, kills


def test_a_build_killed_at_random_moments_ends_in_the_identical_index(
    start: Callable, tmp_path: Path
) -> None:
    """At most one batch per kill is encoded twice."""
    count, kills = (500, 50) if SOAK else (160, 8)
    photos = photos_in(tmp_path / "photos", count)
    update(source_of([photos]), HashEncoder(), tmp_path / "reference")
    log, folder = tmp_path / "log", tmp_path / "killed"
    log.touch()
    rng = random.Random(0)
    runs = 0
    while "acknowledged" not in log.read_text():
        process = start(index_child.build_slowly, str(photos), str(folder), str(log), 0.05)
        while log.read_text().count("started") <= runs:
            time.sleep(0.001)
        runs += 1
        process.wait(rng.uniform(0.0, 0.12) if runs <= kills else 60)
        process.kill()
    assert runs > kills
    assert state(folder) == state(tmp_path / "reference")
    assert files(folder) == files(tmp_path / "reference")
    lines = [line for line in log.read_text().splitlines() if " " in line]
    encoded = sum(int(n) for event, n in map(str.split, lines) if event == "encoded")
    assert count <= encoded <= count + runs * index_child.SlowEncoder.batch_size


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_concurrent_writers_lose_no_pictures(start: Callable, tmp_path: Path) -> None:
    writers, each = (8, 50) if SOAK else (4, 10)
    photos, folder = photos_in(tmp_path / "photos", 3), tmp_path / "p.zidx"
    logs = [tmp_path / f"log{i}" for i in range(writers + 1)]
    update(source_of([photos]), HashEncoder(), folder)
    reader = start(index_child.read_repeatedly, str(folder), str(logs[-1]), 600.0)
    processes = [
        start(index_child.add_pictures, str(photos), str(folder), str(log), f"w{i}", each)
        for i, log in enumerate(logs[:-1])
    ]
    for process in processes:
        assert process.wait(600) == 0
    (folder / "stop").touch()
    assert reader.wait() == 0 and int(logs[-1].read_text().split()[1]) > 3
    (folder / "stop").unlink()
    index = Index.open(folder)
    index.check()
    acknowledged = {line.split()[1] for log in logs[:-1] for line in log.read_text().splitlines()}
    assert len(acknowledged) == writers * each and len(index) == 3 + writers * each
    assert acknowledged <= {entry.name for entry in index.entries}
    assert leftovers(folder) == set()
