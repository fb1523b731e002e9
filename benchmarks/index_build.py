"""Building an index: how fast, how fast again, and in how much memory; ratios in one run.

python benchmarks/index_build.py throughput PHOTOS   # mini over 2,000 made of a folder's
python benchmarks/index_build.py unchanged           # a second run over 10,000 files
python benchmarks/index_build.py memory              # 100,000 small ones, no real model
"""

import argparse
import hashlib
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from zcalc.gallery import decode
from zcalc.index import source_of, update

ROUNDS = 10


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call, in seconds."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def varied(photos: Path, to: Path, count: int) -> list[Path]:
    """Photographs made from a folder's, each a little lighter, smaller or shifted."""
    sources = sorted(photos.glob("*.jpg"))
    numbers = random.Random(0)
    files = []
    for i in range(count):
        picture = Image.open(sources[i % len(sources)]).convert("RGB")
        width, height = picture.size
        left, top = numbers.randrange(1 + width // 16), numbers.randrange(1 + height // 16)
        picture = picture.crop((left, top, width - left // 2, height - top // 2))
        picture = ImageEnhance.Brightness(picture).enhance(numbers.uniform(0.85, 1.15))
        file = to / f"{i % ROUNDS}" / f"{sources[i % len(sources)].stem}-{i}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        picture.save(file, quality=90)
        files.append(file)
    return files


def throughput(photos: Path, count: int, place: Path) -> None:
    """The build beside the bare encoder and the bare decode, in turns over parts."""
    from zcalc.models.encoder import Encoder

    varied(photos, place, count)
    encoder = Encoder.load("mini")
    workers = max(2, os.cpu_count() or 1)
    parts = [sorted((place / str(i)).iterdir()) for i in range(ROUNDS)]

    def read(file: Path) -> object:
        return encoder.prepare(decode(file.read_bytes()))

    def read_all(files: Sequence[Path]) -> list[object]:
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(read, files))

    def encode_all(inputs: Sequence[object]) -> None:
        for start in range(0, len(inputs), encoder.batch_size):
            encoder.encode(inputs[start : start + encoder.batch_size])

    encode_all(read_all(parts[0][:64]))  # warm
    rounds: list[tuple[float, float, float]] = []
    for i, files in enumerate(parts):
        inputs: list[object] = []
        source = source_of([place / str(i)])
        reading = seconds(lambda f=files, to=inputs: to.extend(read_all(f)))
        encoding = seconds(lambda given=inputs: encode_all(given))
        inputs.clear()
        building = seconds(lambda s=source, n=i: update(s, encoder, place / f"{n}.zidx"))
        rounds.append((reading, encoding, building))
        speeds = [len(files) / taken for taken in rounds[-1]]
        print("decode {:7.1f}   encoder {:7.1f}   build {:7.1f} pictures/s".format(*speeds))
    ratios = sorted(max(reading, encoding) / building for reading, encoding, building in rounds)
    total = [sum(column) for column in zip(*rounds, strict=True)]
    print(f"the slower of the two : build = {max(total[:2]) / total[2]:.3f} over all, "
          f"{statistics.median(ratios):.3f} the median round")  # fmt: skip


class FakeEncoder:
    """As fast as can be: the embedding is a few of the picture's pixels."""

    identity, dim, batch_size = "fake-1", 512, 32

    def prepare(self, picture: Image.Image) -> np.ndarray:
        """A picture as (3 × 224 × 224) float32, as models want it."""
        pixels = np.asarray(picture.resize((224, 224)), np.float32)
        return pixels.transpose(2, 0, 1) / 255

    def encode(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """The middle of each picture, (n, d)."""
        return np.stack([one[:, 100, :].ravel()[: self.dim] + 1e-3 for one in inputs])


def small_pictures(to: Path, count: int) -> None:
    """Pictures of 32 × 24, all different, a thousand to a folder."""
    for i in range(count):
        pixels = hashlib.shake_128(str(i).encode()).digest(6 * 4 * 3)
        file = to / f"{i // 1000:03}" / f"{i:06}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.frombytes("RGB", (6, 4), pixels).resize((32, 24)).save(file, compress_level=1)


def unchanged(count: int, place: Path) -> None:
    """A second `zcalc index build` over files that have not changed, as a command of its own.

    The first build is by a stand-in that has mini's name: the second one looks at no vector.
    """
    from zcalc.models.encoder import Encoder

    photos, index = place / "photos", place / "p.zidx"
    small_pictures(photos, count)
    mini, encoder = Encoder.load("mini"), FakeEncoder()
    encoder.identity, encoder.dim = mini.identity, mini.dim
    print(f"first run   {seconds(lambda: update(source_of([photos]), encoder, index)):8.2f} s")
    command = [sys.executable, "-c", "from zcalc.cli import main; main()"]
    command += ["index", "build", str(photos), "-o", str(index)]
    times = sorted(seconds(lambda: subprocess.run(command, check=True)) for _ in range(5))
    print(f"second run  {times[2]:8.2f} s (median of 5: {times[0]:.2f} to {times[-1]:.2f})")
    opened: list[str] = []
    sys.addaudithook(lambda event, about: opened.append(str(about[0])) if event == "open" else None)
    inside = seconds(lambda: update(source_of([photos]), encoder, index))
    pictures = [path for path in opened if path.startswith(str(photos))]
    print(f"of that the update {inside:8.2f} s; pictures opened, by an audit hook: {len(pictures)}")


def memory(count: int, place: Path) -> None:
    """The most memory that a build takes, over what it had before it began."""
    begin = seconds(lambda: small_pictures(place / "photos", count))
    print(f"made {count} pictures in {begin:.0f} s", flush=True)
    update(source_of([place / "photos/000"]), FakeEncoder())  # all that is imported late
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    taken = seconds(lambda: update(source_of([place / "photos"]), FakeEncoder(), place / "x"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{count / taken:.0f} pictures/s; peak {peak / 1024:.0f} MB, "
          f"{(peak - before) / 1024:.0f} MB over the {before / 1024:.0f} MB before")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["throughput", "unchanged", "memory"])
    parser.add_argument("photos", nargs="?", type=Path)
    parser.add_argument("--count", type=int)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.what == "throughput":
            throughput(given.photos, given.count or 2000, Path(folder))
        elif given.what == "unchanged":
            unchanged(given.count or 10_000, Path(folder))
        else:
            memory(given.count or 100_000, Path(folder))
