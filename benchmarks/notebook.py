"""`python benchmarks/notebook.py`: how long a notebook takes to a first card, in a new process."""

import os
import statistics
import subprocess
import sys
import tempfile
import time

from jupyter_client.manager import start_new_kernel

TYPING = 8  # seconds
FIRST = '%zcalc img(coffee) - "coffee" + "tea"'


def importing() -> float:
    """Seconds of `import zcalc` alone in a fresh Python."""
    code = "import time; t = time.perf_counter(); import zcalc; print(time.perf_counter() - t)"
    return float(subprocess.check_output([sys.executable, "-c", code]))


def first_card(cell: str, pause: float = 0) -> tuple[float, int]:
    """Seconds from `%load_ext zcalc` to the first card in a fresh kernel, and its HTML's bytes.

    With a pause, in which somebody types the cell, only the seconds after it count.
    """
    manager, client = start_new_kernel()
    sizes = [0]

    def hook(message: dict) -> None:
        if message["msg_type"] == "execute_result":
            sizes.append(len(message["content"]["data"]["text/html"].encode()))

    try:
        client.execute_interactive("pass", timeout=60)
        begin = time.perf_counter()
        client.execute_interactive("%load_ext zcalc", timeout=60)
        time.sleep(pause)
        begin += pause
        client.execute_interactive(cell, output_hook=hook, timeout=300)
        return time.perf_counter() - begin, sizes[-1]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def main() -> None:
    """Print the figures."""
    times = [importing() for _ in range(7)]
    print(f"import zcalc            {1000 * statistics.median(times):6.0f} ms, median of 7")
    quick = FIRST.replace("img", "--no-caption img", 1)
    for name, cell, pause in (
        ("first card, cell run at once", FIRST, 0),
        (f"first card, cell typed for {TYPING} s", FIRST, TYPING),
        ("without a sentence, at once", quick, 0),
        (f"without a sentence, typed for {TYPING} s", quick, TYPING),
    ):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["ZCALC_CACHE"] = folder
            for cache in ("cold", "warm"):
                seconds, size = first_card(cell, pause)
                print(f"{name:36} {cache} cache {seconds:5.1f} s, {size / 1000:.0f} kB of HTML")


if __name__ == "__main__":
    main()
