"""What mini costs: pictures and texts a second, and each decoder beside `zerocap`, in one run.

python benchmarks/mini.py
"""

import statistics
import time
from collections.abc import Callable

import torch

from zcalc.calculator import Calculator
from zcalc.pictures import open_picture

METHODS = ("zerocap", "search", "retrieve")
PICTURES = ("cat", "rocket")


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call, in seconds."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> None:
    """Print the table."""
    calculator = Calculator("mini")
    print(f"{torch.get_num_threads()} threads")
    print(f"load encoder          {seconds(lambda: calculator.encoder):8.2f} s")
    print(f"load language model   {seconds(lambda: calculator.language_model):8.2f} s")
    encoder = calculator.encoder
    calculator.vocabulary.vectors, calculator.sentences.vectors  # noqa: B018 (warm)
    pictures = [open_picture(p.path) for p in calculator.gallery]
    texts = [f"Image of a {word}." for word in calculator.vocabulary.texts[:2000]]
    print(f"pictures a second     {len(pictures) / seconds(lambda: encoder.images(pictures)):8.1f}")
    print(f"texts a second        {len(texts) / seconds(lambda: encoder.texts(texts)):8.0f}")
    calculator("img(cat)").caption("search", max_tokens=1)  # warm: the words of its tokens
    for beams in (1, 5):
        medians = {}
        for method in METHODS:
            settings = {} if method == "retrieve" else {"beams": beams}
            taken = []
            for name in PICTURES:
                result = calculator(f"img({name})")
                taken.append(seconds(lambda r=result, m=method, s=settings: r.caption(m, **s)))
            medians[method] = statistics.median(taken)
        for method, median in medians.items():
            ratio = medians["zerocap"] / median
            print(f"{method:9} {beams} beams     {median:8.2f} s   {ratio:8.1f} × zerocap's speed")


if __name__ == "__main__":
    main()
