"""Measure the time to the first card in a fresh notebook kernel.

Run `python benchmarks/notebook.py`.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

from jupyter_client.manager import start_new_kernel

TYPING_SECONDS = 8
FIRST_CELL = '%zcalc img(coffee) - "coffee" + "tea"'


def import_seconds() -> float:
    """The time of `import zcalc` in a fresh interpreter."""
    code = "import time; t = time.perf_counter(); import zcalc; print(time.perf_counter() - t)"
    return float(subprocess.check_output([sys.executable, "-c", code]))


def first_card(cell: str, pause: float = 0) -> tuple[float, int]:
    """Seconds from `%load_ext zcalc` to the first card in a fresh kernel; bytes of its HTML.

    `pause` is the time taken to type the cell; only the seconds after it count.
    """
    manager, client = start_new_kernel()
    sizes = [0]

    def hook(message: dict) -> None:
        if message["msg_type"] == "execute_result":
            sizes.append(len(message["content"]["data"]["text/html"].encode()))

    try:
        client.execute_interactive("pass", timeout=60)
        start = time.perf_counter()
        client.execute_interactive("%load_ext zcalc", timeout=60)
        time.sleep(pause)
        start += pause
        client.execute_interactive(cell, output_hook=hook, timeout=300)
        return time.perf_counter() - start, sizes[-1]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def main() -> None:
    """Print the timings."""
    times = [import_seconds() for _ in range(7)]
    print(f"import zcalc            {1000 * statistics.median(times):6.0f} ms, median of 7")
    no_caption = FIRST_CELL.replace("img", "--no-caption img", 1)
    for name, cell, pause in (
        ("first card, cell run at once", FIRST_CELL, 0),
        (f"first card, cell typed for {TYPING_SECONDS} s", FIRST_CELL, TYPING_SECONDS),
        ("without a caption, at once", no_caption, 0),
        (f"without a caption, typed for {TYPING_SECONDS} s", no_caption, TYPING_SECONDS),
    ):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["ZCALC_CACHE"] = folder
            for cache in ("cold", "warm"):
                seconds, size = first_card(cell, pause)
                print(f"{name:36} {cache} cache {seconds:5.1f} s, {size / 1000:.0f} kB of HTML")


if __name__ == "__main__":
    main()
