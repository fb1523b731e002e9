"""Speed of the language: parsing, and the overhead of an evaluation over its encoder calls.

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
from zcalc.gallery import Gallery
from zcalc.language import check, operands, parse, plan
from zcalc.pictures import open_picture


def median(call: Callable[[], object], runs: int = 30) -> float:
    """Return the median thread time of a call in seconds, after two warm-up runs."""
    seconds = []
    for i in range(runs + 2):
        start = time.thread_time()
        call()
        seconds.append(time.thread_time() - start if i > 1 else 0)
    return statistics.median(seconds[2:])


def parsing() -> None:
    for count, limit in ((12, 1), (256, 20)):
        parts = ("img(coffee) * 2", '"tea" / 3', "img(cat)", 'txt("milk")')
        text = " + ".join(parts[i % 4] for i in range(count))

        def parse_and_check(text: str = text) -> None:
            parse.cache_clear()
            check(parse(text), text)

        milliseconds = 1000 * median(parse_and_check)
        print(f"parse and check, {count:3} operands: {milliseconds:6.2f} ms (limit {limit})")


def evaluating(model: str) -> None:
    calc = Calculator.create(model)
    encoder = calc.models.encoder
    names = [picture.name for picture in Gallery.samples()][:4]
    text = " + ".join(f'img({name}) - "a {name}"' for name in names)
    nodes = operands(parse(text))
    pictures = [open_picture(calc.gallery.find(name).path) for name in names]
    texts = [node.text for node in nodes if hasattr(node, "text")]

    def evaluate() -> None:
        steps, _ = plan(text)
        evaluation = calc.evaluation([steps[0].tree], text)
        evaluation(steps[0].tree)

    calc(text)
    warm = median(evaluate)
    files = median(lambda: [open_picture(calc.gallery.find(name).path) for name in names])
    cached = median(lambda: (encoder.texts(texts), encoder.images(pictures)))
    cold = statistics.median(_cold(model, texts, pictures) for _ in range(5))
    overhead = max(0.0, warm - files - cached)
    print(f"encoder calls, 8 operands:         {1000 * cold:6.1f} ms")
    print(f"reading the 4 picture files:       {1000 * files:6.1f} ms")
    print(f"plan, cache lookup, arithmetic:    {1000 * overhead:6.2f} ms")
    print(f"overhead over the encoder calls:   {100 * overhead / cold:6.2f} % (limit 5)")


def _cold(model: str, texts: list[str], pictures: list[Image.Image]) -> float:
    """Return the thread time of encoder calls with nothing cached."""
    encoder = Calculator.create(model).models.encoder
    encoder.texts(["warm-up"])
    encoder.images([Image.new("RGB", (64, 64))])
    start = time.thread_time()
    encoder.texts(texts)
    encoder.images(pictures)
    return time.thread_time() - start


def batching(model: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for i in range(30):
            Image.new("RGB", (64, 64), (8 * i, 255 - 8 * i, 99)).save(Path(folder, f"p{i}.png"))
        calc = Calculator.create(model, images=[Path(folder)])
        sizes = []
        encoder = calc.models.encoder
        embed = encoder.images
        encoder.images = lambda pictures: (sizes.append(len(pictures)), embed(pictures))[1]
        calc("\n".join(f"img(p{i % 30}) - img(p{i * 7 % 30}) / 2" for i in range(100)))
        print(f"100 statements over 30 pictures:   image batches of {sizes}")


if __name__ == "__main__":
    parsing()
    evaluating(sys.argv[1] if len(sys.argv) > 1 else "mini")
    batching(sys.argv[1] if len(sys.argv) > 1 else "mini")
