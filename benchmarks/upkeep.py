"""Keeping an index: builds without changes, a renamed folder, queries against a million vectors.

python benchmarks/upkeep.py unchanged    # 100,000 files, beside os.scandir with stat over them
python benchmarks/upkeep.py renamed      # 20,000 files, beside reading and hashing their bytes
python benchmarks/upkeep.py million      # a query in the shell: the first one, and later ones

Pictures are small PNGs with a few kilobytes of noise; a stand-in encodes them, as no build here
encodes anything that it knows.
"""

import argparse
import hashlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from zcalc.index import Index, save, source_of, update

DIM = 64


class StandIn:
    """An encoder that costs nothing."""

    identity, dim, batch_size = "stand-in", DIM, 256

    def prepare(self, picture: Image.Image) -> np.ndarray:
        return np.asarray(picture.resize((4, 4)), np.float32).ravel()

    def encode(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        rows = np.zeros((len(inputs), DIM), np.float32)
        rows[:, :48] = np.stack(inputs) + 1
        return rows

    def texts(self, texts: Sequence[str]) -> np.ndarray:
        return np.ones((len(texts), DIM), np.float32)


def seconds(function: Callable[[], object]) -> float:
    """Wall time of one call, in seconds."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def make_pictures(folder: Path, count: int, side: int) -> None:
    """Save pictures of noise, a hundred in a folder; all are different."""
    rng = np.random.default_rng(0)
    for number in range(count):
        place = folder / f"{number // 100:04}"
        if number % 100 == 0:
            place.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (side, side, 3), np.uint8)
        Image.fromarray(pixels).save(place / f"p{number:06}.png", compress_level=0)


def scan(folder: str) -> int:
    """`os.scandir` with `stat` over a folder and its subfolders; the number of files."""
    files = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                files += scan(entry.path)
            else:
                entry.stat()
                files += 1
    return files


def hash_all(folder: Path) -> None:
    """Read and hash every file, one after another."""
    for file in sorted(folder.rglob("*.png")):
        hashlib.sha256(file.read_bytes()).digest()


def unchanged(place: Path, count: int, rounds: int = 5) -> None:
    """Time builds without changes in processes of their own, and the scan alternating with them."""
    photos, index = place / "photos", place / "index"
    make_pictures(photos, count, 8)
    update(source_of([photos]), StandIn(), index)
    scans, builds = [], []
    for _ in range(rounds):
        scans.append(seconds(lambda: scan(str(photos))))
        builds.append(seconds(lambda: update(source_of([photos]), StandIn(), index)))
    report("no-change build", builds, f"scandir with stat of {count:,} files", scans)
    print(f"  beyond 1.5 times the scan: {min(builds) - 1.5 * min(scans):.2f} s")


def renamed(place: Path, count: int) -> None:
    """Time the build after a folder was renamed, and hashing the same bytes."""
    photos, index = place / "photos", place / "index"
    make_pictures(photos, count, 128)
    update(source_of([place / "photos"]), StandIn(), index)
    builds, hashes = [], []
    for name in ("one", "two", "three"):
        photos = photos.rename(place / name)
        (place / "photos").mkdir(exist_ok=True)
        photos = photos.rename(place / "photos" / name)
        hashes.append(seconds(lambda p=photos: hash_all(p)))
        builds.append(seconds(lambda: update(source_of([place / "photos"]), StandIn(), index)))
    report("build after a rename", builds, f"hashing {count:,} files", hashes)


def report(name: str, times: Sequence[float], other: str, baseline: Sequence[float]) -> None:
    """Print two medians, and their ratio."""
    a, b = statistics.median(times), statistics.median(baseline)
    print(f"{name}: {a:.2f} s; {other}: {b:.2f} s; ratio {a / b:.2f}", flush=True)


MILLION = """
import sys, time
from zcalc.calculator import Calculator
start = time.perf_counter()
calc = Calculator.create("mini", index=sys.argv[1])
def query(text):
    begin = time.perf_counter()
    calc(text).nearest(5)
    return time.perf_counter() - begin
first = query('"a dog in the snow"')
print(f"first query, with opening the index and its structure: {time.perf_counter() - start:.2f} s")
times = sorted(query(f'"a dog and {n} cats"') for n in range(30))
print(f"later queries: {1000 * times[15]:.1f} ms, at most {1000 * times[-1]:.1f} ms")
"""


def million(place: Path, count: int) -> None:
    """Time queries by text against stored vectors, as the shell runs them."""
    from zcalc.models.encoder import Encoder

    encoder = Encoder.load("mini")
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(1000, encoder.dim)).astype(np.float32)
    index = place / "index"
    rows = np.empty((count, encoder.dim), np.float32)
    for start in range(0, count, 50_000):
        stop = min(start + 50_000, count)
        some = centres[rng.integers(0, 1000, stop - start)]
        some = some + 0.7 * rng.normal(size=some.shape).astype(np.float32)
        rows[start:stop] = some / np.linalg.norm(some, axis=1, keepdims=True)
    names = [f"p{i}" for i in range(count)]
    table = pa.table({
        "name": names, "path": [f"/pictures/{name}.jpg" for name in names],
        "size": np.ones(count, np.int64), "mtime_ns": np.ones(count, np.int64),
        "sha256": pa.array([i.to_bytes(32, "big") for i in range(count)], pa.binary(32)),
    })  # fmt: skip
    saved = save(Index.of(encoder.identity, rows, table), index)
    print(f"building the search structure, once: {seconds(lambda: saved.structure):.0f} s")
    subprocess.run([sys.executable, "-c", MILLION, str(index)], check=True)


def main() -> None:
    """Parse the command line and run one benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("which", choices=["unchanged", "renamed", "million"])
    parser.add_argument("--count", type=int)
    options = parser.parse_args()
    counts = {"unchanged": 100_000, "renamed": 20_000, "million": 1_000_000}
    run = {"unchanged": unchanged, "renamed": renamed, "million": million}[options.which]
    with tempfile.TemporaryDirectory() as place:
        run(Path(place), options.count or counts[options.which])


if __name__ == "__main__":
    main()
