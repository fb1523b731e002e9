"""Measure the latency of a slider in `calc.lab`, in a real JupyterLab and Chromium.

The page itself measures the time from the slider's input event to the updated list of words.
Run `python -m benchmarks.widgets --images FOLDER`.
"""

import argparse
import statistics
import tempfile
from pathlib import Path
from types import SimpleNamespace

from tests.browser import conftest

_MEASURE = """async (root) => {
  const slider = root.querySelector('input[type=range]');
  const words = root.querySelector('.z-words');
  const times = [];
  for (let i = 0; i < 60; i += 1) {
    const updated = new Promise((done) => {
      const observer = new MutationObserver(() => { observer.disconnect(); done(); });
      observer.observe(words, {childList: true});
    });
    const start = performance.now();
    slider.value = (-1.9 + 0.05 * (i + 1)).toFixed(2);
    slider.dispatchEvent(new Event('input', {bubbles: true}));
    await updated;
    times.push(performance.now() - start);
    await new Promise((done) => setTimeout(done, 30));
  }
  return times;
}"""


def main() -> None:
    """Print the quantiles of 50 moves of the slider."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True, help="folder of pictures")
    images = str(Path(parser.parse_args().images).resolve())
    first = sorted(Path(images).glob("*.jpg"))[0].stem
    cell = (
        f"import zcalc; calc = zcalc.load('mini', images={images!r})\n"
        f'calc.lab(\'img({first}) + "snow" - 0.5 * "tree"\')'
    )
    folders = SimpleNamespace(mktemp=lambda name: Path(tempfile.mkdtemp(prefix=name)))
    with (
        conftest.running_browser() as browser,
        conftest.running_jupyter(folders) as jupyter,
    ):
        notebook = conftest.opener(browser, jupyter)(cell)
        notebook.run()
        times = notebook.widget().evaluate(_MEASURE)[10:]
        notebook.close()
    low, high = statistics.quantiles(times, n=20)[0], statistics.quantiles(times, n=20)[-1]
    median = statistics.median(times)
    print(f"{len(times)} moves: median {median:.0f} ms, 5 % {low:.0f} ms, 95 % {high:.0f} ms")


if __name__ == "__main__":
    main()
