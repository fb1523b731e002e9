"""How fast the language is: medians of warm runs, and the evaluation's share of the encoder's time.

python benchmarks/language.py [MODEL]
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from zcalc.calculator import Calculator
from zcalc.gallery import Gallery, open_picture
from zcalc.language import check, operands, parse, plan


def median(call: Callable[[], object], runs: int = 30) -> float:
    """The median processor time of a call on its thread, in seconds, after two to warm up."""
    seconds = []
    for i in range(runs + 2):
        begin = time.thread_time()
        call()
        seconds.append(time.thread_time() - begin if i > 1 else 0)
    return statistics.median(seconds[2:])


def reading() -> None:
    for count, most in ((12, 1), (256, 20)):
        parts = ("img(coffee) * 2", '"tea" / 3', "img(cat)", 'txt("milk")')
        text = " + ".join(parts[i % 4] for i in range(count))

        def read(text: str = text) -> None:
            parse.cache_clear()
            check(parse(text), text)

        milliseconds = 1000 * median(read)
        print(f"parse and check, {count:3} operands: {milliseconds:6.2f} ms (most {most})")


def evaluating(model: str) -> None:
    calc = Calculator(model)
    names = [picture.name for picture in Gallery.samples()][:4]
    text = " + ".join(f'img({name}) - "a {name}"' for name in names)
    nodes = operands(parse(text))
    pictures = [open_picture(calc.gallery.find(n).path) for n in names]
    texts = [node.text for node in nodes if hasattr(node, "text")]

    def evaluation() -> None:
        steps, _ = plan(text)
        evaluated = calc.evaluation([steps[0].tree], text)
        evaluated(steps[0].tree)

    calc(text)
    warm = median(evaluation)
    reading_files = median(lambda: [open_picture(calc.gallery.find(n).path) for n in names])
    cached = median(lambda: (calc.encoder.texts(texts), calc.encoder.images(pictures)))
    cold = statistics.median(_cold(model, texts, pictures) for _ in range(5))
    overhead = max(0.0, warm - reading_files - cached)
    print(f"bare encoder call, 8 operands:     {1000 * cold:6.1f} ms")
    print(f"reading the 4 picture files:       {1000 * reading_files:6.1f} ms")
    print(f"plan, look up, add up:             {1000 * overhead:6.2f} ms")
    print(f"overhead over the encoder call:    {100 * overhead / cold:6.2f} % (most 5)")


def _cold(model: str, texts: list[str], pictures: list[Image.Image]) -> float:
    """The time of one encoder call that finds nothing in its cache."""
    encoder = Calculator(model).encoder
    encoder.texts(["warm"])
    encoder.images([Image.new("RGB", (64, 64))])
    begin = time.thread_time()
    encoder.texts(texts)
    encoder.images(pictures)
    return time.thread_time() - begin


def batching(model: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for i in range(30):
            Image.new("RGB", (64, 64), (8 * i, 255 - 8 * i, 99)).save(Path(folder, f"p{i}.png"))
        calc = Calculator(model, [Path(folder)])
        sizes = []
        images = calc.encoder.images
        calc.encoder.images = lambda some: (sizes.append(len(some)), images(some))[1]
        calc("\n".join(f"img(p{i % 30}) - img(p{i * 7 % 30}) / 2" for i in range(100)))
        print(f"100 statements over 30 pictures:   image batches of {sizes}")


if __name__ == "__main__":
    reading()
    evaluating(sys.argv[1] if len(sys.argv) > 1 else "mini")
    batching(sys.argv[1] if len(sys.argv) > 1 else "mini")
