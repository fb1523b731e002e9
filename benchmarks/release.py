"""Time zerocap beside the paper's released code: same weights, same tokens, peak memory of both.

git clone https://github.com/YoadTew/zero-shot-image-to-text release
python3 -m venv old
old/bin/pip install torch==2.13.0 transformers==4.30.2 clip-anytorch "numpy<2" "setuptools<80"
python benchmarks/release.py release old/bin/python          # ten minutes

Both decode the same point with ViT-B/32 and GPT-2 medium's architecture at random weights, each in
a process of its own, so that the peak of its resident memory includes its models.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from decoding import full_size, last, timed

from zcalc.decode.settings import ZeroCapSettings
from zcalc.decode.vocabulary import Vocabulary
from zcalc.decode.zerocap import zerocap

RELEASED = Path(__file__).with_name("released.py")
GIB = 2**30
RUNS = 5  # of ours, of which the median counts; the released code runs once


def run(command: list[str]) -> dict[str, Any]:
    """The JSON that a command prints as its last line."""
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def ours(folder: Path, beams: int, tokens: int, precision: str) -> None:
    """Decode the point in `folder` after one warm-up token, and print what `released.py` prints."""
    pair = full_size(folder)
    target = np.load(folder / "target.npy")
    settings = ZeroCapSettings(beams=beams, max_tokens=tokens, precision=precision)
    last(zerocap(target, *pair, ZeroCapSettings(beams=1, max_tokens=1, precision=precision)))
    runs = [timed(lambda: last(zerocap(target, *pair, settings))) for _ in range(RUNS)]
    seconds, caption = median(run[0] for run in runs), runs[0][1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    written = sorted(tuple(beam.tokens) for beam in caption.beams)
    print(json.dumps({"tokens": written, "seconds": seconds, "peak": peak}))


def prepare(folder: Path) -> None:
    """Save the models, the point and the ids of the forbidden tokens."""
    encoder, lm = full_size(folder)
    target = encoder.texts(["a photo of a cat"])[0]
    np.save(folder / "target.npy", target / np.linalg.norm(target))
    forbidden = Vocabulary(lm, ZeroCapSettings()).forbidden
    np.save(folder / "forbidden.npy", forbidden.nonzero()[:, 0].numpy())


def report(release: dict[str, Any], own: dict[str, Any], precision: str) -> None:
    """Print one comparison."""
    pairs = zip(release["tokens"], own["tokens"], strict=True)
    changed = sum(a != b for x, y in pairs for a, b in zip(x, y, strict=True))
    count = sum(map(len, own["tokens"]))
    print(
        f"  zerocap in {precision}: {own['seconds']:.2f} s, "
        f"{release['seconds'] / own['seconds']:.0f} × as fast, "
        f"{changed} of {count} tokens differ; peak memory {own['peak'] / GIB:.2f} GiB",
        flush=True,
    )


def main() -> None:
    """Parse the command line and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path, help="a clone of the released code")
    parser.add_argument("python", help="the Python of an environment for it")
    parser.add_argument("--folder", type=Path, help="where to save the weights (2 GB)")
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--tokens", type=int, default=2)
    parser.add_argument("--own", help=argparse.SUPPRESS)  # this script, started by itself
    options = parser.parse_args()
    if options.own:
        ours(options.folder, options.beams[0], options.tokens, options.own)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        prepare(folder)
        for beams in options.beams:
            setting = [str(beams), str(options.tokens)]
            release = run(
                [options.python, str(RELEASED), str(options.checkout), str(folder), *setting]
            )
            print(
                f"full size, {beams} beams, {options.tokens} tokens\n"
                f"  release: {release['seconds']:.0f} s; "
                f"peak memory {release['peak'] / GIB:.2f} GiB",
                flush=True,
            )
            again = [sys.executable, __file__, *sys.argv[1:3], "--folder", str(folder)]
            again += ["--beams", setting[0], "--tokens", setting[1], "--own"]
            for precision in ("fp32", "bf16"):
                report(release, run([*again, precision]), precision)


if __name__ == "__main__":
    main()
