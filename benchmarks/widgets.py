"""How long a slider of the lab takes until new words and pictures are on the screen.

A real JupyterLab and Chromium; times are the page's own, from the slider's input event to the
change of the list of words. `python -m benchmarks.widgets --images FOLDER`
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
    const seen = new Promise((done) => {
      const observer = new MutationObserver(() => { observer.disconnect(); done(); });
      observer.observe(words, {childList: true});
    });
    const begin = performance.now();
    slider.value = (-1.9 + 0.05 * (i + 1)).toFixed(2);
    slider.dispatchEvent(new Event('input', {bubbles: true}));
    await seen;
    times.push(performance.now() - begin);
    await new Promise((done) => setTimeout(done, 30));
  }
  return times;
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", required=True, help="a folder of pictures")
    images = str(Path(parser.parse_args().images).resolve())
    first = sorted(Path(images).glob("*.jpg"))[0].stem
    cell = (
        f"import zcalc; calc = zcalc.load('mini', images={images!r})\n"
        f'calc.lab(\'img({first}) + "snow" - 0.5 * "tree"\')'
    )
    made = SimpleNamespace(mktemp=lambda name: Path(tempfile.mkdtemp(prefix=name)))
    with conftest.running_browser() as browser, conftest.running_jupyter(made) as jupyter:
        book = conftest.opener(browser, jupyter)(cell)
        book.run()
        times = book.widget().evaluate(_MEASURE)[10:]
        book.close()
    low, high = statistics.quantiles(times, n=20)[0], statistics.quantiles(times, n=20)[-1]
    middle = statistics.median(times)
    print(f"{len(times)} moves: median {middle:.0f} ms, 5 % {low:.0f} ms, 95 % {high:.0f} ms")


if __name__ == "__main__":
    main()
