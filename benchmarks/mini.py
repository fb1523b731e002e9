"""Measure the speed of `mini`: encoding throughput, and each decoder relative to `zerocap`.

Run `python benchmarks/mini.py`.
"""

import statistics
import time
from collections.abc import Callable

import torch

from zcalc.calculator import Calculator
from zcalc.pictures import open_picture

METHODS = ("zerocap", "search", "retrieve")
PICTURES = ("cat", "rocket")


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call, in seconds."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    calculator = Calculator.create("mini")
    models = calculator.models
    print(f"{torch.get_num_threads()} threads")
    print(f"load encoder          {seconds(lambda: models.encoder):8.2f} s")
    print(f"load language model   {seconds(lambda: models.language_model):8.2f} s")
    encoder = models.encoder
    models.vocabulary.vectors, models.sentences.vectors  # noqa: B018 (warm up)
    pictures = [open_picture(p.path) for p in calculator.gallery]
    texts = [f"Image of a {word}." for word in models.vocabulary.texts[:2000]]
    print(f"pictures a second     {len(pictures) / seconds(lambda: encoder.images(pictures)):8.1f}")
    print(f"texts a second        {len(texts) / seconds(lambda: encoder.texts(texts)):8.0f}")
    calculator("img(cat)").caption("search", max_tokens=1)  # warm up: the token table
    for beams in (1, 5):
        medians = {}
        for method in METHODS:
            settings = {} if method == "retrieve" else {"beams": beams}
            times = []
            for name in PICTURES:
                result = calculator(f"img({name})")
                times.append(seconds(lambda r=result, m=method, s=settings: r.caption(m, **s)))
            medians[method] = statistics.median(times)
        for method, median in medians.items():
            ratio = medians["zerocap"] / median
            print(f"{method:9} {beams} beams     {median:8.2f} s   {ratio:8.1f} × zerocap's speed")


if __name__ == "__main__":
    main()
