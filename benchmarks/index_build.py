"""Building an index: throughput, time of an update without changes, and peak memory.

python benchmarks/index_build.py throughput PHOTOS   # mini on 2,000 variations of a folder's photos
python benchmarks/index_build.py unchanged           # a second run over 10,000 files
python benchmarks/index_build.py memory              # 100,000 small pictures, a stand-in encoder
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

from zcalc.index import source_of, update
from zcalc.pictures import decode

ROUNDS = 10


def seconds(function: Callable[[], object]) -> float:
    """Wall time of one call, in seconds."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def make_variations(photos: Path, to: Path, count: int) -> None:
    """Save variations of a folder's photos, with random crops and brightness."""
    sources = sorted(photos.glob("*.jpg"))
    rng = random.Random(0)
    for i in range(count):
        picture = Image.open(sources[i % len(sources)]).convert("RGB")
        width, height = picture.size
        left, top = rng.randrange(1 + width // 16), rng.randrange(1 + height // 16)
        picture = picture.crop((left, top, width - left // 2, height - top // 2))
        picture = ImageEnhance.Brightness(picture).enhance(rng.uniform(0.85, 1.15))
        file = to / f"{i % ROUNDS}" / f"{sources[i % len(sources)].stem}-{i}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        picture.save(file, quality=90)


def throughput(photos: Path, count: int, place: Path) -> None:
    """Compare the build with decoding alone and encoding alone, alternating over ten parts."""
    from zcalc.models.encoder import Encoder

    make_variations(photos, place, count)
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

    encode_all(read_all(parts[0][:64]))  # warm-up
    rounds: list[tuple[float, float, float]] = []
    for i, files in enumerate(parts):
        inputs: list[object] = []
        source = source_of([place / str(i)])
        decoding = seconds(lambda f=files, to=inputs: to.extend(read_all(f)))
        encoding = seconds(lambda batch=inputs: encode_all(batch))
        inputs.clear()
        building = seconds(lambda s=source, n=i: update(s, encoder, place / f"{n}.zidx"))
        rounds.append((decoding, encoding, building))
        speeds = [len(files) / duration for duration in rounds[-1]]
        print("decode {:7.1f}   encoder {:7.1f}   build {:7.1f} pictures/s".format(*speeds))
    ratios = [max(decoding, encoding) / building for decoding, encoding, building in rounds]
    total = [sum(column) for column in zip(*rounds, strict=True)]
    print(f"slower of the two / build = {max(total[:2]) / total[2]:.3f} overall, "
          f"{statistics.median(ratios):.3f} in the median round")  # fmt: skip


class FakeEncoder:
    """An encoder that takes no time: the embedding is some of the picture's pixels."""

    identity, dim, batch_size = "fake-1", 512, 32

    def prepare(self, picture: Image.Image) -> np.ndarray:
        """A picture as float32 pixels (3, 224, 224)."""
        pixels = np.asarray(picture.resize((224, 224)), np.float32)
        return pixels.transpose(2, 0, 1) / 255

    def encode(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        """Pixels (n, d) of one row of each picture."""
        return np.stack([pixels[:, 100, :].ravel()[: self.dim] + 1e-3 for pixels in inputs])


def save_small_pictures(to: Path, count: int) -> None:
    """Save distinct pictures of 32 × 24 pixels, a thousand per folder."""
    for i in range(count):
        pixels = hashlib.shake_128(str(i).encode()).digest(6 * 4 * 3)
        file = to / f"{i // 1000:03}" / f"{i:06}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.frombytes("RGB", (6, 4), pixels).resize((32, 24)).save(file, compress_level=1)


def unchanged(count: int, place: Path) -> None:
    """Time `zcalc index build` on an index that is up to date, as a separate process.

    The index is built with a stand-in under mini's identity, since the second run encodes nothing.
    """
    from zcalc.models.encoder import Encoder

    photos, index = place / "photos", place / "p.zidx"
    save_small_pictures(photos, count)
    mini, encoder = Encoder.load("mini"), FakeEncoder()
    encoder.identity, encoder.dim = mini.identity, mini.dim
    print(f"first run   {seconds(lambda: update(source_of([photos]), encoder, index)):8.2f} s")
    command = [sys.executable, "-c", "from zcalc.cli import main; main()"]
    command += ["index", "build", str(photos), "-o", str(index)]
    times = sorted(seconds(lambda: subprocess.run(command, check=True)) for _ in range(5))
    print(f"second run  {times[2]:8.2f} s (median of 5: {times[0]:.2f} to {times[-1]:.2f})")
    opened: list[str] = []
    sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
    duration = seconds(lambda: update(source_of([photos]), encoder, index))
    pictures = [path for path in opened if path.startswith(str(photos))]
    print(f"update only {duration:8.2f} s; pictures opened (by an audit hook): {len(pictures)}")


def memory(count: int, place: Path) -> None:
    """Measure the peak memory of a build, and its increase over the start."""
    duration = seconds(lambda: save_small_pictures(place / "photos", count))
    print(f"saved {count} pictures in {duration:.0f} s", flush=True)
    update(source_of([place / "photos/000"]), FakeEncoder())  # lazy imports
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    duration = seconds(lambda: update(source_of([place / "photos"]), FakeEncoder(), place / "x"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{count / duration:.0f} pictures/s; peak {peak / 1024:.0f} MB, "
          f"{(peak - before) / 1024:.0f} MB over {before / 1024:.0f} MB at the start")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("benchmark", choices=["throughput", "unchanged", "memory"])
    parser.add_argument("photos", nargs="?", type=Path)
    parser.add_argument("--count", type=int)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if args.benchmark == "throughput":
            throughput(args.photos, args.count or 2000, Path(folder))
        elif args.benchmark == "unchanged":
            unchanged(args.count or 10_000, Path(folder))
        else:
            memory(args.count or 100_000, Path(folder))
